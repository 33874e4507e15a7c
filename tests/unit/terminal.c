/* SPDX-License-Identifier: Apache-2.0 */
/* Colours and progress: what they do to a line, and that they are nowhere they should not be. */
#include "tests/unit/responder_sample.h"
#include "responder/paint.h"
#include "responder/progress.h"
#include "responder/terminal.h"
#include <sys/mman.h>
#include <time.h>

static char *painted(const char *line)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	paint_line(out, line, strlen(line));
	fclose(out);
	return text;
}

/* Takes the colours out again. */
static char *plain(const char *s)
{
	char *text = calloc(1, strlen(s) + 1), *to = text;

	while (*s) {
		if (*s == '\033')
			s += strcspn(s, "m") + 1;
		else
			*to++ = *s++;
	}
	return text;
}

static void test_paint(void **state)
{
	static const char *const lines[][2] = {
		{"COMPLETE: 1 container", "\033[1;32mCOMPLETE\033[0m: 1 container"},
		{"INCOMPLETE: 3 lost", "\033[1;31mINCOMPLETE\033[0m: 3 lost"},
		{"UNKNOWN: it runs", "\033[33mUNKNOWN\033[0m: it runs"},
		{"COMPLETELY", "COMPLETELY"},
		{"2026-11-20T20:00:08.000000Z  EXEC               4202 x  /tmp/x",
		 "\033[2m2026-11-20T20:00:08.000000Z\033[0m  \033[1;32mEXEC\033[0m               "
		 "4202 "
		 "x  /tmp/x"},
		{"2026-11-20T20:00:08.000000Z  app  CONNECT  x",
		 "\033[2m2026-11-20T20:00:08.000000Z\033[0m  app  \033[34mCONNECT\033[0m  x"},
		{"2026-11-20T20:00:08.000000Z", "\033[2m2026-11-20T20:00:08.000000Z\033[0m"},
		{"2026-11-20T20:00:08.000000Z  NOTAKIND  y z",
		 "\033[2m2026-11-20T20:00:08.000000Z\033[0m  NOTAKIND  y z"},
		{"│  └─ 4202 /tmp/x [upper layer]",
		 "\033[2m│  └─ \033[0m4202 /tmp/x \033[33m[upper layer]\033[0m"},
		{"   20:00:05 read secret /etc/shadow",
		 "   20:00:05\033[1;31m read secret \033[0m/etc/shadow"},
		{"{\"kind\":\"EXEC\",\"x\":\"[memfd]\"}", "{\"kind\":\"EXEC\",\"x\":\"[memfd]\"}"},
		{"", ""},
		{"[", "["},
		{"│", "\033[2m│\033[0m"},
		{"\xe2\x94", "\xe2\x94"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_free_ char *text = painted(lines[i][0]), *back = plain(text);

		assert_string_equal(text, lines[i][1]);
		assert_string_equal(back, lines[i][0]);
	}
}

/* A file is no terminal: the very same stream. */
static void test_no_terminal(void **state)
{
	struct terminal t;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len), *null = fopen("/dev/null", "w");

	(void)state;
	terminal_begin(&t, out, true);
	assert_ptr_equal(t.out, out);
	assert_true(terminal_end(&t));
	terminal_begin(&t, null, true);
	assert_ptr_equal(t.out, null);
	assert_true(terminal_end(&t));
	assert_false(terminal_is_smart(fileno(null)));
	fclose(out);
	fclose(null);
	free(text);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void test_progress(void **state)
{
	int fd = memfd_create("stderr", 0);
	char text[4096] = "";
	double began = seconds();

	(void)state;
	for (int i = 0; i < 100000; i++)
		progress_step(100);
	progress_to(fd);
	for (int i = 0; i < 10000; i++)
		progress_step(100);
	progress_done();
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0); /* quick: no line */
	while (seconds() - began < 1.4)
		progress_step(1000);
	progress_done();
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	assert_memory_equal(text, "\r\033[Kvarve: read ", 16);
	assert_non_null(strstr(text, " records, "));
	assert_non_null(strstr(text, " MB/s"));
	/* It is gone in the end. */
	assert_string_equal(text + strlen(text) - 4, "\r\033[K");
	progress_to(-1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paint),
		cmocka_unit_test(test_no_terminal),
		cmocka_unit_test(test_progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
