/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as views write it: what is empty goes away, and nothing gets out of its quotes. */
#include "responder/writer.h"
#include "evidence/base.h"
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void expect(struct writer *w, const char *text)
{
	writer_raw(w, "", 1);
	assert_string_equal(w->buf, text);
	writer_fini(w);
}

static void test_values(void **state)
{
	struct writer w = {};

	(void)state;
	writer_object(&w, NULL);
	writer_number(&w, "a", 0);
	writer_number(&w, "b", UINT64_MAX);
	writer_signed(&w, "c", INT64_MIN);
	writer_digits(&w, "d", 42);
	writer_bool(&w, "e", true);
	writer_text(&w, "f", NULL);
	writer_text(&w, "g", "");
	writer_end(&w);
	expect(&w, "{\"a\":0,\"b\":9223372036854775807,\"c\":-9223372036854775808,"
		   "\"d\":\"42\",\"e\":true,\"g\":\"\"}");
}

static void test_empty_ones_go_away(void **state)
{
	struct writer w = {};

	(void)state;
	writer_object(&w, NULL);
	writer_object(&w, "a");
	writer_list(&w, "b");
	writer_end(&w);
	writer_end(&w);
	writer_list(&w, "c");
	writer_text(&w, NULL, "{");
	writer_object(&w, NULL);
	writer_end(&w);
	writer_number(&w, NULL, 1);
	writer_end(&w);
	writer_object(&w, "d");
	writer_end(&w);
	writer_end(&w);
	expect(&w, "{\"c\":[\"{\",1]}");
	writer_object(&w, NULL);
	writer_end(&w);
	expect(&w, "{}");
}

/* Each byte at each place of a word, and what evidence/json.c would not print raw either. */
static void test_escapes(void **state)
{
	(void)state;
	for (size_t at = 0; at < 20; at++) {
		for (int c = 1; c < 256; c++) {
			struct writer w = {};
			char text[32];

			memset(text, 'a', sizeof(text));
			text[at] = (char)c;
			writer_list(&w, NULL);
			writer_text_len(&w, NULL, text, 20);
			writer_end(&w);
			for (size_t i = 0; i < w.len; i++)
				assert_true((unsigned char)w.buf[i] >= 0x20 && w.buf[i] != 0x7f);
			json_t *json = json_loadb(w.buf, w.len, 0, NULL);

			assert_non_null(json);
			const char *got = json_string_value(json_array_get(json, 0));

			text[20] = '\0';
			if (c < 0x80)
				assert_string_equal(got, text);
			else
				assert_memory_equal(got + at, "\xef\xbf\xbd", 3);
			json_decref(json);
			writer_fini(&w);
		}
	}
}

static void test_wide_text(void **state)
{
	struct writer w = {};

	(void)state;
	writer_list(&w, NULL);
	writer_text(&w, NULL,
		    "a\"\\\n\t\r\x1b\xc2\x9b\xc3\xbc\xe2\x80\xae\xf3\xa0\x81\x81\xf0\x9f\x98\x80");
	writer_end(&w);
	expect(&w, "[\"a\\\"\\\\\\n\\t\\r\\u001b\\u009b\xc3\xbc\\u202e\\udb40\\udc41\xf0\x9f\x98"
		   "\x80\"]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_empty_ones_go_away),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_wide_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
