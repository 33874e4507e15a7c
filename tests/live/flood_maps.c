/* SPDX-License-Identifier: Apache-2.0 */
/* More cgroups than the maps have room for: said so, and made good once there is room again. */
#include "tests/live/account.h"
#include <fcntl.h>

#define NESTED_CNT 40
#define SCOPE_MAX  32 /* twice the limit below */

static const char *const smallest[] = {"--container-limit", "16", "--heartbeat", "100ms", NULL};

static void end_in(const char *cgroup)
{
	pid_t pid = MUST(fork());

	if (!pid) {
		live_enter(cgroup);
		_exit(0);
	}
	EXPECT_UINT(live_wait(pid), 0);
}

static void fill_maps(struct live *t, void *arg)
{
	char name[128], path[256];
	int i;

	(void)arg;
	for (i = 0; i < NESTED_CNT; i++) {
		snprintf(name, sizeof(name), "%s/%d", t->id, i);
		live_make_cgroup(t, name, path);
		end_in(path);
	}
}

static void remove_nested(struct live *t)
{
	size_t i;

	/* First is the container's own; the last is the other's. */
	for (i = 1; i <= NESTED_CNT; i++)
		MUST(rmdir(t->shared->cgroup[i]));
}

/* Container events of none, lost for want of room. */
static uint64_t starts_lost(struct live *t)
{
	uint64_t lost = 0;
	size_t i;

	live_collect_all(t);
	for (i = 0; i < t->event_cnt; i++) {
		const Varve__V1__Event *ev = t->events[i];

		if (ev->body_case != VARVE__V1__EVENT__BODY_LOSS || !ev->loss->event_class ||
		    strcmp(ev->loss->event_class, "container"))
			continue;
		EXPECT_STR(ev->loss->cause, "map_full");
		EXPECT_STR(ev->stream, "node");
		EXPECT(!ev->container);
		lost += ev->loss->count;
	}
	return lost;
}

static void run_program(struct live *t, void *arg)
{
	(void)t;
	execl(arg, arg, NULL);
	FAIL("execl: %s", strerror(errno));
}

static void expect_other(struct live *t, pid_t pid)
{
	Varve__V1__Event *start, *exec;

	live_end(t);
	start = live_one(t, "CONTAINER_START", 0);
	EXPECT_FIELD(start->container_start, from_snapshot, 1);
	exec = live_one(t, "EXEC", pid);
	EXPECT_STR(exec->container->id, t->id);
	EXPECT_FIELD(exec->container, cgroup_id, t->cgroup_id);
	live_one(t, "EXIT", pid);
	live_one(t, "CONTAINER_STOP", 0);
}

/* The maps are still full when the sensor first looks for what it missed, which it does every 5 s.
 */
LIVE_TIMEOUT(flood_of_cgroups, LIVE_OWN, 90)
{
	char first_id[65], first[256], program[300];
	pid_t pid;

	snprintf(program, sizeof(program), "%s/program", t->dir);
	account_write_program(program);
	dup2(MUST(open("/dev/null", O_RDONLY | O_CLOEXEC)), STDIN_FILENO);
	live_own_sensor(t, smallest);
	live_do(t, fill_maps, NULL);
	memcpy(first_id, t->id, sizeof(first_id));
	memcpy(first, t->cgroup, sizeof(first));
	live_begin(t);
	t->log_from = 0;
	sleep(7);
	/* The two containers and the nested ones, less what there was room for. */
	EXPECT(starts_lost(t) >= 2 + NESTED_CNT - SCOPE_MAX);
	remove_nested(t);
	sleep(7);
	pid = live_spawn(t, run_program, program);
	EXPECT_UINT(live_wait(pid), ACCOUNT_PROGRAM_CODE << 8);
	expect_other(t, pid);
	MUST(rmdir(first));
	live_collect(t, first_id);
	EXPECT(live_count(t, "CONTAINER_START", 0) >= 2);
	live_sensor_stop(t->sensor);
}
