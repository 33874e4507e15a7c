/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/syscall.h>

static long open_event(struct perf_event_attr *attr, pid_t pid, int cpu, unsigned long flags)
{
	return syscall(SYS_perf_event_open, attr, pid, cpu, -1, flags);
}

static struct perf_event_attr switches_of_task(void)
{
	return (struct perf_event_attr){.type = PERF_TYPE_SOFTWARE,
					.size = sizeof(struct perf_event_attr),
					.config = PERF_COUNT_SW_CONTEXT_SWITCHES,
					.sample_type = PERF_SAMPLE_IP,
					.sample_period = 1000,
					.disabled = 1,
					.exclude_kernel = 1};
}

static void watch_another(struct live *t, void *arg)
{
	struct perf_event_attr attr = switches_of_task();
	pid_t *whom = arg;

	t->shared->value[0] = open_event(&attr, *whom, -1, PERF_FLAG_FD_CLOEXEC);
	t->shared->value[1] = errno;
}

/* Whom it watches, from the kernel's event. */
LIVE(perf_event_of_another, LIVE_FIRST)
{
	const Varve__V1__PerfEvent *ev;
	pid_t pid, whom = fork();

	if (!whom) {
		pause();
		_exit(0);
	}
	pid = live_do(t, watch_another, &whom);
	kill(whom, SIGKILL);
	live_wait(whom);
	if ((int)t->shared->value[0] < 0)
		live_skip("perf_event_open: %s", strerror(t->shared->value[1]));
	live_end(t);
	EXPECT_UINT(live_count(t, "PERF_EVENT", 0), 1);
	ev = live_one(t, "PERF_EVENT", pid)->perf_event;
	EXPECT_FIELD(ev, type, PERF_TYPE_SOFTWARE);
	EXPECT_STR(ev->type_name, "software");
	EXPECT_FIELD(ev, config, PERF_COUNT_SW_CONTEXT_SWITCHES);
	EXPECT_FIELD(ev, sample_type, PERF_SAMPLE_IP);
	EXPECT_FIELD(ev, exclude_kernel, 1);
	EXPECT(!ev->has_exclude_user && !ev->has_attr_user_memory && !ev->has_call_errno);
	EXPECT_FIELD(ev, target_tid, whom);
	EXPECT(ev->pid == whom && ev->cpu == -1 && ev->group_fd == -1);
	EXPECT_FIELD(ev, flags, PERF_FLAG_FD_CLOEXEC);
	EXPECT_FIELD(ev, fd, t->shared->value[0]);
	EXPECT_STR(live_one(t, "PERF_EVENT", pid)->kernel_number->event_class, "kernel");
}

static void fails(struct live *t, void *arg)
{
	struct perf_event_attr attr = switches_of_task();

	(void)t;
	(void)arg;
	EXPECT(open_event(&attr, -1, -1, 0) < 0 && errno == EINVAL);
	EXPECT(open_event(NULL, 0, -1, 0) < 0 && errno == EFAULT);
	attr.type = PERF_TYPE_TRACEPOINT;
	attr.config = 0x7fffffff;
	EXPECT(open_event(&attr, 0, -1, 0) < 0);
	t->shared->value[0] = errno;
}

LIVE(perf_event_failure, LIVE_FIRST)
{
	pid_t pid = live_do(t, fails, NULL);
	const Varve__V1__PerfEvent *ev;

	live_end(t);
	EXPECT_UINT(live_count(t, "PERF_EVENT", 0), 3);
	ev = live_nth(t, "PERF_EVENT", pid, 0)->perf_event;
	EXPECT_FIELD(ev, call_errno, EINVAL);
	EXPECT_FIELD(ev, type, PERF_TYPE_SOFTWARE);
	EXPECT_FIELD(ev, attr_user_memory, 1);
	EXPECT(ev->pid == -1 && !ev->has_fd && !ev->has_target_tid);
	ev = live_nth(t, "PERF_EVENT", pid, 1)->perf_event;
	EXPECT_FIELD(ev, call_errno, EFAULT);
	EXPECT(!ev->has_type && !ev->has_config);
	ev = live_nth(t, "PERF_EVENT", pid, 2)->perf_event;
	EXPECT_FIELD(ev, call_errno, t->shared->value[0]);
	EXPECT_STR(ev->type_name, "tracepoint");
	EXPECT_FIELD(ev, config, 0x7fffffff);
}

static int tracepoint_id(const char *name)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[256];
	int id;

	snprintf(path, sizeof(path), "/sys/kernel/tracing/events/%s/id", name);
	f = fopen(path, "re");
	return f && fscanf(f, "%d", &id) == 1 ? id : -1;
}

/* Who watches a tracepoint by perf sees it as before, though the sensor's programs are on it. */
LIVE(perf_event_beside_the_sensor, LIVE_FIRST)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT,
				       .size = sizeof(attr),
				       .inherit = 1,
				       .sample_period = 1};
	uint64_t cnt;
	int id = tracepoint_id("raw_syscalls/sys_exit"), i;
	_cleanup_close_ int fd = -1;

	(void)t;
	if (id < 0)
		live_skip("tracefs is not mounted");
	attr.config = id;
	fd = MUST((int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
	for (i = 0; i < 100; i++)
		syscall(SYS_getppid);
	EXPECT(read(fd, &cnt, sizeof(cnt)) == sizeof(cnt));
	EXPECT(cnt >= 100);
}
