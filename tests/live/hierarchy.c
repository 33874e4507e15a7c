/* SPDX-License-Identifier: Apache-2.0 */
/* A container that has no cgroup in the hierarchy that the sensor takes is not seen: which it says.
 */
#include "tests/live/harness.h"
#include <mntent.h>
#include <signal.h>
#include <sys/stat.h>

/* Of the hierarchy that is not the sensor's. */
static void find_other(char ret_dir[128])
{
	bool v2 = live_cgroup_is_v1();
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;

	EXPECT(f);
	ret_dir[0] = '\0';
	while (!ret_dir[0] && (m = getmntent(f))) {
		if (v2 ? !strcmp(m->mnt_type, "cgroup2")
		       : !strcmp(m->mnt_type, "cgroup") && hasmntopt(m, "pids"))
			snprintf(ret_dir, 128, "%s", m->mnt_dir);
	}
	endmntent(f);
	if (!ret_dir[0])
		live_skip("one cgroup hierarchy only is mounted");
}

static bool excludes_others(const Varve__V1__Event *ev)
{
	const Varve__V1__Coverage *c = ev->coverage;

	for (size_t i = 0; i < c->n_exclusions; i++)
		if (strstr(c->exclusions[i], "another hierarchy only"))
			return true;
	return false;
}

/* A second COVERAGE says so, and the first does not. */
LIVE(hierarchy_beside, LIVE_OWN)
{
	static const char *const args[] = {"--heartbeat", "500ms", NULL};
	char dir[128], *path = t->shared->cgroup[0];
	unsigned int tries;

	find_other(dir);
	live_own_sensor(t, args);
	live_new_id(t);
	snprintf(path, sizeof(t->shared->cgroup[0]), "%s/%s", dir, t->id);
	t->shared->cgroup_cnt = 1;
	MUST(mkdir(path, 0755));
	t->log_from = 0;
	for (tries = 0; tries < 100 * live_slow(); tries++) {
		usleep(200000);
		live_collect_all(t);
		if (live_count(t, "COVERAGE", 0) == 2)
			break;
	}
	MUST(rmdir(path));
	live_sensor_stop(t->sensor);
	live_collect_all(t);
	/* Somebody else's container may be there already. */
	if (excludes_others(live_nth(t, "COVERAGE", 0, 0)))
		live_skip("containers of others have cgroups in %s only", dir);
	EXPECT_UINT(live_count(t, "COVERAGE", 0), 2);
	EXPECT(excludes_others(live_nth(t, "COVERAGE", 0, 1)));
}
