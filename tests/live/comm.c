/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static void rename_self(struct live *t, void *arg)
{
	MUST(prctl(PR_GET_NAME, t->shared->text[0]));
	MUST(prctl(PR_SET_NAME, arg));
	MUST(prctl(PR_SET_NAME, arg)); /* changes nothing */
	MUST(prctl(PR_GET_NAME, t->shared->text[1]));
}

LIVE(comm_prctl, LIVE_FIRST)
{
	pid_t pid = live_do(t, rename_self, "[kworker/0:1-events]");
	Varve__V1__Event *ev;

	live_end(t);
	ev = live_one(t, "COMM", 0);
	EXPECT_UINT(ev->process->pid, pid);
	EXPECT_UINT(ev->process->tid, pid);
	EXPECT_STR(ev->process->name, t->shared->text[0]);
	EXPECT_FIELD(ev->comm, tid, pid);
	EXPECT_STR(ev->comm->old_name, t->shared->text[0]);
	EXPECT_STR(ev->comm->new_name, t->shared->text[1]);
	EXPECT_STR(ev->comm->new_name, "[kworker/0:1-ev");
	EXPECT(!ev->comm->has_old_name_raw && !ev->comm->has_new_name_raw);
}

LIVE(comm_hostile_name, LIVE_FIRST)
{
	static const char name[] = "a\n\x1b[2J\xff\xc3(";
	Varve__V1__Comm *comm;

	live_do(t, rename_self, (void *)name);
	live_end(t);
	comm = live_one(t, "COMM", 0)->comm;
	EXPECT_UINT(comm->new_name_raw.len, strlen(name));
	EXPECT(!memcmp(comm->new_name_raw.data, name, strlen(name)));
	EXPECT_STR(comm->new_name, "a\n\x1b[2J\xef\xbf\xbd\xef\xbf\xbd(");
}

static void *idle(void *arg)
{
	int *pipe = arg;
	pid_t tid = syscall(SYS_gettid);
	char byte;

	MUST(write(pipe[1], &tid, sizeof(tid)));
	MUST(read(pipe[2], &byte, 1));
	return NULL;
}

/* One thread writes another one's name. */
static void rename_other_thread(struct live *t, void *arg)
{
	int fds[4];
	pthread_t thread;
	char path[64];
	pid_t tid;
	int fd;

	(void)arg;
	MUST(pipe(fds));
	MUST(pipe(fds + 2));
	EXPECT(!pthread_create(&thread, NULL, idle, fds));
	MUST(read(fds[0], &tid, sizeof(tid)));
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
	fd = MUST(open(path, O_WRONLY | O_CLOEXEC));
	MUST(write(fd, "worker", 6));
	t->shared->value[0] = tid;
	MUST(write(fds[3], "", 1));
	pthread_join(thread, NULL);
}

LIVE(comm_other_thread, LIVE_FIRST)
{
	pid_t pid = live_do(t, rename_other_thread, NULL);
	Varve__V1__Event *ev;

	live_end(t);
	ev = live_one(t, "COMM", pid);
	EXPECT_UINT(ev->process->tid, pid);
	EXPECT(t->shared->value[0] != (uint64_t)pid);
	EXPECT_FIELD(ev->comm, tid, t->shared->value[0]);
	EXPECT_STR(ev->comm->new_name, "worker");
}

static void exec_only(struct live *t, void *arg)
{
	(void)t;
	(void)arg;
	execl("/bin/true", "true", NULL);
	_exit(1);
}

/* An exec names its process, too: its record is the EXEC. */
LIVE(comm_not_of_exec, LIVE_FIRST)
{
	pid_t pid = live_do(t, exec_only, NULL);

	live_end(t);
	EXPECT_STR(live_one(t, "EXEC", pid)->process->name, "true");
	EXPECT_UINT(live_count(t, "COMM", 0), 0);
}
