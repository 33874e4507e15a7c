/* SPDX-License-Identifier: Apache-2.0 */
/* A memory limit: of the container's own cgroup, or, where the v2 hierarchy has no memory
 * controller, of a v1 cgroup beside it. */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define V1    "/sys/fs/cgroup/memory"
#define LIMIT (16u << 20)

static bool write_file(const char *dir, const char *name, const char *text)
{
	_cleanup_close_ int fd = -1;
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* Where memory is short, and a place in it that is not the container's. */
struct limited {
	char top[256], outside[256];
	bool v2;
};

/* The test's children see it. */
static struct limited *limited_of(struct live *t)
{
	return (struct limited *)t->shared->text[0];
}

static void set_limit(const char *dir, const char *name)
{
	char limit[16];

	snprintf(limit, sizeof(limit), "%u", LIMIT);
	EXPECT(write_file(dir, name, limit));
}

/* The container, and a neighbour, below a cgroup with the limit. */
static void make_v2(struct live *t, struct limited *l)
{
	char name[160], top[80];

	snprintf(top, sizeof(top), "oom-%.12s", t->id);
	live_make_cgroup(t, top, l->top);
	EXPECT(write_file(l->top, "cgroup.subtree_control", "+memory"));
	set_limit(l->top, "memory.max");
	write_file(l->top, "memory.swap.max", "0"); /* if there is swap */
	snprintf(name, sizeof(name), "%s/outside", top);
	live_make_cgroup(t, name, l->outside);
	snprintf(name, sizeof(name), "%s/%s", top, t->id);
	t->cgroup_id = live_make_cgroup(t, name, t->cgroup);
}

/* The container, and a v1 memory cgroup for its process and others. */
static void make_v1(struct live *t, struct limited *l)
{
	t->cgroup_id = live_make_cgroup(t, t->id, t->cgroup);
	snprintf(l->top, sizeof(l->top), V1 "/%s", t->id);
	memcpy(t->shared->cgroup[t->shared->cgroup_cnt++], l->top, sizeof(l->top));
	MUST(mkdir(l->top, 0755));
	memcpy(l->outside, l->top, sizeof(l->outside));
	set_limit(l->top, "memory.limit_in_bytes");
	write_file(l->top, "memory.swappiness", "0");
}

static void make_limited(struct live *t)
{
	struct limited *l = limited_of(t);

	l->v2 = write_file(live_cgroup_mount(), "cgroup.subtree_control", "+memory");
	if (!l->v2 && access(V1 "/memory.limit_in_bytes", F_OK))
		live_skip("no memory controller, neither in the v2 hierarchy nor at " V1);
	live_new_id(t);
	if (l->v2)
		make_v2(t, l);
	else
		make_v1(t, l);
}

/* A process of the container's comes under the limit. */
static void enter_limited(struct live *t)
{
	struct limited *l = limited_of(t);

	if (!l->v2)
		live_enter(l->top);
}

/* How often the kernel has killed here, by its own count. */
static uint64_t kills(struct live *t)
{
	struct limited *l = limited_of(t);
	_cleanup_fclose_ FILE *f = NULL;
	char path[300], line[128];
	unsigned long long n;

	snprintf(path, sizeof(path), "%s/%s", l->top,
		 l->v2 ? "memory.events" : "memory.oom_control");
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "oom_kill %llu", &n) == 1)
			return n;
	}
	FAIL("%s has no count of kills", path);
}

static void touch(size_t bytes)
{
	char *at =
		MUST(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	memset(at, 1, bytes);
}

static void use_too_much(struct live *t, void *arg)
{
	(void)arg;
	enter_limited(t);
	touch(4 * LIMIT);
}

LIVE(oom_kill_of_itself, LIVE_FIRST)
{
	Varve__V1__Event *ev;
	int status;
	pid_t pid;

	make_limited(t);
	pid = live_spawn(t, use_too_much, NULL);
	status = live_wait(pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_UINT(kills(t), 1);
	live_end(t);
	ev = live_one(t, "OOM_KILL", 0);
	EXPECT_UINT(ev->process->pid, pid);
	EXPECT_STR(ev->kernel_number->event_class, "container");
	EXPECT_STR(ev->oom_kill->trigger->process_uid, ev->process->process_uid);
	EXPECT_FIELD(ev->oom_kill->trigger, cgroup_id, t->cgroup_id);
	EXPECT(ev->oom_kill->has_total_vm_bytes && ev->oom_kill->total_vm_bytes >= 4 * LIMIT);
	/* What it had before it came into the limited cgroup is charged elsewhere. */
	EXPECT(ev->oom_kill->has_anon_rss_bytes && ev->oom_kill->anon_rss_bytes > LIMIT / 2);
	EXPECT(ev->oom_kill->anon_rss_bytes < LIMIT + LIMIT / 4);
	EXPECT_FIELD(live_one(t, "EXIT", pid)->exit, signal, SIGKILL);
}

/* It fills most of the limit, and asks to be the first to go. */
static void be_large(struct live *t, void *arg)
{
	(void)arg;
	EXPECT(write_file("/proc/self", "oom_score_adj", "987"));
	enter_limited(t);
	touch(LIMIT / 4 * 3);
	t->shared->value[0] = 1;
	for (;;)
		pause();
}

/* One outside of the container asks for memory, one in it dies: the record is the container's. */
LIVE(oom_kill_for_another, LIVE_FIRST)
{
	pid_t victim, trigger;
	Varve__V1__Event *ev;
	int status;

	make_limited(t);
	victim = live_spawn(t, be_large, NULL);
	while (!t->shared->value[0])
		usleep(1000);
	trigger = MUST(fork());
	if (!trigger) {
		live_enter(limited_of(t)->outside);
		touch(LIMIT / 2);
		_exit(0);
	}
	status = live_wait(victim);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_UINT(live_wait(trigger), 0);
	EXPECT_UINT(kills(t), 1);
	live_end(t);
	ev = live_one(t, "OOM_KILL", 0);
	EXPECT_UINT(ev->process->pid, victim);
	EXPECT_STR(ev->container->id, t->id);
	EXPECT_UINT(ev->oom_kill->trigger->pid, trigger);
	EXPECT(ev->oom_kill->trigger->cgroup_id != t->cgroup_id);
	EXPECT(ev->oom_kill->has_oom_score_adj && ev->oom_kill->oom_score_adj == 987);
}
