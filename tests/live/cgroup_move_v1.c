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
	bool forks;
};

static void make_file(struct live *t, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	close(MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
}

static void *leave(void *arg)
{
	struct leaver *l = arg;
	_cleanup_close_ int fd = -1;
	char path[300], tid[16];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/tasks", l->outside);
	snprintf(tid, sizeof(tid), "%d", (int)syscall(SYS_gettid));
	fd = MUST(open(path, O_WRONLY | O_CLOEXEC));
	MUST(write(fd, tid, strlen(tid)));
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
