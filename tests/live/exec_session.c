/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void nothing(struct live *t, void *arg)
{
	(void)t;
	(void)arg;
}

/* The id of this process's own cgroup, by /proc: "NUMBER:CONTROLLERS:PATH". */
static uint64_t own_cgroup_id(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/cgroup", "re");
	const char *want = live_cgroup_is_v1() ? live_cgroup_hierarchy() : "";
	char line[512], full[800], *at, *controllers, *path;
	struct stat st;

	while (f && fgets(line, sizeof(line), f)) {
		at = line;
		strsep(&at, ":");
		controllers = strsep(&at, ":");
		path = strsep(&at, "\n");
		if (!path || strcmp(controllers, want))
			continue;
		snprintf(full, sizeof(full), "%s%s", live_cgroup_mount(), path);
		MUST(stat(full, &st));
		return st.st_ino;
	}
	FAIL("this process has no cgroup in the hierarchy");
}

static uint64_t own_namespace(const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	MUST(stat(path, &st));
	return st.st_ino;
}

/* This program's arguments joined by spaces, by /proc. */
static void own_cmd_line(char *line, size_t size)
{
	int fd = MUST(open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
	ssize_t i, n = MUST(read(fd, line, size));

	close(fd);
	for (i = 0; i < n - 1; i++) {
		if (!line[i])
			line[i] = ' ';
	}
}

/* The first to come in is the container's own; the second comes by itself. */
LIVE(exec_session_second, LIVE_FIRST)
{
	Varve__V1__Event *ev;
	char line[2048];
	pid_t second;

	live_do(t, nothing, NULL);
	second = live_do(t, nothing, NULL);
	live_end(t);
	ev = live_one(t, "EXEC_SESSION", 0);
	EXPECT_UINT(ev->process->pid, second);
	EXPECT_STR(ev->exec_session->how, "moved");
	EXPECT(!ev->exec_session->by && !ev->exec_session->has_from_cgroup_id);
	own_cmd_line(line, sizeof(line));
	EXPECT_STR(ev->exec_session->by_cmd_line, line);
	EXPECT_FIELD(ev->exec_session->namespaces, mnt, own_namespace("mnt"));
	EXPECT_FIELD(ev->exec_session->namespaces, pid, own_namespace("pid"));
	EXPECT_FIELD(ev->kernel_number, cgroup_id, t->cgroup_id);
	EXPECT_STR(ev->process->process_uid, live_one(t, "EXIT", second)->process->process_uid);
}

/* A process that waits for the end of its standard input, and where to write so. */
static pid_t start_waiting(int *ret_fd)
{
	int fds[2];
	char byte;
	pid_t pid;

	MUST(pipe(fds));
	pid = MUST(fork());
	if (!pid) {
		close(fds[1]);
		_exit(read(fds[0], &byte, 1) ? 1 : 0);
	}
	close(fds[0]);
	*ret_fd = fds[1];
	return pid;
}

/* Moved by another process, twice to the same place; then out, and back in. */
LIVE(exec_session_moved, LIVE_FIRST)
{
	Varve__V1__Event *ev;
	char name[80], outside[256];
	pid_t pid;
	int fd;

	live_do(t, nothing, NULL);
	snprintf(name, sizeof(name), "%s-outside", t->id);
	live_make_cgroup(t, name, outside);
	pid = start_waiting(&fd);
	live_move(pid, t->cgroup);
	live_move(pid, t->cgroup);
	live_move(pid, outside);
	live_move(pid, t->cgroup);
	close(fd);
	EXPECT_UINT(live_wait(pid), 0);
	MUST(rmdir(outside));
	live_end(t);
	EXPECT_UINT(live_count(t, "EXEC_SESSION", 0), 2);
	ev = live_nth(t, "EXEC_SESSION", pid, 0);
	EXPECT_STR(ev->exec_session->how, "moved");
	EXPECT_UINT(ev->exec_session->by->pid, getpid());
	EXPECT_STR(ev->exec_session->by->process_uid, ev->process->parent->process_uid);
	EXPECT_FIELD(ev->exec_session->by, cgroup_id, own_cgroup_id());
	live_nth(t, "EXEC_SESSION", pid, 1);
}

static pid_t clone_into(const char *cgroup)
{
	_cleanup_close_ int fd = MUST(open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = fd};
	pid_t pid;

	live_needs_v2("clone into a cgroup");
	pid = MUST((pid_t)syscall(SYS_clone3, &args, sizeof(args)));
	if (!pid)
		_exit(0);
	return pid;
}

/* Made in the container: the first one is its own, the second is not. */
LIVE(exec_session_cloned, LIVE_FIRST)
{
	Varve__V1__Event *ev;
	pid_t first, second;

	live_begin(t);
	first = clone_into(t->cgroup);
	EXPECT_UINT(live_wait(first), 0);
	second = clone_into(t->cgroup);
	EXPECT_UINT(live_wait(second), 0);
	live_end(t);
	live_one(t, "FORK", first);
	live_one(t, "FORK", second);
	ev = live_one(t, "EXEC_SESSION", 0);
	EXPECT_UINT(ev->process->pid, second);
	EXPECT_STR(ev->exec_session->how, "cloned");
	EXPECT_UINT(ev->exec_session->by->pid, getpid());
	EXPECT_FIELD(ev->exec_session, from_cgroup_id, own_cgroup_id());
}

/* As a service manager does: it and its children move between cgroups of their container. */
static void rearrange(struct live *t, void *arg)
{
	char *inner = arg;
	pid_t pid;
	int fd;

	pid = start_waiting(&fd);
	live_move(pid, inner);
	close(fd);
	EXPECT_UINT(live_wait(pid), 0);
	pid = clone_into(inner);
	EXPECT_UINT(live_wait(pid), 0);
	pid = MUST(fork());
	if (!pid) {
		live_enter(inner);
		_exit(0);
	}
	EXPECT_UINT(live_wait(pid), 0);
	live_enter(inner);
	live_enter(t->cgroup);
}

LIVE(exec_session_not_within, LIVE_FIRST)
{
	char name[128], inner[256];

	live_begin(t);
	snprintf(name, sizeof(name), "%s/inner", t->id);
	live_make_cgroup(t, name, inner);
	live_do(t, rearrange, inner);
	MUST(rmdir(inner));
	live_end(t);
	EXPECT_UINT(live_count(t, "FORK", 0), 3);
	EXPECT_UINT(live_count(t, "EXEC_SESSION", 0), 0);
}

/* Into a cgroup within the container's, from outside of the container. */
LIVE(exec_session_nested, LIVE_FIRST)
{
	char name[128], inner[256];
	Varve__V1__Event *ev;
	uint64_t inner_id;
	pid_t pid;
	int fd;

	live_do(t, nothing, NULL);
	snprintf(name, sizeof(name), "%s/inner", t->id);
	inner_id = live_make_cgroup(t, name, inner);
	pid = start_waiting(&fd);
	live_move(pid, inner);
	close(fd);
	EXPECT_UINT(live_wait(pid), 0);
	MUST(rmdir(inner));
	live_end(t);
	ev = live_one(t, "EXEC_SESSION", pid);
	EXPECT_FIELD(ev->kernel_number, cgroup_id, inner_id);
	EXPECT_FIELD(ev->container, cgroup_id, t->cgroup_id);
}

/* --- how each process came in */

static void fork_and_wait(struct live *t, void *arg)
{
	pid_t pid = MUST(fork());

	(void)t;
	(void)arg;
	if (!pid)
		_exit(0);
	live_wait(pid);
}

static void expect_entry(struct live *t, const char *how, pid_t came)
{
	const char *uid = live_one(t, "EXIT", came)->process->process_uid;
	size_t i, found = 0;

	for (i = 0; i < t->event_cnt; i++) {
		const Varve__V1__Process *p = t->events[i]->process;

		if (!p ||
		    (p->pid != (uint32_t)came && !(p->parent && p->parent->pid == (uint32_t)came)))
			continue;
		EXPECT(p->entry);
		EXPECT_STR(p->entry->how, how);
		EXPECT_STR(p->entry->process_uid, uid);
		found++;
	}
	EXPECT(found >= 3); /* of two processes, FORK and EXIT at least of the second */
}

/* The first one and its child, then one from outside and its child. */
LIVE(exec_session_entry, LIVE_FIRST)
{
	pid_t first = live_do(t, fork_and_wait, NULL), second = live_do(t, fork_and_wait, NULL);

	live_end(t);
	expect_entry(t, "entrypoint", first);
	expect_entry(t, "session", second);
}
