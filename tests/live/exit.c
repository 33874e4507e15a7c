/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* The record says what wait(2) said. */
static void expect_exit(struct live *t, pid_t pid, int status)
{
	Varve__V1__Exit *ev;

	live_end(t);
	EXPECT_UINT(live_count(t, "EXIT", 0), 1);
	ev = live_one(t, "EXIT", pid)->exit;
	if (WIFEXITED(status)) {
		EXPECT_FIELD(ev, code, WEXITSTATUS(status));
		EXPECT(!ev->has_signal && !ev->has_core_dumped);
	} else {
		EXPECT_FIELD(ev, signal, WTERMSIG(status));
		EXPECT(!ev->has_code);
		EXPECT_UINT(ev->has_core_dumped, WCOREDUMP(status) ? 1 : 0);
	}
}

static void with_code(struct live *t, void *arg)
{
	(void)t;
	_exit(*(int *)arg);
}

LIVE(exit_by_code, LIVE_FIRST)
{
	int code = 0x1ff; /* of which 8 bits count */
	pid_t pid = live_spawn(t, with_code, &code);
	int status = live_wait(pid);

	EXPECT_UINT(WEXITSTATUS(status), 255);
	expect_exit(t, pid, status);
}

LIVE(exit_by_code_zero, LIVE_FIRST)
{
	int code = 0;
	pid_t pid = live_spawn(t, with_code, &code);

	expect_exit(t, pid, live_wait(pid));
}

static void by_signal(struct live *t, void *arg)
{
	struct rlimit none = {};

	(void)t;
	setrlimit(RLIMIT_CORE, &none);
	kill(getpid(), *(int *)arg);
	pause();
}

LIVE(exit_by_signal, LIVE_FIRST)
{
	int sig = SIGKILL;
	pid_t pid = live_spawn(t, by_signal, &sig);
	int status = live_wait(pid);

	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	expect_exit(t, pid, status);
}

static void *ends_group(void *arg)
{
	syscall(SYS_exit_group, *(int *)arg);
	return NULL;
}

static void by_other_thread(struct live *t, void *arg)
{
	pthread_t thread;

	(void)t;
	EXPECT(!pthread_create(&thread, NULL, ends_group, arg));
	pause();
}

LIVE(exit_by_other_thread, LIVE_FIRST)
{
	int code = 33;
	pid_t pid = live_spawn(t, by_other_thread, &code);
	int status = live_wait(pid);

	EXPECT_UINT(WEXITSTATUS(status), 33);
	expect_exit(t, pid, status);
}

/* --- the leader ends first: the process lives on, and ends when its last thread does */

static void *lives_on(void *arg)
{
	struct timespec ts;

	usleep(100000);
	clock_gettime(CLOCK_BOOTTIME, &ts);
	((struct live *)arg)->shared->value[0] = ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	syscall(SYS_exit, 5);
	return NULL;
}

static void leader_first(struct live *t, void *arg)
{
	pthread_t thread;

	(void)arg;
	EXPECT(!pthread_create(&thread, NULL, lives_on, t));
	syscall(SYS_exit, 9);
}

LIVE(exit_leader_first, LIVE_FIRST)
{
	pid_t pid = live_spawn(t, leader_first, NULL);
	int status = live_wait(pid);

	/* The last thread's since 5.17, before the leader's. */
	EXPECT(status == 5 << 8 || status == 9 << 8);
	expect_exit(t, pid, status);
	EXPECT(live_one(t, "EXIT", pid)->boot_time_nano >= t->shared->value[0]);
	EXPECT_FIELD(live_one(t, "EXIT", pid)->process, pid, (uint32_t)pid);
}

/* --- threads that end at the same moment, on all processors: still one record each time */

static pthread_barrier_t barrier;

static void *at_once(void *arg)
{
	pthread_barrier_wait(&barrier);
	syscall(SYS_exit, 0);
	return arg;
}

static void race_once(void)
{
	pthread_t thread;
	size_t i;

	pthread_barrier_init(&barrier, NULL, 4);
	for (i = 0; i < 3; i++)
		EXPECT(!pthread_create(&thread, NULL, at_once, NULL));
	at_once(NULL);
}

static void race(struct live *t, void *arg)
{
	size_t i;
	pid_t pid;

	(void)t;
	(void)arg;
	for (i = 0; i < 100; i++) {
		pid = MUST(fork());
		if (!pid)
			race_once();
		EXPECT_UINT(live_wait(pid), 0);
	}
}

LIVE(exit_of_racing_threads, LIVE_FIRST)
{
	size_t i;

	live_do(t, race, NULL);
	live_end(t);
	EXPECT_UINT(live_count(t, "FORK", 0), 100);
	EXPECT_UINT(live_count(t, "EXIT", 0), 101);
	for (i = 0; i < 100; i++)
		live_one(t, "EXIT", live_nth(t, "FORK", 0, i)->process->pid);
}
