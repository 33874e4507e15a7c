/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For each kind that the kernel side makes: a record that a real kernel made (NAME.rec, the bytes
 * as they came out of the ring) and what it has to become (NAME.json: body, process and kernel
 * number, before the tables add what they know). A kind without its pair, or without its entry in
 * docs/EVENTS.md, is a failure.
 *
 * To make a new pair: varve-sensor --record FILE, cut the record out (each has its length in four
 * bytes before it), read what this test then prints, and keep it if it is right.
 */
#include "evidence/arena.h"
#include "evidence/base.h"
#include "evidence/json.h"
#include "sensor/record.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* Exactly as long as the file, so that the sanitizer sees a read beyond the end. */
static char *slurp(const char *path, size_t *ret_len)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	size_t size = EV_REC_MAX * 4;
	char *data;

	if (!f)
		fail_msg("%s is missing (tests run from the top of the source)", path);
	data = malloc(size);
	*ret_len = fread(data, 1, size - 1, f);
	assert_true(*ret_len > 0 && *ret_len < size - 1);
	data[*ret_len] = '\0';
	return realloc(data, *ret_len + 1);
}

static char *to_json(const void *data, size_t len)
{
	Varve__V1__Event ev;
	struct arena arena;
	struct record rec;
	char *text = NULL;
	size_t text_len;
	FILE *out = open_memstream(&text, &text_len);

	assert_int_equal(record_check(data, len, &rec), 0);
	assert_int_equal(arena_init(&arena, 1 << 20), 0);
	assert_int_equal(record_to_event(&rec, &arena, &ev), 0);
	assert_int_equal(json_print(out, &ev.base), 0);
	fclose(out);
	arena_fini(&arena);
	return text;
}

static void replay(const char *name, unsigned int kind)
{
	_cleanup_free_ char *raw = NULL, *expected = NULL, *got = NULL;
	char path[128];
	size_t len;

	snprintf(path, sizeof(path), "tests/replay/%s.rec", name);
	raw = slurp(path, &len);
	raw = realloc(raw, len);
	assert_int_equal(((struct ev_hdr *)raw)->kind, kind);
	got = to_json(raw, len);
	snprintf(path, sizeof(path), "tests/replay/%s.json", name);
	expected = slurp(path, &len);
	expected[strcspn(expected, "\n")] = '\0';
	assert_string_equal(got, expected);
}

/* A heading that is the kind's name: "### EXEC", "### EXEC - a process runs a new program". */
static void check_documented(const char *docs, const char *name)
{
	size_t len = strlen(name);
	const char *line, *text;

	for (line = docs; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (*line != '#')
			continue;
		text = line + strspn(line, "# `");
		if (!strncmp(text, name, len) && strchr("\n`: -(,", text[len]))
			return;
	}
	fail_msg("docs/EVENTS.md has no heading for %s", name);
}

#define REPLAY(NAME, name)                    \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		replay(#name, EV_##NAME);     \
	}
#define EV(number, NAME, name, group) REPLAY(NAME, name)
#include "bpf/events.def"
REPLAY(PROCESS_SNAPSHOT, process_snapshot)

static void test_all_kinds_are_documented(void **state)
{
	_cleanup_free_ char *docs = NULL;
	size_t len;

	(void)state;
	docs = slurp("docs/EVENTS.md", &len);
#define EV(number, NAME, name, group)	     check_documented(docs, #NAME);
#define EV_SENSOR(number, NAME, name, group) EV(number, NAME, name, group)
#include "bpf/events.def"
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define EV(number, NAME, name, group) cmocka_unit_test(test_##name),
#include "bpf/events.def"
		cmocka_unit_test(test_process_snapshot),
		cmocka_unit_test(test_all_kinds_are_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
