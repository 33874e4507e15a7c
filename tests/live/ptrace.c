/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

static volatile long word = 0x1122334455667788;

static void trace(struct live *t, void *arg)
{
	struct user_regs_struct regs;
	pid_t pid = live_idle();
	int status;

	(void)arg;
	t->shared->value[0] = pid;
	MUST(ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	MUST(waitpid(pid, &status, 0));
	EXPECT(ptrace(PTRACE_PEEKDATA, pid, &word, NULL) == word);
	MUST(ptrace(PTRACE_POKEDATA, pid, &word, 0x0123456789abcdef));
	MUST(ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	MUST(ptrace(PTRACE_SETREGS, pid, NULL, &regs));
	MUST(ptrace(PTRACE_DETACH, pid, NULL, NULL));
	MUST(ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
	kill(pid, SIGKILL);
	live_wait(pid);
	EXPECT(ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0 && errno == ESRCH);
	EXPECT(ptrace(PTRACE_ATTACH, 1u << 24, NULL, NULL) < 0 && errno == ESRCH);
	EXPECT(ptrace(PTRACE_ATTACH, getpid(), NULL, NULL) < 0 && errno == EPERM);
}

static void expect_target(struct live *t, const Varve__V1__Ptrace *p, pid_t pid)
{
	const Varve__V1__Event *fork_ev = live_one(t, "FORK", pid);

	EXPECT_FIELD(p->target, pid, (uint32_t)pid);
	EXPECT_FIELD(p->target, tid, (uint32_t)pid);
	EXPECT_STR(p->target->process_uid, fork_ev->process->process_uid);
	EXPECT_FIELD(p->target, start_boot_time_nano, fork_ev->process->start_boot_time_nano);
	EXPECT_FIELD(p->target, cgroup_id, t->cgroup_id);
	EXPECT_STR(p->target->name, fork_ev->process->name);
}

LIVE(ptrace_requests, LIVE_FIRST)
{
	static const char *const names[] = {"ATTACH", "POKEDATA", "SETREGS", "SEIZE",
					    "ATTACH", "ATTACH",	  "ATTACH"};
	static const uint32_t errs[] = {0, 0, 0, 0, ESRCH, ESRCH, EPERM};
	pid_t pid = live_do(t, trace, NULL), victim = t->shared->value[0];
	const long written = 0x0123456789abcdef;
	const Varve__V1__Ptrace *p;
	size_t i;

	live_end(t);
	EXPECT_UINT(live_count(t, "PTRACE", 0), ARRAY_SIZE(names));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		p = live_nth(t, "PTRACE", pid, i)->ptrace;
		EXPECT_STR(p->request_name, names[i]);
		if (errs[i])
			EXPECT_FIELD(p, call_errno, errs[i]);
		else
			EXPECT(!p->has_call_errno);
		if (i < 4)
			expect_target(t, p, victim);
	}
	EXPECT_FIELD(live_nth(t, "PTRACE", pid, 0)->ptrace, target_ns_pid, victim);
	p = live_nth(t, "PTRACE", pid, 1)->ptrace;
	EXPECT_FIELD(p, request, PTRACE_POKEDATA);
	EXPECT_FIELD(p, address, (uintptr_t)&word);
	EXPECT_UINT(p->written.len, sizeof(written));
	EXPECT(!memcmp(p->written.data, &written, sizeof(written)));
	p = live_nth(t, "PTRACE", pid, 3)->ptrace;
	EXPECT_FIELD(p, options, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	p = live_nth(t, "PTRACE", pid, 4)->ptrace;
	EXPECT(!p->target);
	EXPECT_FIELD(p, target_ns_pid, victim);
	EXPECT(!live_nth(t, "PTRACE", pid, 5)->ptrace->target);
	EXPECT_FIELD(live_nth(t, "PTRACE", pid, 6)->ptrace->target, pid, (uint32_t)pid);
}

static void be_traced(struct live *t, void *arg)
{
	(void)t;
	(void)arg;
	MUST(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	EXPECT(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 && errno == EPERM);
}

LIVE(ptrace_traceme, LIVE_FIRST)
{
	pid_t pid = live_do(t, be_traced, NULL);
	const Varve__V1__Ptrace *p;

	live_end(t);
	EXPECT_UINT(live_count(t, "PTRACE", 0), 2);
	p = live_nth(t, "PTRACE", pid, 0)->ptrace;
	EXPECT_FIELD(p, request, PTRACE_TRACEME);
	EXPECT_STR(p->request_name, "TRACEME");
	EXPECT(!p->target && !p->has_target_ns_pid && !p->has_call_errno);
	EXPECT_FIELD(live_nth(t, "PTRACE", pid, 1)->ptrace, call_errno, EPERM);
}

/* Pids are those of the caller's pid namespace; here 2 traces 3. */
static int first_in_namespace(void *arg)
{
	struct live *t = arg;
	pid_t tracer = MUST(fork()), victim;
	int status;

	if (tracer)
		return live_wait(tracer);
	victim = live_idle();
	t->shared->value[0] = victim;
	MUST(ptrace(PTRACE_ATTACH, victim, NULL, NULL));
	MUST(waitpid(victim, &status, 0));
	kill(victim, SIGKILL);
	live_wait(victim);
	_exit(0);
}

static void in_pid_namespace(struct live *t, void *arg)
{
	static char stack[65536] __attribute__((aligned(16)));

	(void)arg;
	EXPECT(!live_wait(
		MUST(clone(first_in_namespace, stack + sizeof(stack), CLONE_NEWPID | SIGCHLD, t))));
}

LIVE(ptrace_in_pid_namespace, LIVE_FIRST)
{
	const Varve__V1__Event *ev = NULL, *forked = NULL;
	const Varve__V1__Ptrace *p;
	size_t i;

	live_do(t, in_pid_namespace, NULL);
	live_end(t);
	EXPECT_UINT(t->shared->value[0], 3);
	for (i = 0; i < t->event_cnt; i++) {
		if (!strcmp(t->events[i]->kind, "PTRACE"))
			ev = t->events[i];
		if (!strcmp(t->events[i]->kind, "FORK") && t->events[i]->process->ns_pid == 3)
			forked = t->events[i];
	}
	EXPECT(ev && forked);
	p = ev->ptrace;
	EXPECT_FIELD(p, target_ns_pid, 3);
	EXPECT_FIELD(ev->process, ns_pid, 2);
	EXPECT_FIELD(p->target, pid, forked->process->pid);
	EXPECT_STR(p->target->process_uid, forked->process->process_uid);
}
