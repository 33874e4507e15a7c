/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy from text to tables. The automaton is run here as bpf/always.bpf.c runs it, and held
 * against fnmatch(3), which for patterns without '?', '[' and '\' means the same.
 */
#include "sensor/policy.c"
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static char rule[256];

/* --- kinds */

static const struct {
	const char *text;
	int off[4]; /* kinds, up to 0 */
} events[] = {
	{"all", {}},
	{"all,-rename", {EV_RENAME}},
	{" all , -rename,-rename ,-connect", {EV_RENAME, EV_CONNECT}},
	{"all,-network", {EV_CONNECT, EV_ACCEPT}},
	{"all,-file", {EV_OPEN, EV_RENAME, EV_UNLINK}},
	{"all,-kernel", {EV_IO_URING}},
};

static void test_events(void **state)
{
	bool off[EV_KINDS_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		assert_int_equal(policy_parse_events(events[i].text, off, rule, sizeof(rule)), 0);
		for (size_t k = 0; events[i].off[k]; k++)
			assert_true(off[events[i].off[k]]);
		assert_false(off[EV_EXEC] || off[EV_FORK] || off[EV_EXIT]);
		assert_false(off[EV_CONTAINER_START] || off[EV_CONTAINER_STOP]);
		if (i == 1)
			assert_false(off[EV_OPEN] || off[EV_UNLINK] || off[EV_CONNECT]);
	}
}

static const struct {
	const char *text, *word, *why;
} wrong_events[] = {
	{"", "''", "no such kind"},
	{"rename", "'rename'", "no such kind"},
	{"all,", "''", "no such kind"},
	{"all,rename", "'rename'", "no such kind"},
	{"all,-", "'-'", "no such kind"},
	{"all,-renam", "'-renam'", "no such kind"},
	{"all,-RENAME", "'-RENAME'", "no such kind"},
	{"all,-heartbeat", "'-heartbeat'", "no such kind"},
	{"all,-sensor", "'-sensor'", "no such kind"},
	{"all,-exec", "'-exec'", "always recorded"},
	{"all,-exit", "'-exit'", "always recorded"},
	{"all,-fork", "'-fork'", "always recorded"},
	{"all,-container_start", "'-container_start'", "always recorded"},
	{"all,-rename,-container_stop,-x", "'-container_stop'", "always recorded"},
	{"all,-process", "'-process'", "always recorded"},
	{"all,-container", "'-container'", "always recorded"},
};

static void test_wrong_events(void **state)
{
	bool off[EV_KINDS_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong_events); i++) {
		assert_int_equal(policy_parse_events(wrong_events[i].text, off, rule, sizeof(rule)),
				 -EINVAL);
		if (!strstr(rule, wrong_events[i].word) || !strstr(rule, wrong_events[i].why))
			fail_msg("%s: %s", wrong_events[i].text, rule);
	}
}

/* --- rates */

static void test_rates(void **state)
{
	uint32_t rates[EV_CLASS_CNT];

	(void)state;
	assert_int_equal(policy_parse_rates("off", rates, rule, sizeof(rule)), 0);
	for (size_t c = 0; c < EV_CLASS_CNT; c++)
		assert_int_equal(rates[c], 0);
	assert_int_equal(
		policy_parse_rates(" network:1 , file:1000000", rates, rule, sizeof(rule)), 0);
	assert_int_equal(rates[EV_CLASS_file], 1000000);
	assert_int_equal(rates[EV_CLASS_network], 1);
	assert_int_equal(rates[EV_CLASS_process], 0);
	assert_int_equal(rates[EV_CLASS_container], 0);
	assert_int_equal(rates[EV_CLASS_kernel], 0);
}

/* A process's events have no limit: no rate leaves out what was run and keeps what it read. */
static const char *const wrong_rates[] = {
	"",	   "file",	 "file:",	 "file:0",	    "file:1000001",  "file:12345678",
	"file:-1", "file:+1",	 "file:1k",	 "file: 1",	    "file:1,",	     "file:1,file:2",
	":1",	   "file:1,off", "process:1000", "container:1",	    "kernel:1",	     "sensor:1",
	"off,",	   "all:1",	 "files:1",	 "file:1;network:1",
};

static void test_wrong_rates(void **state)
{
	uint32_t rates[EV_CLASS_CNT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong_rates); i++) {
		if (policy_parse_rates(wrong_rates[i], rates, rule, sizeof(rule)) != -EINVAL)
			fail_msg("%s is taken", wrong_rates[i]);
		assert_non_null(strstr(rule, "file:20000"));
	}
}

/* --- paths */

static struct ev_always_row rows[EV_ALWAYS_ROW_CNT];

/* As the kernel side does. */
static bool run_rows(const char *path, size_t words)
{
	uint64_t place[EV_ALWAYS_WORDS], there = 0;
	size_t i;

	memcpy(place, rows[EV_ALWAYS_ROW_BEGIN].word, sizeof(place));
	for (; *path; path++) {
		const struct ev_always_row *on = &rows[(unsigned char)*path];
		uint64_t carry = 0;

		for (i = 0; i < words; i++) {
			uint64_t moved = place[i] & on->word[i];

			place[i] =
				moved << 1 | carry | (place[i] & rows[EV_ALWAYS_ROW_STAY].word[i]);
			carry = moved >> 63;
		}
	}
	for (i = 0; i < words; i++)
		there |= place[i] & rows[EV_ALWAYS_ROW_END].word[i];
	return there;
}

static bool match_all(const struct policy_paths *paths, const char *path)
{
	for (size_t i = 0; i < paths->cnt; i++)
		if (!fnmatch(paths->text[i], path, 0))
			return true;
	return false;
}

static const struct {
	const char *path;
	bool matches;
} usual[] = {
	{"/etc/shadow", true},
	{"/etc/shadow-", false},
	{"/etc/shado", false},
	{"/x/etc/shadow", false},
	{"/etc/passwd", false},
	{"/run/secrets/kubernetes.io/serviceaccount/..2026_01_01/token", true},
	{"/run/secrets", false},
	{"/root/.ssh/id_ed25519", true},
	{"/root/.ssh", false},
	{"/.ssh/x", true},
	{"/proc/1/environ", true},
	{"/proc/1/task/2/environ", true},
	{"/proc/environ", false},
	{"/home/u/.aws/credentials", true},
	{"/home/u/.aws/config", false},
	{"/home/u/.config/gcloud/access_tokens.db", true},
	{"/home/u/.kube/config", true},
	{"/home/u/.docker/config.json", true},
	{"/var/lib/kubelet/pki/kubelet.key", true},
	{"", false},
};

static void test_default(void **state)
{
	struct policy_paths paths;
	size_t words;

	(void)state;
	assert_int_equal(policy_parse_paths("default", &paths, rule, sizeof(rule)), 0);
	assert_true(paths.cnt > 10);
	words = policy_make_rows(&paths, rows);
	assert_true(words && words <= 6);
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (run_rows(usual[i].path, words) != usual[i].matches)
			fail_msg("%s", usual[i].path);
}

static void test_paths(void **state)
{
	struct policy_paths paths;

	(void)state;
	assert_int_equal(policy_parse_paths("", &paths, rule, sizeof(rule)), 0);
	assert_int_equal(paths.cnt, 0);
	assert_int_equal(policy_make_rows(&paths, rows), 0);
	assert_int_equal(policy_parse_paths(" /a b , default,*c", &paths, rule, sizeof(rule)), 0);
	assert_string_equal(paths.text[0], "/a b");
	assert_string_equal(paths.text[1], "/etc/shadow");
	assert_string_equal(paths.text[paths.cnt - 1], "*c");
}

static void test_wrong_paths(void **state)
{
	static const char *const wrong[] = {"a", "/a,", ",", " ", "/a,,/b", "-/a", "Default"};
	char text[8192] = "";
	struct policy_paths paths;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(policy_parse_paths(wrong[i], &paths, rule, sizeof(rule)), -EINVAL);
	memset(text, 'a', POLICY_PATH_LEN_MAX + 1);
	text[0] = '/';
	assert_int_equal(policy_parse_paths(text, &paths, rule, sizeof(rule)), -EINVAL);
	text[POLICY_PATH_LEN_MAX] = '\0';
	assert_int_equal(policy_parse_paths(text, &paths, rule, sizeof(rule)), 0);
	assert_string_equal(paths.text[0], text);
	text[0] = '\0';
	for (int i = 0; i < POLICY_PATHS_MAX; i++)
		strcat(text, i ? ",/a" : "/a");
	assert_int_equal(policy_parse_paths(text, &paths, rule, sizeof(rule)), 0);
	strcat(text, ",/a");
	assert_int_equal(policy_parse_paths(text, &paths, rule, sizeof(rule)), -EINVAL);
	assert_non_null(strstr(rule, "at most 32 patterns"));
	assert_int_equal(policy_parse_paths("default,default,default", &paths, rule, sizeof(rule)),
			 -EINVAL);
}

/* The most and the longest there can be: every word is used, and a match may cross them. */
static void test_full(void **state)
{
	struct policy_paths paths = {.cnt = POLICY_PATHS_MAX};

	(void)state;
	for (size_t i = 0; i < paths.cnt; i++) {
		memset(paths.text[i], 'a', POLICY_PATH_LEN_MAX);
		paths.text[i][0] = '/';
		paths.text[i][POLICY_PATH_LEN_MAX - 1] = (char)('A' + i);
	}
	assert_int_equal(policy_make_rows(&paths, rows), EV_ALWAYS_WORDS);
	for (size_t i = 0; i < paths.cnt; i++) {
		assert_true(run_rows(paths.text[i], EV_ALWAYS_WORDS));
		paths.text[i][POLICY_PATH_LEN_MAX - 1] = '@';
		assert_false(run_rows(paths.text[i], EV_ALWAYS_WORDS));
	}
}

static uint64_t seed = 1;

static unsigned int pick(unsigned int below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % below;
}

static void make_text(char *text, unsigned int len, const char *letters)
{
	text[0] = letters[0];
	for (unsigned int i = 1; i < len; i++)
		text[i] = letters[pick(strlen(letters))];
	text[len] = '\0';
}

static void test_any_patterns(void **state)
{
	size_t matched = 0;
	char path[64];

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct policy_paths paths = {.cnt = 1 + pick(POLICY_PATHS_MAX)};
		size_t words;

		for (size_t i = 0; i < paths.cnt; i++)
			make_text(paths.text[i], 1 + pick(12), pick(4) ? "/ab*" : "*ab/");
		words = policy_make_rows(&paths, rows);
		for (int i = 0; i < 20; i++) {
			make_text(path, 1 + pick(20), "/ab");
			matched += match_all(&paths, path);
			if (run_rows(path, words) != match_all(&paths, path))
				fail_msg("round %d, %s", round, path);
		}
	}
	assert_in_range(matched, 5000, 35000); /* of 40000: both happen */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),	     cmocka_unit_test(test_wrong_events),
		cmocka_unit_test(test_rates),	     cmocka_unit_test(test_wrong_rates),
		cmocka_unit_test(test_default),	     cmocka_unit_test(test_paths),
		cmocka_unit_test(test_wrong_paths),  cmocka_unit_test(test_full),
		cmocka_unit_test(test_any_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
