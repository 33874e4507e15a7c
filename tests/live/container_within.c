/* SPDX-License-Identifier: Apache-2.0 */
/* What a container makes of cgroups stays the container's, whatever names it gives them. */
#include "tests/live/account.h"
#include <fcntl.h>

struct inner {
	char name[256]; /* of its cgroup, below the mount */
	char parent[256], path[256];
	char id[65];
	char program[300];
	uint64_t cgroup_id;
};

/* Random, and so of nobody else. */
static void inner_id(struct live *t, struct inner *in)
{
	struct live other = {.sensor = t->sensor, .shared = t->shared};

	live_new_id(&other);
	memcpy(in->id, other.id, sizeof(in->id));
	snprintf(in->program, sizeof(in->program), "%s/program", t->dir);
	account_write_program(in->program);
	dup2(MUST(open("/dev/null", O_RDONLY | O_CLOEXEC)), STDIN_FILENO);
}

static void make_and_run(struct live *t, void *arg)
{
	struct inner *in = arg;

	if (in->parent[0])
		live_make_cgroup(t, in->parent, in->path);
	t->shared->value[0] = live_make_cgroup(t, in->name, in->path);
	live_enter(in->path);
	execl(in->program, in->program, NULL);
	FAIL("execl: %s", strerror(errno));
}

static void expect_no_container(struct live *t, const char *id)
{
	size_t i;

	live_collect_all(t);
	for (i = 0; i < t->event_cnt; i++) {
		const Varve__V1__Event *ev = t->events[i];

		if (!strcmp(ev->stream, id) || (ev->container && !strcmp(ev->container->id, id)))
			FAIL("%s was taken for a container of its own", ev->kind);
	}
}

static void expect_outer(struct live *t, struct inner *in, pid_t pid, size_t starts)
{
	Varve__V1__Event *start, *exec;

	live_end(t);
	EXPECT_UINT(live_count(t, "CONTAINER_START", 0), starts);
	start = live_nth(t, "CONTAINER_START", pid, starts - 2);
	EXPECT_FIELD(start->container_start, nested_cgroup, 1);
	EXPECT_STR(start->container_start->cgroup_path + 1, in->name);
	EXPECT_FIELD(start->kernel_number, cgroup_id, t->shared->value[0]);
	EXPECT_FIELD(start->container, cgroup_id, t->cgroup_id);
	exec = live_one(t, "EXEC", pid);
	EXPECT_STR(exec->container->id, t->id);
	EXPECT_FIELD(exec->container, cgroup_id, t->cgroup_id);
	EXPECT_FIELD(exec->kernel_number, cgroup_id, t->shared->value[0]);
	live_one(t, "EXIT", pid);
	expect_no_container(t, in->id);
}

/* Named as Kubernetes names a pod's container. */
LIVE_TIMEOUT(container_within_of_hex_name, LIVE_FIRST, 60)
{
	struct inner in = {};
	pid_t pid;

	inner_id(t, &in);
	live_begin(t);
	snprintf(in.parent, sizeof(in.parent), "%s/pod3f0c1de2-56ab-4c87-9d10-2b4c6d8e0f12", t->id);
	EXPECT(snprintf(in.name, sizeof(in.name), "%.180s/%s", in.parent, in.id) < 250);
	pid = live_spawn(t, make_and_run, &in);
	EXPECT_UINT(live_wait(pid), ACCOUNT_PROGRAM_CODE << 8);
	MUST(rmdir(t->shared->cgroup[2]));
	MUST(rmdir(t->shared->cgroup[1]));
	expect_outer(t, &in, pid, 3);
}

/* Not below its own cgroup: by its name and place it would be a container like any other. */
LIVE_TIMEOUT(container_within_made_elsewhere, LIVE_FIRST, 60)
{
	struct inner in = {};
	pid_t pid;

	inner_id(t, &in);
	live_begin(t);
	snprintf(in.name, sizeof(in.name), "%s", in.id);
	pid = live_spawn(t, make_and_run, &in);
	EXPECT_UINT(live_wait(pid), ACCOUNT_PROGRAM_CODE << 8);
	MUST(rmdir(t->shared->cgroup[1]));
	expect_outer(t, &in, pid, 2);
}

/* --- "x (deleted)" is how the kernel shows a removed directory, and a name like any other */

static void run_in(struct live *t, void *arg)
{
	struct inner *in = arg;

	(void)t;
	if (in->path[0])
		live_enter(in->path);
	execl(in->program, in->program, NULL);
	FAIL("execl: %s", strerror(errno));
}

static pid_t run(struct live *t, struct inner *in)
{
	pid_t pid = live_spawn(t, run_in, in);

	EXPECT_UINT(live_wait(pid), ACCOUNT_PROGRAM_CODE << 8);
	return pid;
}

static void make_deleted(struct live *t, struct inner *in)
{
	char name[256], path[256];

	snprintf(name, sizeof(name), "varve-live-%.16s (deleted)", in->id);
	live_make_cgroup(t, name, path);
	live_new_id(t);
	snprintf(name, sizeof(name), "varve-live-%.16s (deleted)/%s", in->id, t->id);
	t->cgroup_id = live_make_cgroup(t, name, t->cgroup);
	snprintf(in->parent, sizeof(in->parent), "%.180s/x (deleted)", name);
	live_make_cgroup(t, in->parent, path);
	EXPECT(snprintf(in->name, sizeof(in->name), "%.220s/inner", in->parent) < 250);
	in->cgroup_id = live_make_cgroup(t, in->name, in->path);
}

static void expect_exec_in(struct live *t, pid_t pid, uint64_t cgroup_id)
{
	Varve__V1__Event *ev = live_one(t, "EXEC", pid);

	EXPECT_STR(ev->container->id, t->id);
	EXPECT_FIELD(ev->kernel_number, cgroup_id, cgroup_id);
	live_one(t, "EXIT", pid);
}

/* The container lies below one, and one lies in it. The sensor looks every 5 s for what has gone.
 */
LIVE_TIMEOUT(container_within_deleted_name, LIVE_FIRST, 60)
{
	struct inner in = {}, own;
	pid_t before, nested, outer;

	inner_id(t, &in);
	make_deleted(t, &in);
	own = in;
	own.path[0] = '\0';
	before = run(t, &in); /* so that the inner cgroup has numbers that could be closed */
	sleep(7);
	nested = run(t, &in);
	outer = run(t, &own);
	MUST(rmdir(t->shared->cgroup[3]));
	MUST(rmdir(t->shared->cgroup[2]));
	live_end(t); /* up to the first closed account; it comes after all this */
	MUST(rmdir(t->shared->cgroup[0]));
	expect_exec_in(t, before, in.cgroup_id);
	expect_exec_in(t, nested, in.cgroup_id);
	expect_exec_in(t, outer, t->cgroup_id);
	EXPECT_UINT(live_count(t, "CONTAINER_STOP", 0), 3);
}
