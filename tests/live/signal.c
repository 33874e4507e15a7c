/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

/* A child that blocks SIGUSR1, ignores SIGUSR2, and lives until it is killed. */
static pid_t start_target(void)
{
	int fds[2];
	char byte;
	pid_t pid;

	MUST(pipe(fds));
	pid = MUST(fork());
	if (!pid) {
		sigset_t set;

		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigaddset(&set, SIGRTMIN);
		sigprocmask(SIG_BLOCK, &set, NULL);
		signal(SIGUSR2, SIG_IGN);
		MUST(write(fds[1], "", 1));
		for (;;)
			pause();
	}
	MUST(read(fds[0], &byte, 1));
	close(fds[0]);
	close(fds[1]);
	return pid;
}

static void expect_killed(pid_t pid, int sig)
{
	int status = live_wait(pid);

	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == sig);
}

static void kill_child(struct live *t, void *arg)
{
	pid_t target = start_target();

	(void)arg;
	t->shared->value[0] = target;
	MUST(kill(target, SIGUSR1));
	MUST(kill(target, SIGUSR1));
	MUST(kill(target, SIGUSR2));
	MUST(kill(target, 0));
	MUST(kill(target, SIGTERM));
	expect_killed(target, SIGTERM);
}

/* The target is the process that FORK named; the results are what its mask and its actions make of
 * them. */
LIVE(signal_results, LIVE_FIRST)
{
	static const struct {
		int signal;
		const char *result;
	} want[] = {{SIGUSR1, "delivered"},
		    {SIGUSR1, "already_pending"},
		    {SIGUSR2, "ignored"},
		    {SIGTERM, "delivered"}};
	pid_t pid = live_do(t, kill_child, NULL);
	Varve__V1__Process *target;
	size_t i;

	live_end(t);
	target = live_one(t, "FORK", t->shared->value[0])->process;
	EXPECT_UINT(live_count(t, "SIGNAL", 0), ARRAY_SIZE(want));
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		Varve__V1__Signal *s = live_nth(t, "SIGNAL", pid, i)->signal;

		EXPECT_FIELD(s, signal, want[i].signal);
		EXPECT_FIELD(s, code, 0);
		EXPECT_STR(s->result, want[i].result);
		EXPECT_STR(s->target->process_uid, target->process_uid);
		EXPECT_FIELD(s->target, pid, target->pid);
		EXPECT_FIELD(s->target, start_boot_time_nano, target->start_boot_time_nano);
		EXPECT_FIELD(s->target, cgroup_id, t->cgroup_id);
		EXPECT_STR(s->target->name, target->name);
		EXPECT(!s->target->has_tid && !s->has_to_thread && !s->has_from_outside);
	}
	EXPECT_FIELD(live_one(t, "EXIT", t->shared->value[0])->exit, signal, SIGTERM);
}

/* sigqueue, tgkill, and a code that a timer of the kernel's would have. */
static void other_calls(struct live *t, void *arg)
{
	pid_t target = start_target();
	siginfo_t info = {.si_signo = SIGRTMIN, .si_code = SI_TIMER};

	(void)arg;
	t->shared->value[0] = target;
	MUST(sigqueue(target, SIGRTMIN, (union sigval){.sival_int = 1}));
	MUST(syscall(SYS_tgkill, target, target, SIGUSR1));
	MUST(syscall(SYS_rt_sigqueueinfo, target, SIGRTMIN, &info));
	MUST(kill(target, SIGKILL));
	expect_killed(target, SIGKILL);
}

LIVE(signal_codes, LIVE_FIRST)
{
	static const int codes[] = {SI_QUEUE, SI_TKILL, SI_TIMER, SI_USER};
	pid_t pid = live_do(t, other_calls, NULL);
	Varve__V1__Signal *s;
	size_t i;

	live_end(t);
	EXPECT_UINT(live_count(t, "SIGNAL", 0), ARRAY_SIZE(codes));
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		s = live_nth(t, "SIGNAL", pid, i)->signal;
		EXPECT(s->has_code && s->code == codes[i]);
		EXPECT_UINT(s->has_to_thread, codes[i] == SI_TKILL);
		EXPECT_UINT(s->target->has_tid, codes[i] == SI_TKILL);
	}
	EXPECT_FIELD(live_nth(t, "SIGNAL", pid, 1)->signal->target, tid, t->shared->value[0]);
}

static void on_signal(int sig)
{
	(void)sig;
}

/* To oneself; timers; a child's end; a question. */
static void not_recorded(struct live *t, void *arg)
{
	struct itimerval soon = {.it_value.tv_usec = 1000};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec when = {.it_value.tv_nsec = 1000000};
	timer_t timer;

	(void)t;
	(void)arg;
	signal(SIGUSR1, on_signal);
	signal(SIGALRM, on_signal);
	MUST(raise(SIGUSR1));
	MUST(kill(getpid(), SIGUSR1));
	MUST(setitimer(ITIMER_REAL, &soon, NULL));
	usleep(20000);
	MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
	MUST(timer_settime(timer, 0, &when, NULL));
	usleep(20000);
	if (!MUST(fork()))
		_exit(0);
	MUST(wait(NULL));
	MUST(setresuid(65534, 65534, 65534));
	EXPECT(kill(getppid(), 0) < 0 && errno == EPERM);
	EXPECT(kill(getpid(), 65) < 0 && errno == EINVAL);
}

LIVE(signal_not_own_nor_kernels, LIVE_FIRST)
{
	live_do(t, not_recorded, NULL);
	live_end(t);
	EXPECT_UINT(live_count(t, "SIGNAL", 0), 0);
}

static void refused(struct live *t, void *arg)
{
	pid_t target = start_target(), gone = MUST(fork()), pid;
	siginfo_t info = {.si_signo = SIGRTMIN, .si_code = SI_QUEUE};
	int fd = MUST((int)syscall(SYS_pidfd_open, target, 0));

	(void)arg;
	if (!gone)
		_exit(0);
	live_wait(gone);
	t->shared->value[0] = target;
	t->shared->value[1] = gone;
	pid = MUST(fork());
	if (!pid) {
		MUST(setresuid(65534, 65534, 65534));
		EXPECT(kill(target, SIGTERM) < 0 && errno == EPERM);
		EXPECT(syscall(SYS_tgkill, target, target, SIGUSR1) < 0 && errno == EPERM);
		EXPECT(syscall(SYS_rt_sigqueueinfo, target, SIGRTMIN, &info) < 0 && errno == EPERM);
		EXPECT(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0 && errno == EPERM);
		EXPECT(kill(gone, SIGHUP) < 0 && errno == ESRCH);
		EXPECT(kill(-gone, SIGHUP) < 0 && errno == ESRCH);
		EXPECT(kill(target, 99) < 0 && errno == EINVAL);
		/* The target is no thread of that process; nor is any of the caller's, any more. */
		EXPECT(syscall(SYS_tgkill, getppid(), target, SIGUSR1) < 0 && errno == ESRCH);
		EXPECT(syscall(SYS_tgkill, getpid(), gone, SIGUSR1) < 0 && errno == ESRCH);
		_exit(0);
	}
	EXPECT_UINT(live_wait(pid), 0);
	MUST(kill(target, SIGKILL));
	expect_killed(target, SIGKILL);
}

LIVE(signal_refused, LIVE_FIRST)
{
	static const struct {
		const char *call;
		uint32_t signal, err;
		bool has_target, to_thread;
	} want[] = {
		{"kill", SIGTERM, EPERM, true, false},
		{"tgkill", SIGUSR1, EPERM, true, true},
		{"rt_sigqueueinfo", 0, EPERM, true, false},
		{"pidfd_send_signal", SIGKILL, EPERM, false, false},
		{"kill", SIGHUP, ESRCH, false, false},
		{"kill", SIGHUP, ESRCH, false, false},
		{"kill", 99, EINVAL, true, false},
		{"tgkill", SIGUSR1, ESRCH, false, true},
	};
	const pid_t pids[] = {0, 0, 0, 0, 1, -1, 0, 0};
	const Varve__V1__Process *target;
	const Varve__V1__Signal *s;
	size_t i;

	live_do(t, refused, NULL);
	live_end(t);
	target = live_one(t, "FORK", t->shared->value[0])->process;
	EXPECT_UINT(live_count(t, "SIGNAL", 0), ARRAY_SIZE(want) + 1); /* and the one that kills */
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		s = live_nth(t, "SIGNAL", 0, i)->signal;
		EXPECT_STR(s->call, want[i].call);
		EXPECT_FIELD(s, signal, want[i].signal ? want[i].signal : (uint32_t)SIGRTMIN);
		EXPECT_FIELD(s, call_errno, want[i].err);
		EXPECT(!s->has_code && !s->result && s->has_to_thread == want[i].to_thread);
		EXPECT(!s->target == !want[i].has_target);
		if (s->target)
			EXPECT_STR(s->target->process_uid, target->process_uid);
		EXPECT(s->has_target_pid == !!strcmp(s->call, "pidfd_send_signal"));
		if (s->has_target_pid)
			EXPECT(s->target_pid == (pids[i] ? pids[i] * (pid_t)t->shared->value[1]
							 : (pid_t)t->shared->value[0]));
	}
}

static void wait_for_it(struct live *t, void *arg)
{
	int *fds = arg;

	(void)t;
	MUST(write(fds[1], "", 1));
	for (;;)
		pause();
}

/* From outside of every container: recorded where it goes to. */
LIVE(signal_from_outside, LIVE_FIRST)
{
	Varve__V1__Event *ev;
	int fds[2];
	char byte;
	pid_t pid;

	MUST(pipe(fds));
	pid = live_spawn(t, wait_for_it, fds);
	MUST(read(fds[0], &byte, 1));
	MUST(kill(pid, SIGTERM));
	expect_killed(pid, SIGTERM);
	live_end(t);
	ev = live_one(t, "SIGNAL", 0);
	EXPECT_UINT(ev->process->pid, getpid());
	EXPECT_FIELD(ev->signal, from_outside, 1);
	EXPECT_UINT(ev->signal->target->pid, pid);
	EXPECT_STR(ev->signal->target->process_uid, live_one(t, "EXIT", pid)->process->process_uid);
	EXPECT_STR(ev->container->id, t->id);
}
