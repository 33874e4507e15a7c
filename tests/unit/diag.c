/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: one line each, whatever is in them; as text, and as one JSON object. */
#include "evidence/diag.h"
#include "evidence/base.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static char out[32768];

/* What one call prints. */
static void say(enum diag_format format, int err, const char *text)
{
	int mem = memfd_create("out", MFD_CLOEXEC), saved = dup(2);
	ssize_t n;

	fflush(stderr);
	dup2(mem, 2);
	diag_init("varve-test", DIAG_INFO);
	diag_set_format(format);
	if (err)
		assert_int_equal(log_err(err, "%s", text), err);
	else
		log_info("%s", text);
	log_debug("not shown");
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	n = pread(mem, out, sizeof(out) - 1, 0);
	close(mem);
	assert_true(n > 0);
	out[n] = '\0';
}

static const char hostile[] = "a\"b\\c\n\x1b[31m\xff\xe2\x80\xae{\"level\":\"error\"}";

static json_t *say_json(int err, const char *text)
{
	json_t *line;

	say(DIAG_JSON, err, text);
	assert_int_equal(strchr(out, '\n') - out, strlen(out) - 1);
	line = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(line);
	assert_int_equal(json_object_size(line), 4);
	return line;
}

static void text(void **state)
{
	(void)state;
	say(DIAG_TEXT, 0, "hello");
	assert_string_equal(out, "varve-test: hello\n");
	say(DIAG_TEXT, -ENOENT, "no");
	assert_string_equal(out, "varve-test: error: no: No such file or directory\n");
	say(DIAG_TEXT, 0, hostile);
	assert_int_equal(strchr(out, '\n') - out, strlen(out) - 1);
	assert_null(strchr(out, '\x1b'));
}

static void json(void **state)
{
	json_t *line = say_json(-ENOENT, "no");
	const char *time = json_string_value(json_object_get(line, "time"));

	(void)state;
	assert_string_equal(json_string_value(json_object_get(line, "level")), "error");
	assert_string_equal(json_string_value(json_object_get(line, "program")), "varve-test");
	assert_string_equal(json_string_value(json_object_get(line, "message")),
			    "no: No such file or directory");
	assert_int_equal(strlen(time), strlen("2026-01-02T03:04:05.678901Z"));
	assert_true(time[10] == 'T' && time[26] == 'Z');
	json_decref(line);
}

static void hostile_json(void **state)
{
	json_t *line = say_json(0, hostile);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(line, "level")), "info");
	assert_string_equal(json_string_value(json_object_get(line, "message")),
			    "a\"b\\c\n\x1b[31m\xef\xbf\xbd\xe2\x80\xae{\"level\":\"error\"}");
	assert_null(strchr(out, '\x1b'));
	assert_null(strstr(out, "\xe2\x80\xae")); /* turns the direction of a terminal's text */
	json_decref(line);
}

/* A message that was cut in the middle of a character is still JSON. */
static void long_json(void **state)
{
	char text[16384];

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = "\xe2\x82\xac"[i % 3];
	text[sizeof(text) - 1] = '\0';
	json_decref(say_json(0, text));
	json_decref(say_json(-EIO, text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),
		cmocka_unit_test(json),
		cmocka_unit_test(hostile_json),
		cmocka_unit_test(long_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
