/* SPDX-License-Identifier: Apache-2.0 */
/* What is recorded against /proc/PID/ns. */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static uint64_t inode_of(pid_t pid, const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	MUST(stat(path, &st));
	return st.st_ino;
}

static void note(struct live *t, pid_t pid)
{
	static const char *const names[] = {"mnt", "pid", "net", "user", "uts", "ipc", "cgroup"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		t->shared->value[i] = inode_of(pid, names[i]);
}

static void expect_noted(struct live *t, const Varve__V1__Namespaces *ns)
{
	const uint64_t *want = t->shared->value;

	EXPECT_FIELD(ns, mnt, want[0]);
	EXPECT_FIELD(ns, pid, want[1]);
	EXPECT_FIELD(ns, net, want[2]);
	EXPECT_FIELD(ns, user, want[3]);
	EXPECT_FIELD(ns, uts, want[4]);
	EXPECT_FIELD(ns, ipc, want[5]);
	EXPECT_FIELD(ns, cgroup, want[6]);
}

static void leave(struct live *t, void *arg)
{
	(void)arg;
	MUST(unshare(CLONE_FS)); /* no namespace */
	MUST(unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID));
	note(t, getpid());
	MUST(setuid(65534));
	EXPECT(unshare(CLONE_NEWNET) < 0 && errno == EPERM);
}

LIVE(namespace_unshare, LIVE_FIRST)
{
	pid_t pid = live_do(t, leave, NULL);
	const Varve__V1__Namespace *n;

	live_end(t);
	EXPECT_UINT(live_count(t, "NAMESPACE", 0), 2);
	n = live_nth(t, "NAMESPACE", pid, 0)->namespace_;
	EXPECT_STR(n->call, "unshare");
	EXPECT_FIELD(n, flags, CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID);
	EXPECT(!n->has_call_errno && !n->child && !n->has_flags_user_memory);
	expect_noted(t, n->namespaces);
	/* The process itself stays; its children will be elsewhere. */
	EXPECT_UINT(n->namespaces->pid, inode_of(getpid(), "pid"));
	EXPECT(n->has_pid_for_children && n->pid_for_children != n->namespaces->pid);
	n = live_nth(t, "NAMESPACE", pid, 1)->namespace_;
	EXPECT_FIELD(n, flags, CLONE_NEWNET);
	EXPECT_FIELD(n, call_errno, EPERM);
}

static void join(struct live *t, void *arg)
{
	pid_t other = *(pid_t *)arg;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/uts", other);
	fd = MUST(open(path, O_RDONLY | O_CLOEXEC));
	MUST(setns(fd, 0));
	note(t, getpid());
	EXPECT(setns(fd, CLONE_NEWNET) < 0 && errno == EINVAL);
	EXPECT(setns(-1, CLONE_NEWNET) < 0 && errno == EBADF);
	EXPECT(setns(0, 0) < 0);
	fd = MUST(syscall(SYS_pidfd_open, other, 0));
	MUST(setns(fd, CLONE_NEWUTS | CLONE_NEWIPC));
	t->shared->value[7] = inode_of(getpid(), "ipc");
}

static int in_others(void *arg)
{
	int *fds = arg;
	char c;

	close(fds[1]);
	return read(fds[0], &c, 1);
}

LIVE(namespace_setns, LIVE_FIRST)
{
	static char stack[65536] __attribute__((aligned(16)));
	const Varve__V1__Namespace *n;
	pid_t other, pid;
	int fds[2];

	MUST(pipe(fds));
	other = MUST(clone(in_others, stack + sizeof(stack), CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD,
			   fds));
	t->shared->value[8] = inode_of(other, "uts");
	t->shared->value[9] = inode_of(other, "ipc");
	pid = live_do(t, join, &other);
	close(fds[1]);
	live_wait(other);
	live_end(t);
	EXPECT_UINT(live_count(t, "NAMESPACE", 0), 5);
	n = live_nth(t, "NAMESPACE", pid, 0)->namespace_;
	EXPECT_STR(n->call, "setns");
	EXPECT_FIELD(n, flags, CLONE_NEWUTS); /* of the descriptor */
	EXPECT_FIELD(n->namespaces, uts, t->shared->value[8]);
	expect_noted(t, n->namespaces);
	n = live_nth(t, "NAMESPACE", pid, 1)->namespace_;
	EXPECT_FIELD(n, flags, CLONE_NEWNET);
	EXPECT_FIELD(n, call_errno, EINVAL);
	EXPECT_FIELD(live_nth(t, "NAMESPACE", pid, 2)->namespace_, call_errno, EBADF);
	n = live_nth(t, "NAMESPACE", pid, 3)->namespace_;
	EXPECT(n->has_call_errno && !n->has_flags);
	n = live_nth(t, "NAMESPACE", pid, 4)->namespace_;
	EXPECT_FIELD(n, flags, CLONE_NEWUTS | CLONE_NEWIPC);
	EXPECT(!n->has_call_errno);
	EXPECT_FIELD(n->namespaces, ipc, t->shared->value[7]);
	EXPECT_FIELD(n->namespaces, ipc, t->shared->value[9]);
}

static void make_child(struct live *t, void *arg)
{
	struct clone_args args = {.flags = CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWUSER,
				  .exit_signal = SIGCHLD};
	pid_t pid;

	(void)arg;
	pid = MUST(fork()); /* nothing new */
	if (!pid)
		_exit(0);
	live_wait(pid);
	pid = MUST(syscall(SYS_clone, CLONE_NEWUTS | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
	if (!pid) {
		pause();
		_exit(0);
	}
	note(t, pid);
	t->shared->value[7] = pid;
	kill(pid, SIGKILL);
	live_wait(pid);
	MUST(setuid(65534));
	args.flags = CLONE_NEWUTS;
	EXPECT(syscall(SYS_clone3, &args, sizeof(args)) < 0);
	t->shared->value[8] = errno; /* ENOSYS under some filters */
	EXPECT(syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0) < 0 && errno == EPERM);
	EXPECT(syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0) < 0); /* no namespace */
}

LIVE(namespace_clone, LIVE_FIRST)
{
	pid_t pid = live_do(t, make_child, NULL);
	const Varve__V1__Namespace *n;
	const Varve__V1__Event *fork_ev;

	live_end(t);
	EXPECT_UINT(live_count(t, "NAMESPACE", 0), 3);
	n = live_nth(t, "NAMESPACE", pid, 0)->namespace_;
	EXPECT_STR(n->call, "clone");
	EXPECT_FIELD(n, flags, CLONE_NEWUTS | CLONE_NEWNS);
	EXPECT(!n->has_call_errno);
	EXPECT_FIELD(n->child, pid, t->shared->value[7]);
	EXPECT(!n->child->has_tid);
	expect_noted(t, n->namespaces);
	fork_ev = live_one(t, "FORK", t->shared->value[7]);
	EXPECT_STR(n->child->process_uid, fork_ev->process->process_uid);
	n = live_nth(t, "NAMESPACE", pid, 1)->namespace_;
	EXPECT_STR(n->call, "clone3");
	EXPECT_FIELD(n, flags, CLONE_NEWUTS);
	EXPECT_FIELD(n, flags_user_memory, 1);
	EXPECT_FIELD(n, call_errno, t->shared->value[8]);
	n = live_nth(t, "NAMESPACE", pid, 2)->namespace_;
	EXPECT_STR(n->call, "clone");
	EXPECT_FIELD(n, flags, CLONE_NEWNET);
	EXPECT_FIELD(n, call_errno, EPERM);
}
