/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

static char here[8192] = "text";

static void read_and_write(struct live *t, void *arg)
{
	char mine[100] = "";
	struct iovec local = {mine, sizeof(mine)}, remote[2] = {{here, 60}, {here + 4096, 40}};
	struct iovec nowhere = {(void *)8, 10};
	pid_t pid = live_idle();

	(void)arg;
	t->shared->value[0] = pid;
	EXPECT(process_vm_readv(pid, &local, 1, remote, 2, 0) == 100);
	EXPECT(!strcmp(mine, "text"));
	EXPECT(process_vm_writev(pid, &local, 1, remote + 1, 1, 0) == 40);
	EXPECT(process_vm_writev(pid, &local, 1, &nowhere, 1, 0) < 0 && errno == EFAULT);
	kill(pid, SIGKILL);
	live_wait(pid);
	EXPECT(process_vm_readv(pid, &local, 1, remote, 2, 0) < 0 && errno == ESRCH);
	EXPECT(process_vm_readv(pid, &local, 1, (void *)8, 2, 0) < 0 && errno == EFAULT);
}

static void expect_target(struct live *t, const Varve__V1__ProcessMemory *m, pid_t pid)
{
	const Varve__V1__Event *fork_ev = live_one(t, "FORK", pid);

	EXPECT_FIELD(m->target, pid, (uint32_t)pid);
	EXPECT_STR(m->target->process_uid, fork_ev->process->process_uid);
}

LIVE(process_memory_calls, LIVE_FIRST)
{
	pid_t pid = live_do(t, read_and_write, NULL), victim = t->shared->value[0];
	const Varve__V1__ProcessMemory *m;

	live_end(t);
	EXPECT_UINT(live_count(t, "PROCESS_MEMORY", 0), 5);
	m = live_nth(t, "PROCESS_MEMORY", pid, 0)->process_memory;
	EXPECT_STR(m->call, "process_vm_readv");
	EXPECT_FIELD(m, bytes, 100);
	EXPECT_FIELD(m, address, (uintptr_t)here);
	EXPECT_FIELD(m, target_ns_pid, victim);
	EXPECT(!m->has_write && !m->has_call_errno && !m->has_fd);
	expect_target(t, m, victim);
	m = live_nth(t, "PROCESS_MEMORY", pid, 1)->process_memory;
	EXPECT_STR(m->call, "process_vm_writev");
	EXPECT_FIELD(m, write, 1);
	EXPECT_FIELD(m, bytes, 40);
	EXPECT_FIELD(m, address, (uintptr_t)here + 4096);
	expect_target(t, m, victim);
	m = live_nth(t, "PROCESS_MEMORY", pid, 2)->process_memory;
	EXPECT_FIELD(m, call_errno, EFAULT);
	EXPECT_FIELD(m, address, 8);
	EXPECT(!m->has_bytes);
	m = live_nth(t, "PROCESS_MEMORY", pid, 3)->process_memory;
	EXPECT_FIELD(m, call_errno, ESRCH);
	EXPECT(!m->target);
	m = live_nth(t, "PROCESS_MEMORY", pid, 4)->process_memory;
	EXPECT_FIELD(m, call_errno, EFAULT);
	EXPECT(!m->has_address);
}

static void open_memory(struct live *t, void *arg)
{
	pid_t pid = live_idle();
	char path[300];

	(void)arg;
	t->shared->value[0] = pid;
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	t->shared->value[1] = MUST(open(path, O_RDWR | O_CLOEXEC));
	t->shared->value[2] = MUST(open(path, O_RDONLY | O_CLOEXEC));
	MUST(open("/proc/self/mem", O_RDONLY | O_CLOEXEC)); /* its own */
	t->shared->value[3] = MUST(open("/proc/self/mem", O_WRONLY | O_CLOEXEC));
	snprintf(path, sizeof(path), "%s/mem", t->dir); /* another one's name */
	MUST(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	kill(pid, SIGKILL);
	live_wait(pid);
}

static void expect_fd(const Varve__V1__ProcessMemory *m, uint64_t fd)
{
	if (live_trampolines())
		EXPECT(!m->has_fd);
	else
		EXPECT_FIELD(m, fd, fd);
}

LIVE(process_memory_files, LIVE_FIRST)
{
	pid_t pid = live_do(t, open_memory, NULL), victim = t->shared->value[0];
	const Varve__V1__ProcessMemory *m;

	live_end(t);
	EXPECT_UINT(live_count(t, "PROCESS_MEMORY", 0), 3);
	m = live_nth(t, "PROCESS_MEMORY", pid, 0)->process_memory;
	EXPECT_STR(m->call, "open");
	EXPECT_FIELD(m, write, 1);
	expect_fd(m, t->shared->value[1]);
	EXPECT(!m->has_bytes && !m->has_address && !m->has_target_ns_pid);
	expect_target(t, m, victim);
	m = live_nth(t, "PROCESS_MEMORY", pid, 1)->process_memory;
	EXPECT(!m->has_write);
	expect_fd(m, t->shared->value[2]);
	expect_target(t, m, victim);
	m = live_nth(t, "PROCESS_MEMORY", pid, 2)->process_memory;
	EXPECT_FIELD(m, write, 1);
	expect_fd(m, t->shared->value[3]);
	EXPECT_FIELD(m->target, pid, (uint32_t)pid);
}
