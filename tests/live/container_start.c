/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <sys/prctl.h>
#include <sys/stat.h>

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

/* "<prefix><id>.scope" as systemd drivers make it. */
static void scope_of(struct live *t, const char *prefix, const char *runtime)
{
	char name[128];

	live_new_id(t);
	snprintf(name, sizeof(name), "%s%s.scope", prefix, t->id);
	t->cgroup_id = live_make_cgroup(t, name, t->cgroup);
	live_end(t);
	EXPECT_STR(live_one(t, "CONTAINER_START", 0)->container->runtime, runtime);
	EXPECT_STR(live_one(t, "CONTAINER_STOP", 0)->container->id, t->id);
	EXPECT_STR(live_one(t, "CONTAINER_START", 0)->container_start->cgroup_path + 1, name);
}

LIVE(container_start_docker_scope, LIVE_FIRST)
{
	scope_of(t, "docker-", "docker");
}

LIVE(container_start_containerd_scope, LIVE_FIRST)
{
	scope_of(t, "cri-containerd-", "containerd");
}

LIVE(container_start_runc_scope, LIVE_FIRST)
{
	scope_of(t, "runc-", "runc");
}

/* Of a name that is no id: the runtimes that the sensor's own parser knows are so to the kernel
 * side. */
LIVE(container_start_scope_of_a_name, LIVE_FIRST)
{
	static const char *const runtimes[] = {"runc", "crun", "youki"};
	char id[21], name[64];

	live_new_id(t);
	snprintf(id, sizeof(id), "%.20s", t->id);
	for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++) {
		id[0] = 'g' + i;
		snprintf(name, sizeof(name), "%s-%s.scope", runtimes[i], id);
		t->cgroup_id = live_make_cgroup(t, name, t->cgroup);
		MUST(rmdir(t->cgroup));
		live_collect(t, id);
		EXPECT_FIELD(live_one(t, "CONTAINER_START", 0)->container, cgroup_id, t->cgroup_id);
	}
}

/* conmon's cgroup has an id in its name and is not the container; a name that only looks like one
 * neither, and no service, whatever it is called. */
LIVE(container_start_not_of_others, LIVE_FIRST)
{
	static const char *const forms[] = {
		"crio-conmon-%s.scope", "%.63s",      "%sg",	     "%s.slice",    "varve-live-x",
		"runc-%.20s.service",	"runc-%.20s", "runc-.scope", "youki-.scope"};
	char name[256], path[256], mount_path[258];
	size_t i, j;

	live_begin(t);
	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		snprintf(name, sizeof(name), forms[i], t->id);
		live_make_cgroup(t, name, path);
		MUST(rmdir(path));
	}
	live_end(t); /* it comes after them */
	t->log_from = 0;
	live_collect_all(t);
	for (j = 0; j < t->event_cnt; j++) {
		if (strcmp(t->events[j]->kind, "CONTAINER_START"))
			continue;
		for (i = 0; i < ARRAY_SIZE(forms); i++) {
			snprintf(name, sizeof(name), forms[i], t->id);
			snprintf(mount_path, sizeof(mount_path), "/%s", name);
			if (!strcmp(t->events[j]->container_start->cgroup_path, mount_path))
				FAIL("%s was taken for a container", name);
		}
	}
}

struct nested {
	char path[256];
};

static void run_nested(struct live *t, void *arg)
{
	struct nested *n = arg;

	(void)t;
	live_enter(n->path);
	_exit(7);
}

/* A cgroup within the container's: its events are the container's, and so is its account. */
LIVE(container_start_nested, LIVE_FIRST)
{
	Varve__V1__Event *start, *exit_ev;
	uint64_t inner_id;
	struct nested n;
	char name[128];
	pid_t pid;

	live_begin(t);
	snprintf(name, sizeof(name), "%s/inner", t->id);
	inner_id = live_make_cgroup(t, name, n.path);
	pid = live_spawn(t, run_nested, &n);
	EXPECT_UINT(live_wait(pid), 7 << 8);
	MUST(rmdir(n.path));
	live_end(t);
	EXPECT_UINT(live_count(t, "CONTAINER_START", 0), 2);
	start = live_nth(t, "CONTAINER_START", 0, 1);
	EXPECT_FIELD(start->container_start, nested_cgroup, 1);
	EXPECT_FIELD(start->kernel_number, cgroup_id, inner_id);
	EXPECT_FIELD(start->container, cgroup_id, t->cgroup_id);
	exit_ev = live_one(t, "EXIT", pid);
	EXPECT_FIELD(exit_ev->exit, code, 7);
	EXPECT_FIELD(exit_ev->kernel_number, cgroup_id, inner_id);
	EXPECT_UINT(live_count(t, "CONTAINER_STOP", 0), 2);
	EXPECT_FIELD(live_nth(t, "CONTAINER_STOP", 0, 0)->container_stop, nested_cgroup, 1);
	EXPECT(!live_nth(t, "CONTAINER_STOP", 0, 1)->container_stop->has_nested_cgroup);
	EXPECT_UINT(live_class(t, "container")->generated, 4);
}

/* Any name, if it is a runtime that makes it and the name is its last argument. */
LIVE_HELPER(make_cgroup_as_runtime)
{
	char path[512];

	prctl(PR_SET_NAME, "runc");
	snprintf(path, sizeof(path), "%s/%s", live_cgroup_mount(), arg);
	return mkdir(path, 0755) ? 1 : 0;
}

LIVE_HELPER(make_cgroup_as_anybody)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", live_cgroup_mount(), arg);
	return mkdir(path, 0755) ? 1 : 0;
}

static void named(struct live *t, const char *helper, char ret_name[64])
{
	char self[4096], path[256];
	pid_t pid;

	self[MUST(readlink("/proc/self/exe", self, sizeof(self) - 1))] = '\0';
	live_new_id(t);
	snprintf(ret_name, 64, "my.container-%.20s", t->id);
	/* Noted as the test's by making it once; that one is none. */
	live_make_cgroup(t, ret_name, path);
	MUST(rmdir(path));
	pid = MUST(fork());
	if (!pid) {
		execl(self, self, "--helper", helper, ret_name, NULL);
		_exit(1);
	}
	EXPECT_UINT(live_wait(pid), 0);
	MUST(rmdir(path));
}

LIVE(container_start_by_runtime, LIVE_FIRST)
{
	char name[64];

	named(t, "make_cgroup_as_runtime", name);
	live_collect(t, name);
	EXPECT_STR(live_one(t, "CONTAINER_START", 0)->container->id, name);
	EXPECT_STR(live_one(t, "CONTAINER_START", 0)->container->runtime, "runc");
	EXPECT_STR(live_one(t, "CONTAINER_START", 0)->process->name, "runc");
	live_one(t, "CONTAINER_STOP", 0);
}

LIVE(container_start_not_by_anybody, LIVE_FIRST)
{
	char name[64];
	size_t i;

	named(t, "make_cgroup_as_anybody", name);
	live_begin(t);
	live_end(t); /* it comes after */
	live_collect_all(t);
	EXPECT(t->event_cnt);
	for (i = 0; i < t->event_cnt; i++)
		EXPECT(strcmp(t->events[i]->stream, name));
}
