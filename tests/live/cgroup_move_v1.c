/* SPDX-License-Identifier: Apache-2.0 */
/* In a v1 hierarchy a thread can go where its process is not: it stays the container's, as do what
 * it execs and forks. */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>

struct leaver {
	struct live *t;
	char outside[256];
	char then[256]; /* where the process goes after its thread */
	bool forks;
	pthread_barrier_t left;
};

static void make_file(struct live *t, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	close(MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
}

/* The calling thread alone. */
static void go_to(const char *cgroup)
{
	_cleanup_close_ int fd = -1;
	char path[300], tid[16];

	snprintf(path, sizeof(path), "%s/tasks", cgroup);
	snprintf(tid, sizeof(tid), "%d", (int)syscall(SYS_gettid));
	fd = MUST(open(path, O_WRONLY | O_CLOEXEC));
	MUST(write(fd, tid, strlen(tid)));
}

static void *leave(void *arg)
{
	struct leaver *l = arg;
	pid_t pid;

	go_to(l->outside);
	make_file(l->t, "by-thread");
	if (l->forks) {
		pid = MUST(fork());
		if (!pid) {
			make_file(l->t, "by-child");
			_exit(0);
		}
		l->t->shared->value[0] = pid;
		EXPECT_UINT(live_wait(pid), 0);
		return NULL;
	}
	execl("/bin/true", "true", "from-outside", NULL);
	FAIL("exec: %s", strerror(errno));
}

static void in_thread(struct live *t, void *arg)
{
	pthread_t thread;

	(void)t;
	EXPECT(!pthread_create(&thread, NULL, leave, arg));
	pthread_join(thread, NULL);
}

static void begin(struct live *t, struct leaver *l, uint64_t *ret_outside)
{
	char name[80];

	if (!live_cgroup_is_v1())
		live_skip("in v2 threads stay below their process's cgroup");
	live_begin(t);
	snprintf(name, sizeof(name), "%.40s-out", t->id);
	l->t = t;
	*ret_outside = live_make_cgroup(t, name, l->outside);
}

/* By an exec it becomes the process, which is outside then. */
LIVE(cgroup_move_thread_execs, LIVE_FIRST)
{
	struct leaver l = {};
	Varve__V1__Event *ev;
	uint64_t outside;
	pid_t pid;

	begin(t, &l, &outside);
	pid = live_do(t, in_thread, &l);
	live_end(t);
	ev = live_one(t, "CGROUP_MOVE", pid);
	EXPECT_FIELD(ev->cgroup_move, to_cgroup_id, outside);
	ev = live_one(t, "EXEC", pid);
	EXPECT_STR(ev->exec->args[1], "from-outside");
	EXPECT_FIELD(ev->process, outside_cgroup_id, outside);
	EXPECT_FIELD(ev->kernel_number, cgroup_id, t->cgroup_id);
	live_one(t, "EXIT", pid);
}

/* What it forks is made where it is. */
LIVE(cgroup_move_thread_forks, LIVE_FIRST)
{
	struct leaver l = {.forks = true};
	uint64_t outside;
	pid_t pid, child;

	begin(t, &l, &outside);
	pid = live_do(t, in_thread, &l);
	child = t->shared->value[0];
	live_end(t);
	EXPECT(live_count(t, "OPEN", pid) >= 1);
	EXPECT_FIELD(live_one(t, "FORK", child)->process, outside_cgroup_id, outside);
	EXPECT_FIELD(live_one(t, "OPEN", child)->process, outside_cgroup_id, outside);
	live_one(t, "EXIT", child);
}

/* --- a thread leaves, and then its process goes somewhere */

static void *leave_and_wait(void *arg)
{
	struct leaver *l = arg;

	go_to(l->outside);
	pthread_barrier_wait(&l->left);
	pthread_barrier_wait(&l->left);
	return NULL;
}

static void after_thread(struct live *t, void *arg)
{
	struct leaver *l = arg;
	pthread_t thread;

	(void)t;
	EXPECT(!pthread_barrier_init(&l->left, NULL, 2));
	EXPECT(!pthread_create(&thread, NULL, leave_and_wait, l));
	pthread_barrier_wait(&l->left);
	go_to(l->then);
	make_file(l->t, "there");
	pthread_barrier_wait(&l->left);
	pthread_join(thread, NULL);
}

/* It opens the files of cgroups before. */
static Varve__V1__Process *who_opens_last(struct live *t, pid_t pid)
{
	return live_nth(t, "OPEN", pid, live_count(t, "OPEN", pid) - 1)->process;
}

/* The process's own move is from its container, wherever its thread is. */
static void leave_after_thread(struct live *t, struct leaver *l, uint64_t outside, uint64_t then)
{
	pid_t pid = live_do(t, after_thread, l);
	Varve__V1__Event *ev;

	live_end(t);
	ev = live_nth(t, "CGROUP_MOVE", pid, 0);
	EXPECT(ev->process->tid != (uint32_t)pid);
	EXPECT_FIELD(ev->cgroup_move, from_cgroup_id, t->cgroup_id);
	EXPECT_FIELD(ev->cgroup_move, to_cgroup_id, outside);
	EXPECT_UINT(live_count(t, "CGROUP_MOVE", pid), 2);
	ev = live_nth(t, "CGROUP_MOVE", pid, 1);
	EXPECT_UINT(ev->process->tid, pid);
	EXPECT_FIELD(ev->cgroup_move, from_cgroup_id, t->cgroup_id);
	EXPECT_FIELD(ev->cgroup_move, to_cgroup_id, then);
	EXPECT_FIELD(who_opens_last(t, pid), outside_cgroup_id, then);
	EXPECT_UINT(live_count(t, "EXEC_SESSION", 0), 0);
}

LIVE(cgroup_move_thread_before_process, LIVE_FIRST)
{
	struct leaver l = {};
	uint64_t outside, then;
	char name[80];

	begin(t, &l, &outside);
	snprintf(name, sizeof(name), "%.40s-then", t->id);
	then = live_make_cgroup(t, name, l.then);
	leave_after_thread(t, &l, outside, then);
}

/* To the same place, too. */
LIVE(cgroup_move_thread_and_process, LIVE_FIRST)
{
	struct leaver l = {};
	uint64_t outside;

	begin(t, &l, &outside);
	strcpy(l.then, l.outside);
	leave_after_thread(t, &l, outside, outside);
}

/* A process that moves within its container comes from nowhere, wherever its thread is. */
LIVE(exec_session_not_within_after_thread, LIVE_FIRST)
{
	struct leaver l = {};
	uint64_t outside;
	char name[128];
	pid_t pid;

	begin(t, &l, &outside);
	snprintf(name, sizeof(name), "%s/inner", t->id);
	live_make_cgroup(t, name, l.then);
	pid = live_do(t, after_thread, &l);
	MUST(rmdir(l.then));
	live_end(t);
	EXPECT_UINT(live_count(t, "EXEC_SESSION", 0), 0);
	EXPECT_FIELD(live_one(t, "CGROUP_MOVE", 0)->cgroup_move, to_cgroup_id, outside);
	EXPECT(!who_opens_last(t, pid)->has_outside);
}

/* --- by an exec the thread is the process: what it does then is from where it was */

LIVE_HELPER(go_on)
{
	go_to(arg);
	return 0;
}

static void *leave_and_exec(void *arg)
{
	struct leaver *l = arg;
	char self[4096] = "";

	MUST(readlink("/proc/self/exe", self, sizeof(self) - 1));
	go_to(l->outside);
	execl(self, self, "--helper", "go_on", l->then, NULL);
	FAIL("exec: %s", strerror(errno));
}

static void exec_in_thread(struct live *t, void *arg)
{
	pthread_t thread;

	(void)t;
	EXPECT(!pthread_create(&thread, NULL, leave_and_exec, arg));
	pthread_join(thread, NULL);
}

LIVE(cgroup_move_on_after_thread_execs, LIVE_FIRST)
{
	struct leaver l = {};
	uint64_t outside, then;
	Varve__V1__Event *ev;
	char name[80];
	pid_t pid;

	begin(t, &l, &outside);
	snprintf(name, sizeof(name), "%.40s-then", t->id);
	then = live_make_cgroup(t, name, l.then);
	pid = live_do(t, exec_in_thread, &l);
	live_end(t);
	EXPECT_UINT(live_count(t, "CGROUP_MOVE", pid), 2);
	ev = live_nth(t, "CGROUP_MOVE", pid, 1);
	EXPECT_FIELD(ev->cgroup_move, from_cgroup_id, outside);
	EXPECT_FIELD(ev->cgroup_move, to_cgroup_id, then);
}
