/* SPDX-License-Identifier: Apache-2.0 */
/* Text from hostile bytes; and the messages that print it. */
#include "evidence/text.h"
#include "evidence/arena.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define FFFD "\xef\xbf\xbd"

static const char *const valid[] = {
	"",
	"/usr/bin/true",
	"\x7f",
	"\xc2\x80",
	"\xdf\xbf",
	"\xe0\xa0\x80",
	"\xed\x9f\xbf",
	"\xee\x80\x80",
	"\xef\xbf\xbf",
	"\xf0\x90\x80\x80",
	"\xf4\x8f\xbf\xbf",
	"gr\xc3\xbc\xc3\x9f \xe2\x82\xac",
};

/* Invalid, and what comes of it: each offending byte is one U+FFFD. */
static const struct {
	const char *bytes;
	size_t len;
	const char *text;
} invalid[] = {
	{"\0", 1, FFFD},
	{"a\0b", 3, "a" FFFD "b"},
	{"\x80", 1, FFFD},
	{"\xff\xfe", 2, FFFD FFFD},
	{"\xc0\xaf", 2, FFFD FFFD}, /* overlong '/' */
	{"\xc1\xbf", 2, FFFD FFFD},
	{"\xe0\x9f\xbf", 3, FFFD FFFD FFFD}, /* overlong */
	{"\xf0\x8f\xbf\xbf", 4, FFFD FFFD FFFD FFFD},
	{"\xed\xa0\x80", 3, FFFD FFFD FFFD},	      /* surrogate */
	{"\xf4\x90\x80\x80", 4, FFFD FFFD FFFD FFFD}, /* beyond U+10FFFF */
	{"\xf5\x80\x80\x80", 4, FFFD FFFD FFFD FFFD},
	{"\xc3", 1, FFFD}, /* cut */
	{"\xe2\x82", 2, FFFD FFFD},
	{"\xf0\x9f\x98", 3, FFFD FFFD FFFD},
	{"\xe2\x82z", 3, FFFD FFFD "z"},
	{"x\xc3\xc3\xbcy", 5, "x" FFFD "\xc3\xbcy"},
};

static void test_is_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(valid); i++)
		assert_true(text_is_utf8(valid[i], strlen(valid[i])));
	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++)
		assert_false(text_is_utf8(invalid[i].bytes, invalid[i].len));
}

static void test_from_bytes(void **state)
{
	struct arena a;
	bool lossy;

	(void)state;
	assert_int_equal(arena_init(&a, 4096), 0);
	for (size_t i = 0; i < ARRAY_SIZE(valid); i++) {
		lossy = false;
		assert_string_equal(text_from_bytes(&a, valid[i], strlen(valid[i]), &lossy),
				    valid[i]);
		assert_false(lossy);
	}
	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++) {
		lossy = false;
		assert_string_equal(text_from_bytes(&a, invalid[i].bytes, invalid[i].len, &lossy),
				    invalid[i].text);
		assert_true(lossy);
	}
	arena_fini(&a);
}

static void test_from_bytes_arena_full(void **state)
{
	bool lossy = false;
	struct arena a;

	(void)state;
	assert_int_equal(arena_init(&a, 8), 0);
	assert_null(text_from_bytes(&a, "12345678", 8, &lossy));
	assert_null(text_from_bytes(&a, "\xff\xff\xff", 3, &lossy));
	assert_false(lossy);
	assert_string_equal(text_from_bytes(&a, "\xff\xff", 2, &lossy), FFFD FFFD);
	assert_true(lossy);
	arena_fini(&a);
}

static void expect_escaped(const char *s, size_t len, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	size_t text_len;
	FILE *out = open_memstream(&text, &text_len);

	text_print_escaped(out, s, len);
	fclose(out);
	assert_string_equal(text, expected);
}

static void test_print_escaped(void **state)
{
	static const struct {
		const char *bytes, *text;
	} cases[] = {
		{"plain /path with spaces", "plain /path with spaces"},
		{"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"},
		{"a\nb\tc\\d", "a\\nb\\tc\\\\d"},
		{"\x1b]0;title\x07\x1b[31m", "\\x1b]0;title\\x07\\x1b[31m"},
		{"\r\x08\x7f", "\\x0d\\x08\\x7f"},
		{"\xc2\x9b"
		 "31m",
		 "\\u{9b}31m"}, /* CSI of C1 */
		{"\x9b"
		 "31m",
		 "\\x9b31m"}, /* the same as a bare byte */
		{"\xc2\x85\xc2\xa0", "\\u{85}\xc2\xa0"},
		{"exe\xe2\x80\xaetxt.sh", "exe\\u{202e}txt.sh"}, /* right-to-left override */
		{"\xe2\x81\xa6\xd8\x9c", "\\u{2066}\\u{61c}"},
		{"a\xe2\x80\x8b"
		 "b\xef\xbb\xbf",
		 "a\\u{200b}b\\u{feff}"},
		{"\xe2\x80\xa8\xc2\xad", "\\u{2028}\\u{ad}"},
		{"\xf3\xa0\x81\x81", "\\u{e0041}"}, /* tag letter */
		{"\xff\xc3", "\\xff\\xc3"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_escaped(cases[i].bytes, strlen(cases[i].bytes), cases[i].text);
	expect_escaped("a\0b", 3, "a\\x00b");
}

/* No byte string may get a control byte through, whatever it is. */
static void test_print_escaped_any_bytes(void **state)
{
	unsigned char bytes[3];

	(void)state;
	for (unsigned int i = 0; i < 1u << 16; i++) {
		_cleanup_free_ char *text = NULL;
		size_t len;
		FILE *out = open_memstream(&text, &len);

		bytes[0] = (unsigned char)(i >> 8);
		bytes[1] = (unsigned char)i;
		bytes[2] = (unsigned char)(i * 7);
		text_print_escaped(out, (const char *)bytes, sizeof(bytes));
		fclose(out);
		assert_true(text_is_utf8(text, len));
		for (size_t k = 0; k < len; k++)
			assert_false((unsigned char)text[k] < 0x20 || text[k] == 0x7f);
	}
}

/* What a call to diag() or diag_err() writes on stderr. */
static void expect_message(int err, enum diag_level level, const char *arg, const char *expected)
{
	char text[256] = "";
	int saved = dup(STDERR_FILENO);
	FILE *file = tmpfile();

	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	if (err)
		err = log_err(err, "cannot open %s", arg) - err;
	else
		diag(level, "see %s", arg);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_int_equal(err, 0);
	assert_string_equal(text, expected);
}

/* Each byte in each place of some words: the first that is not plain, whatever stands behind it. */
static void test_plain(void **state)
{
	char s[32], copy[32];

	(void)state;
	for (int c = 0; c < 256; c++) {
		bool plain = c >= ' ' && c <= '~' && c != '"' && c != '\\';

		for (size_t at = 0; at < sizeof(s); at++) {
			memset(s, plain ? 'x' : '!', sizeof(s));
			memset(s + at, c, sizeof(s) - at);
			for (size_t len = at; len <= sizeof(s); len++) {
				size_t n = plain ? len : at;

				assert_int_equal(text_plain_len(s, len), n);
				assert_int_equal(text_copy_plain(copy, s, len), n);
				assert_memory_equal(copy, s, n);
			}
		}
	}
}

static void expect_number(uint64_t v)
{
	char expected[32], number[TEXT_NUMBER_LEN];
	size_t len = text_format_unsigned(number, v);

	assert_int_equal(len, snprintf(expected, sizeof(expected), "%llu", (unsigned long long)v));
	assert_memory_equal(number, expected, len);
}

static void test_numbers(void **state)
{
	uint64_t v = 1;

	(void)state;
	expect_number(UINT64_MAX);
	for (int i = 0; i < 20; i++, v *= 10) {
		expect_number(v - 1);
		expect_number(v);
		expect_number(v + 1);
		expect_number(v * 7 + 42);
	}
	for (v = 0; v < 1100; v++)
		expect_number(v);
}

static void test_messages(void **state)
{
	(void)state;
	diag_init("varve-test", DIAG_INFO);
	expect_message(-ENOENT, 0, "x\n\x1b[2J",
		       "varve-test: error: cannot open x\\n\\x1b[2J: No such file or directory\n");
	expect_message(1, 0, "x", "varve-test: error: cannot open x\n");
	expect_message(0, DIAG_WARN, "x", "varve-test: warning: see x\n");
	expect_message(0, DIAG_INFO, "x", "varve-test: see x\n");
	expect_message(0, DIAG_DEBUG, "x", "");
	diag_init("varve-test", DIAG_DEBUG);
	expect_message(0, DIAG_DEBUG, "x", "varve-test: debug: see x\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_utf8),
		cmocka_unit_test(test_from_bytes),
		cmocka_unit_test(test_from_bytes_arena_full),
		cmocka_unit_test(test_print_escaped),
		cmocka_unit_test(test_print_escaped_any_bytes),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
