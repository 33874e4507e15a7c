/* SPDX-License-Identifier: Apache-2.0 */
/* exec: the arguments, from none to two megabytes. */
#include "tests/live/stopped.h"
#include <sys/resource.h>

#define ARGS_MAX 32768

static pid_t run(struct live *t, struct stopped *s, struct account_process *ret_want)
{
	char path[300];

	s->name = "program";
	snprintf(path, sizeof(path), "%s/program", t->dir);
	account_write_program(path);
	return stopped_run(t, s, ret_want);
}

/* All of them, as /proc/PID/cmdline has them. */
static Varve__V1__Exec *expect_whole(struct live *t, struct stopped *s)
{
	static struct account_process want;
	Varve__V1__Exec *ev = live_one(t, "EXEC", run(t, s, &want))->exec;
	size_t i, off = 0;

	EXPECT_FIELD(ev, args_length, want.cmdline_len);
	EXPECT_FIELD(ev, args_count, ev->n_args);
	EXPECT(!ev->has_args_truncated && !ev->n_args_tail);
	for (i = 0; i < ev->n_args; i++) {
		EXPECT(off < want.cmdline_len);
		if (!ev->has_args_raw)
			EXPECT_STR(ev->args[i], want.cmdline + off);
		off += strlen(want.cmdline + off) + 1;
	}
	EXPECT_UINT(off, want.cmdline_len);
	if (ev->has_args_raw)
		EXPECT(ev->args_raw.len == want.cmdline_len &&
		       !memcmp(ev->args_raw.data, want.cmdline, want.cmdline_len));
	return ev;
}

/* Since 5.18 the kernel makes one empty argument of none. */
LIVE(exec_args_null, LIVE_FIRST)
{
	struct stopped s = {.no_argv = true};
	Varve__V1__Exec *ev = expect_whole(t, &s);

	EXPECT(ev->n_args <= 1);
	if (ev->n_args)
		EXPECT_STR(ev->args[0], "");
}

LIVE(exec_args_none, LIVE_FIRST)
{
	struct stopped s = {.argv = (char *[]){NULL}};

	EXPECT(expect_whole(t, &s)->n_args <= 1);
}

LIVE(exec_args_empty_first, LIVE_FIRST)
{
	struct stopped s = {.argv = (char *[]){"", NULL}};
	Varve__V1__Exec *ev = expect_whole(t, &s);

	EXPECT_UINT(ev->n_args, 1);
	EXPECT_STR(ev->args[0], "");
	EXPECT_FIELD(ev, args_length, 1);
}

LIVE(exec_args_empty_between, LIVE_FIRST)
{
	struct stopped s = {.argv = (char *[]){"a", "", "b c", "", NULL}};
	Varve__V1__Exec *ev = expect_whole(t, &s);

	EXPECT_UINT(ev->n_args, 4);
	EXPECT_STR(ev->args[2], "b c");
	EXPECT_STR(ev->args[3], "");
}

LIVE(exec_args_one, LIVE_FIRST)
{
	struct stopped s = {.argv = (char *[]){"one", NULL}};
	Varve__V1__Exec *ev = expect_whole(t, &s);

	EXPECT_UINT(ev->n_args, 1);
	EXPECT_STR(ev->cmd_line, "one");
}

LIVE(exec_args_hostile, LIVE_FIRST)
{
	struct stopped s = {
		.argv = (char *[]){"new\nline", "\x1b[31m", "\xff\xfe", "caf\xc3\xa9", NULL}};
	Varve__V1__Exec *ev = expect_whole(t, &s);

	EXPECT(ev->has_args_raw);
	EXPECT_STR(ev->args[0], "new\nline");
	EXPECT_STR(ev->args[2], "\xef\xbf\xbd\xef\xbf\xbd");
	EXPECT_STR(ev->args[3], "caf\xc3\xa9");
}

/* --- about the bound: the arguments with their NULs are of this length */

static char *argv_of_length(char *argv[3], size_t len)
{
	char *long_arg = malloc(len);
	size_t i;

	EXPECT(long_arg);
	argv[0] = "x"; /* two bytes */
	for (i = 0; i < len - 3; i++)
		long_arg[i] = 'a' + i % 26;
	long_arg[len - 3] = '\0';
	argv[1] = long_arg;
	argv[2] = NULL;
	return long_arg;
}

static void expect_fits(struct live *t, size_t len)
{
	char *argv[3], *long_arg = argv_of_length(argv, len);
	struct stopped s = {.argv = argv};
	Varve__V1__Exec *ev = expect_whole(t, &s);

	EXPECT_FIELD(ev, args_length, len);
	EXPECT_UINT(ev->n_args, 2);
	EXPECT_STR(ev->args[1], long_arg);
}

LIVE(exec_args_of_32767, LIVE_FIRST)
{
	expect_fits(t, ARGS_MAX - 1);
}

LIVE(exec_args_of_32768, LIVE_FIRST)
{
	expect_fits(t, ARGS_MAX);
}

/* Joins them again, each ended by its NUL but for the last one of the first part, which may be
 * incomplete. */
static size_t joined(char **args, size_t cnt, char *ret, size_t size)
{
	size_t i, len = 0;

	for (i = 0; i < cnt; i++) {
		EXPECT(len + strlen(args[i]) + 1 <= size);
		strcpy(ret + len, args[i]);
		len += strlen(args[i]) + 1;
	}
	return len;
}

/* The first and the last half of the bound, of what the program got; all is the whole of it. */
static void expect_cut(const Varve__V1__Exec *ev, const char *all, size_t len)
{
	static char part[ARGS_MAX + 2];
	size_t n;

	EXPECT_FIELD(ev, args_length, len);
	EXPECT_FIELD(ev, args_truncated, 1);
	EXPECT(!ev->has_args_raw && !ev->has_args_tail_raw);
	n = joined(ev->args, ev->n_args, part, sizeof(part));
	/* An argument that is cut here has gained a NUL in joining. */
	EXPECT(n == ARGS_MAX / 2 || (n == ARGS_MAX / 2 + 1 && all[n - 1]));
	EXPECT(!memcmp(part, all, ARGS_MAX / 2));
	n = joined(ev->args_tail, ev->n_args_tail, part, sizeof(part));
	EXPECT_UINT(n, ARGS_MAX / 2);
	EXPECT(!memcmp(part, all + len - n, n));
}

LIVE(exec_args_of_32769, LIVE_FIRST)
{
	char *argv[3], *long_arg = argv_of_length(argv, ARGS_MAX + 1), *all;
	struct stopped s = {.argv = argv};
	static struct account_process want;
	Varve__V1__Exec *ev = live_one(t, "EXEC", run(t, &s, &want))->exec;

	all = malloc(ARGS_MAX + 1);
	EXPECT(all);
	memcpy(all, "x", 2);
	strcpy(all + 2, long_arg);
	EXPECT(want.cmdline_len == ARGS_MAX + 1 && !memcmp(all, want.cmdline, ARGS_MAX + 1));
	expect_cut(ev, all, ARGS_MAX + 1);
	EXPECT_FIELD(ev, args_count, 2);
}

/* Arguments of 64 KiB, each of its own letter, the last with a mark at its end. */
#define BIG_MAX 32
#define BIG_LEN 65536

static void expect_big(struct live *t, size_t cnt)
{
	char *argv[BIG_MAX + 1] = {}, *all = malloc(cnt * BIG_LEN);
	static struct account_process want;
	struct stopped s = {.argv = argv};
	struct rlimit stack = {64 << 20, 64 << 20};
	Varve__V1__Exec *ev;
	size_t i;

	EXPECT(all && cnt <= BIG_MAX);
	setrlimit(RLIMIT_STACK, &stack); /* arguments may take a quarter of it */
	for (i = 0; i < cnt; i++) {
		argv[i] = all + i * BIG_LEN;
		memset(argv[i], 'A' + i, BIG_LEN - 1);
		argv[i][BIG_LEN - 1] = '\0';
	}
	memcpy(argv[cnt - 1] + BIG_LEN - 9, "the end!", 8);
	ev = live_one(t, "EXEC", run(t, &s, &want))->exec;
	expect_cut(ev, all, cnt * BIG_LEN);
	EXPECT_FIELD(ev, args_count, cnt);
	EXPECT_STR(ev->args_tail[ev->n_args_tail - 1] + ARGS_MAX / 2 - 1 - 8, "the end!");
	EXPECT(strstr(ev->cmd_line, " ... "));
}

LIVE(exec_args_of_a_megabyte, LIVE_FIRST)
{
	expect_big(t, 16);
}

LIVE(exec_args_of_two_megabytes, LIVE_FIRST)
{
	expect_big(t, 32);
}

/* Many small ones: count and whole length are right, though most of them are not there. */
LIVE(exec_args_many, LIVE_FIRST)
{
	static char *argv[20001], all[40000];
	static struct account_process want;
	struct stopped s = {.argv = argv};
	Varve__V1__Exec *ev;
	size_t i;

	for (i = 0; i < 20000; i++) {
		all[2 * i] = 'A' + i % 26;
		argv[i] = all + 2 * i;
	}
	ev = live_one(t, "EXEC", run(t, &s, &want))->exec;
	EXPECT(want.cmdline_len == sizeof(all) && !memcmp(all, want.cmdline, sizeof(all)));
	expect_cut(ev, all, sizeof(all));
	EXPECT_FIELD(ev, args_count, 20000);
	EXPECT_UINT(ev->n_args, ARGS_MAX / 4);
	EXPECT_UINT(ev->n_args_tail, ARGS_MAX / 4);
}
