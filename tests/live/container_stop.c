/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <signal.h>

static void nothing(struct live *t, void *arg)
{
	(void)t;
	(void)arg;
}

/* The stop is the last event of the kernel, the account the last record, and it is closed. */
LIVE(container_stop_closes_account, LIVE_FIRST)
{
	Varve__V1__Event *stop;
	char path[80];
	size_t i;

	live_do(t, nothing, NULL);
	live_end(t);
	stop = live_one(t, "CONTAINER_STOP", 0);
	snprintf(path, sizeof(path), "/%s", t->id);
	EXPECT_STR(stop->container_stop->cgroup_path, path);
	EXPECT(!stop->container_stop->has_nested_cgroup);
	EXPECT_FIELD(stop->process, pid, (uint32_t)getpid());
	for (i = 0; i < t->event_cnt; i++)
		EXPECT(!t->events[i]->kernel_number ||
		       t->events[i]->boot_time_nano <= stop->boot_time_nano);
	EXPECT(live_one(t, "ACCOUNT", 0) == t->events[t->event_cnt - 1]);
	EXPECT_FIELD(live_one(t, "ACCOUNT", 0)->account, closed, 1);
	EXPECT_UINT(live_class(t, "container")->recorded, 2);
	EXPECT_UINT(live_class(t, "process")->recorded, live_count(t, "EXIT", 0));
}

static void stay(struct live *t, void *arg)
{
	(void)arg;
	__atomic_store_n(&t->shared->value[0], 1, __ATOMIC_RELEASE);
	pause();
}

/* A cgroup that has a process cannot be removed; the attempt is no stop. */
LIVE(container_stop_not_while_busy, LIVE_FIRST)
{
	pid_t pid = live_spawn(t, stay, NULL);

	while (!__atomic_load_n(&t->shared->value[0], __ATOMIC_ACQUIRE))
		usleep(1000);
	EXPECT(rmdir(t->cgroup) < 0 && errno == EBUSY);
	kill(pid, SIGTERM);
	EXPECT_UINT(live_wait(pid), SIGTERM);
	live_end(t);
	live_one(t, "CONTAINER_STOP", 0);
}

/* Many short ones at once: each has its own closed account. */
LIVE(container_stop_of_many, LIVE_FIRST)
{
	char id[8][65];
	uint64_t from = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(id); i++) {
		live_begin(t);
		from = i ? from : t->log_from;
		memcpy(id[i], t->id, sizeof(id[i]));
		live_do(t, nothing, NULL);
		MUST(rmdir(t->cgroup));
	}
	t->log_from = from;
	for (i = 0; i < ARRAY_SIZE(id); i++) {
		live_collect(t, id[i]);
		live_one(t, "CONTAINER_START", 0);
		live_one(t, "EXIT", 0);
		live_one(t, "CONTAINER_STOP", 0);
	}
}
