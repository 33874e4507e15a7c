/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both sets of hooks record the same: a fixed scenario, once under each, compared record for
 * record. What may differ is in `by_design`, each with its reason.
 */
#include "tests/live/account.h"
#include "tests/live/normal.h"
#include "tests/live/parity.h"
#include "tests/live/ring.h"
#include "tests/live/scenario.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define ONLY "of a name that is given only the function knows the file"
#define ATTRIBUTES(kind)                                                         \
	{kind, "device", ONLY}, {kind, "File.mode", ONLY}, {kind, "size", ONLY}, \
		{kind, "File.uid", ONLY}, {kind, "File.gid", ONLY},              \
	{                                                                        \
		kind, "overlay_upper", ONLY                                      \
	}

static const struct normal_drop by_design[] = {
	{NULL, "path_user_memory", "a system call's exit has names from user memory only"},
	{"OPEN", "fd", "the function that opens does not know the descriptor"},
	{"PROCESS_MEMORY", "fd", "as OPEN"},
	{"CLOSE_WRITE", "found_late",
	 "close(2) is one way of many: the others are found by looking"},
	{"CLOSE_WRITE", "File.size", "as of the last write or as of the close"},
	{"CLOSE_WRITE", "File.mode", "as of the open or as of the close"},
	{"CLOSE_WRITE", "File.uid", "as File.mode"},
	{"CLOSE_WRITE", "File.gid", "as File.mode"},
	{"CLOSE_WRITE", "unlinked", "as File.mode"},
	ATTRIBUTES("MODE"),
	ATTRIBUTES("OWNER"),
	ATTRIBUTES("TRUNCATE"),
	ATTRIBUTES("XATTR"),
	ATTRIBUTES("MOUNT"),
	ATTRIBUTES("UNMOUNT"),
	{"XATTR", "user_memory", "as path_user_memory"},
	{"MOUNT", "text_user_memory", "as path_user_memory"},
	{},
};

/* --- what is done, beside the scenario's calls */

static const char *path_in(struct scenario *s, const char *name)
{
	static char path[4][400];
	static unsigned int next;
	char *at = path[next++ % ARRAY_SIZE(path)];

	snprintf(at, sizeof(path[0]), "%s/%s", s->dir, name);
	return at;
}

static void reads_and_failures(struct scenario *s)
{
	const char *odd = path_in(s, "a\nb\xff\x1b[m");
	char *long_name = malloc(5000);

	close(MUST(open(odd, O_WRONLY | O_CREAT | O_TRUNC, 0600)));
	MUST(chmod(odd, 0400));
	close(MUST(open(odd, O_RDONLY)));
	MUST(unlink(odd));
	EXPECT(open("/nowhere", O_RDONLY) < 0);
	EXPECT(open(path_in(s, "none/at/all"), O_RDWR) < 0);
	EXPECT(open(path_in(s, "program/x"), O_RDWR) < 0 && errno == ENOTDIR);
	EXPECT(unlink(s->dir) < 0 && rename(s->dir, path_in(s, "in/itself")) < 0);
	EXPECT(unlink((const char *)8) < 0 && rename((const char *)8, odd) < 0);
	memset(long_name, 'n', 4999);
	long_name[4999] = '\0';
	EXPECT(unlink(long_name) < 0 && errno == ENAMETOOLONG);
	long_name[255] = '\0';
	EXPECT(unlink(long_name) < 0 && errno == ENOENT);
	free(long_name);
}

static void links_and_directories(struct scenario *s)
{
	int fd;

	MUST(symlink(s->program, path_in(s, "link")));
	close(MUST(open(path_in(s, "link"), O_RDONLY)));
	EXPECT(open(path_in(s, "link"), O_RDWR | O_NOFOLLOW) < 0 && errno == ELOOP);
	MUST(mkdir(path_in(s, "sub"), 0700));
	fd = MUST(open(path_in(s, "sub"), O_RDONLY | O_DIRECTORY));
	close(MUST(openat(fd, "../sub/./x", O_RDWR | O_CREAT | O_APPEND, 0600)));
	MUST(renameat(fd, "x", fd, "y"));
	MUST(fchdir(fd));
	MUST(unlink("y"));
	MUST(rmdir(path_in(s, "sub")));
	EXPECT(open("z", O_WRONLY | O_CREAT, 0600) < 0 && errno == ENOENT);
	MUST(chdir("/"));
	EXPECT(unlinkat(fd, "z", 0) < 0 && unlinkat(-1, "z", 0) < 0);
	close(fd);
}

static void processes(struct scenario *s)
{
	int fd = MUST((int)syscall(SYS_memfd_create, "in memory", 0));
	pid_t pid;

	account_write_program_fd(fd);
	dup2(MUST(open("/dev/null", O_RDONLY)), STDIN_FILENO);
	pid = MUST(fork());
	if (!pid) {
		prctl(PR_SET_NAME, "renamed");
		syscall(SYS_execveat, fd, "", (char *[]){"memory", "x y", NULL}, NULL,
			AT_EMPTY_PATH);
		_exit(1);
	}
	EXPECT_UINT(live_wait(pid), ACCOUNT_PROGRAM_CODE << 8);
	pid = MUST(fork());
	if (!pid)
		for (;;)
			pause();
	MUST(kill(pid, SIGCONT));
	MUST(kill(pid, SIGKILL));
	EXPECT_UINT(live_wait(pid), SIGKILL);
	EXPECT(execl(path_in(s, "none"), "x", NULL) < 0);
}

/* --- through io_uring */

static int ring_file(struct ring *r, int op, const char *path, const char *to, int flags)
{
	struct io_uring_sqe sqe = {.opcode = op, .fd = AT_FDCWD, .addr = (uintptr_t)path};

	if (op == IORING_OP_RENAMEAT) {
		sqe.len = (uint32_t)AT_FDCWD;
		sqe.addr2 = (uintptr_t)to;
	} else if (op == IORING_OP_OPENAT) {
		sqe.len = 0600;
		sqe.open_flags = flags;
	}
	return ring_do(r, &sqe);
}

static void ring_sockets(struct ring *r, struct scenario *s)
{
	struct linger now = {.l_onoff = 1};
	int listener = MUST(socket(AF_INET, SOCK_STREAM, 0)), one = 1, i, fd, got;

	MUST(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	MUST(bind(listener, &s->listener.addr.any, s->listener.len));
	MUST(listen(listener, 4));
	for (i = 0; i < 2; i++) {
		const struct end *to = i ? &s->closed : &s->listener;
		struct io_uring_sqe sqe = {
			.opcode = IORING_OP_CONNECT, .addr = (uintptr_t)&to->addr, .off = to->len};

		sqe.fd = fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
		MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
		EXPECT_UINT(-ring_do(r, &sqe), i ? ECONNREFUSED : 0);
		if (!i) {
			sqe = (struct io_uring_sqe){.opcode = IORING_OP_ACCEPT, .fd = listener};
			got = MUST(ring_do(r, &sqe));
			close(fd);
			close(got);
		} else {
			close(fd);
		}
	}
	close(listener);
}

static void through_ring(struct live *t, void *arg)
{
	struct scenario *s = arg;
	const char *file = path_in(s, "ringed");
	struct ring r;

	(void)t;
	ring_open(&r, 0);
	close(MUST(ring_file(&r, IORING_OP_OPENAT, file, NULL, O_WRONLY | O_CREAT)));
	EXPECT(ring_file(&r, IORING_OP_OPENAT, path_in(s, "no/x"), NULL, O_RDWR) == -ENOENT);
	ring_sockets(&r, s);
	EXPECT(!ring_file(&r, IORING_OP_RENAMEAT, file, path_in(s, "other"), 0));
	EXPECT(ring_file(&r, IORING_OP_RENAMEAT, file, path_in(s, "other"), 0) == -ENOENT);
	EXPECT(!ring_file(&r, IORING_OP_UNLINKAT, path_in(s, "other"), NULL, 0));
	EXPECT(ring_file(&r, IORING_OP_UNLINKAT, path_in(s, "other"), NULL, 0) == -ENOENT);
}

static void by_calls(struct live *t, void *arg)
{
	(void)t;
	reads_and_failures(arg);
	links_and_directories(arg);
	processes(arg);
}

/* --- one run */

/* A child that skips, since the kernel has no such operation, is a shorter scenario in both runs.
 */
static void do_part(struct live *t, live_fn fn, void *arg, int want)
{
	int status = live_wait(live_spawn(t, fn, arg));

	if (t->shared->skip[0]) {
		printf("# not in it: %s\n", t->shared->skip);
		t->shared->skip[0] = '\0';
	} else if (status != want) {
		FAIL("a part ended with status 0x%x", status);
	}
}

static size_t run(struct live *t, struct scenario *s, const char *set, bool has_32,
		  char ***ret_lines)
{
	static const char *const args[] = {"--read-opens", "all", NULL};
	struct normal_how how = {.dir = s->dir,
				 .also = by_design,
				 .port = {network_port(&s->listener), network_port(&s->closed)}};
	char dir[300];
	size_t cnt;

	setenv("TEST_HOOKS", set, 1);
	live_own_sensor(t, args);
	t->id[0] = '\0';
	snprintf(dir, sizeof(dir), "%s/here", t->dir);
	scenario_begin(s, dir, false);
	do_part(t, scenario_run, s, ACCOUNT_PROGRAM_CODE << 8);
	do_part(t, by_calls, s, 0);
	do_part(t, parity_kinds, s, 0);
	do_part(t, through_ring, s, 0);
	snprintf(dir, sizeof(dir), "%s/here/32", t->dir);
	if (has_32) {
		scenario_begin(s, dir, true);
		do_part(t, scenario_run, s, ACCOUNT_PROGRAM_CODE << 8);
	}
	live_end(t);
	snprintf(s->dir, sizeof(s->dir), "%s/here", t->dir);
	cnt = normal_records(t, 0, &how, ret_lines);
	snprintf(dir, sizeof(dir), "%s/%s", t->dir, set);
	MUST(rename(s->dir, dir)); /* the next run has the same names */
	live_sensor_stop(t->sensor);
	return cnt;
}

/* COVERAGE of a sensor that may choose. */
static void need_trampolines(struct live *t)
{
	static const char *const args[] = {NULL};
	const Varve__V1__Coverage *coverage;
	size_t i;

	if (live_trampolines())
		return; /* the runner's own sensors have them */
	if (getenv("TEST_HOOKS") && !strcmp(getenv("TEST_HOOKS"), "tracepoint"))
		live_skip("both sets are compared when the tests run with the other one");
	setenv("TEST_HOOKS", "auto", 1);
	live_own_sensor(t, args);
	live_sensor_stop(t->sensor);
	live_collect_all(t);
	coverage = live_one(t, "COVERAGE", 0)->coverage;
	for (i = 0; i < coverage->n_hooks; i++)
		if (!strcmp(coverage->hooks[i]->name, "trampoline_set"))
			live_skip("this kernel refuses trampolines: %s", coverage->hooks[i]->error);
}

LIVE_TIMEOUT(parity_of_both_sets, LIVE_OWN, 400)
{
	static const char *const sets[2] = {"tracepoint", "trampoline"};
	char **lines[2], why[64];
	struct scenario *s;
	size_t cnt[2], i;
	bool has_32;

	need_trampolines(t);
	has_32 = scenario_has_32(why, sizeof(why));
	s = scenario_new(t);
	for (i = 0; i < 2; i++)
		cnt[i] = run(t, s, sets[i], has_32, &lines[i]);
	normal_expect_same(sets, lines, cnt);
	printf("# %zu records in each set%s\n", cnt[0], has_32 ? "" : ", none of 32-bit calls");
	fflush(stdout);
}
