/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/account.h"
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* value[0]: pid of the new process, as the call returned it; value[1]: its parent's thread. */
static void note(struct live *t, pid_t pid)
{
	int status;

	t->shared->value[0] = MUST(pid);
	t->shared->value[1] = gettid();
	MUST(waitpid(pid, &status, 0));
}

static void expect_fork(struct live *t, pid_t parent)
{
	pid_t pid = t->shared->value[0];
	Varve__V1__Event *ev;

	live_end(t);
	ev = live_one(t, "FORK", pid);
	EXPECT_UINT(live_count(t, "FORK", 0), 1);
	EXPECT_FIELD(ev->fork, parent_tid, t->shared->value[1]);
	EXPECT_FIELD(ev->process, tid, (uint32_t)pid);
	EXPECT_FIELD(ev->process->parent, pid, (uint32_t)parent);
	EXPECT_STR(ev->process->name, "live");
	/* The same process, all its life. */
	EXPECT_STR(live_one(t, "EXIT", pid)->process->process_uid, ev->process->process_uid);
	EXPECT_UINT(live_one(t, "EXIT", pid)->process->start_boot_time_nano,
		    ev->process->start_boot_time_nano);
	EXPECT_STR(live_one(t, "EXIT", parent)->process->process_uid,
		   ev->process->parent->process_uid);
	EXPECT(ev->boot_time_nano >= ev->process->start_boot_time_nano);
}

static void by_fork(struct live *t, void *arg)
{
	pid_t pid = fork();

	(void)arg;
	if (!pid)
		_exit(0);
	note(t, pid);
}

LIVE(fork_by_fork, LIVE_FIRST)
{
	expect_fork(t, live_do(t, by_fork, NULL));
}

static void by_vfork(struct live *t, void *arg)
{
	pid_t pid = vfork();

	(void)arg;
	if (!pid)
		_exit(0);
	note(t, pid);
}

LIVE(fork_by_vfork, LIVE_FIRST)
{
	expect_fork(t, live_do(t, by_vfork, NULL));
}

static pid_t clone3_into(const char *cgroup, uint64_t flags)
{
	int fd = cgroup ? MUST(open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) : 0;
	struct clone_args args = {.flags = flags | (cgroup ? CLONE_INTO_CGROUP : 0),
				  .exit_signal = SIGCHLD,
				  .cgroup = fd};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid && cgroup)
		close(fd);
	return pid;
}

static void by_clone3(struct live *t, void *arg)
{
	pid_t pid = clone3_into(NULL, 0);

	(void)arg;
	if (!pid)
		_exit(0);
	note(t, pid);
}

LIVE(fork_by_clone3, LIVE_FIRST)
{
	expect_fork(t, live_do(t, by_clone3, NULL));
}

/* As runtimes do: no write to cgroup.procs, no attach. The process is in the container from its
 * first moment. */
LIVE(fork_into_cgroup, LIVE_FIRST)
{
	struct account_process want;
	Varve__V1__Event *ev;
	pid_t pid;

	live_needs_v2("clone into a cgroup");
	live_begin(t);
	pid = clone3_into(t->cgroup, 0);
	if (pid < 0 && errno == ENOSYS)
		live_skip("this kernel has no clone3");
	if (!pid) {
		pause();
		_exit(1);
	}
	account_read_process(MUST(pid), &want);
	kill(pid, SIGKILL);
	live_wait(pid);
	live_end(t);
	ev = live_one(t, "FORK", pid);
	account_expect_process(ev->process, pid, &want);
	EXPECT_FIELD(ev->process->parent, pid, (uint32_t)getpid());
	EXPECT_FIELD(ev->kernel_number, cgroup_id, t->cgroup_id);
	live_one(t, "EXIT", pid);
}

/* The pid in its own namespace is 1. */
LIVE(fork_into_pid_namespace, LIVE_FIRST)
{
	pid_t pid;

	live_needs_v2("clone into a cgroup");
	live_begin(t);
	pid = clone3_into(t->cgroup, CLONE_NEWPID);
	if (!pid)
		_exit(getpid() == 1 ? 0 : 1);
	EXPECT_UINT(live_wait(MUST(pid)), 0);
	live_end(t);
	EXPECT_FIELD(live_one(t, "FORK", pid)->process, ns_pid, 1);
	EXPECT_FIELD(live_one(t, "EXIT", pid)->process, ns_pid, 1);
}

static void *in_thread(void *arg)
{
	struct live *t = arg;

	by_fork(t, NULL);
	return NULL;
}

static void by_thread(struct live *t, void *arg)
{
	pthread_t thread;

	(void)arg;
	EXPECT(!pthread_create(&thread, NULL, in_thread, t));
	EXPECT(!pthread_join(thread, NULL));
	EXPECT(t->shared->value[1] != (uint64_t)getpid());
}

/* The new process is recorded, with the thread that made it; the thread is not. */
LIVE(fork_by_thread, LIVE_FIRST)
{
	expect_fork(t, live_do(t, by_thread, NULL));
}

static void *idle(void *arg)
{
	return arg;
}

static void make_threads(struct live *t, void *arg)
{
	pthread_t thread[8];
	size_t i;

	(void)t;
	(void)arg;
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		EXPECT(!pthread_create(&thread[i], NULL, idle, NULL));
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		EXPECT(!pthread_join(thread[i], NULL));
}

LIVE(fork_not_of_threads, LIVE_FIRST)
{
	live_do(t, make_threads, NULL);
	live_end(t);
	EXPECT_UINT(live_count(t, "FORK", 0), 0);
	EXPECT_UINT(live_count(t, "EXIT", 0), 1);
	EXPECT_UINT(live_class(t, "process")->generated, 1);
}

static void fails(struct live *t, void *arg)
{
	(void)t;
	(void)arg;
	/* CLONE_SIGHAND without CLONE_VM */
	EXPECT(clone3_into(NULL, CLONE_SIGHAND) < 0 && errno == EINVAL);
}

LIVE(fork_not_of_failure, LIVE_FIRST)
{
	live_do(t, fails, NULL);
	live_end(t);
	EXPECT_UINT(live_count(t, "FORK", 0), 0);
}
