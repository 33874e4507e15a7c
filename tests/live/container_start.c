/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"

LIVE(container_start_of_hex_name, LIVE_FIRST)
{
	char path[80];
	Varve__V1__Event *ev;

	live_begin(t);
	live_end(t);
	ev = live_one(t, "CONTAINER_START", 0);
	EXPECT(ev == t->events[0]);
	snprintf(path, sizeof(path), "/%s", t->id);
	EXPECT_STR(ev->container_start->cgroup_path, path);
	EXPECT_STR(ev->container->id, t->id);
	EXPECT_FIELD(ev->container, cgroup_id, t->cgroup_id);
	EXPECT(!ev->container_start->has_nested_cgroup && !ev->container_start->has_from_snapshot);
	EXPECT_FIELD(ev->process, pid, (uint32_t)getpid());
	EXPECT_FIELD(ev->process, uid, 0);
	EXPECT_FIELD(ev->kernel_number, cgroup_id, t->cgroup_id);
}
