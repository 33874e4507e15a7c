/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that make a mount in steps. By number, and with the kernel's values: libc may be older.
 */
#include "tests/live/mounts.h"
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define NR_OPEN_TREE	 428
#define NR_MOVE_MOUNT	 429
#define NR_FSOPEN	 430
#define NR_FSCONFIG	 431
#define NR_FSMOUNT	 432
#define NR_MOUNT_SETATTR 442

#define CLONE_TREE  1u	 /* OPEN_TREE_CLONE */
#define FROM_EMPTY  4u	 /* MOVE_MOUNT_F_EMPTY_PATH */
#define ATTR_RDONLY 1ull /* MOUNT_ATTR_RDONLY */
#define ATTR_NOSUID 2ull /* MOUNT_ATTR_NOSUID */
#define SET_STRING  1	 /* FSCONFIG_SET_STRING */
#define DO_CREATE   6	 /* FSCONFIG_CMD_CREATE */

struct attr {
	uint64_t set, clear, propagation, userns_fd;
};

static void make_dir(const struct live *t, const char *name, char path[300])
{
	snprintf(path, 300, "%s/%s", t->dir, name);
	MUST(mkdir(path, 0755));
}

static int new_mount(void)
{
	int fs = syscall(NR_FSOPEN, "tmpfs", 0);

	if (fs < 0)
		live_skip("fsopen: %s", strerror(errno));
	MUST(syscall(NR_FSCONFIG, fs, SET_STRING, "source", "some-source", 0));
	MUST(syscall(NR_FSCONFIG, fs, DO_CREATE, NULL, NULL, 0));
	return MUST(syscall(NR_FSMOUNT, fs, 1, ATTR_NOSUID));
}

static void in_steps(struct live *t, void *arg)
{
	struct mounts_line line;
	int fd;

	mounts_enter();
	fd = new_mount();
	t->shared->value[0] = fd;
	MUST(syscall(NR_MOVE_MOUNT, fd, "", AT_FDCWD, arg, FROM_EMPTY));
	EXPECT(mounts_find(arg, &line));
	strcpy(t->shared->text[0], line.type);
	strcpy(t->shared->text[1], line.source);
	EXPECT(syscall(NR_FSMOUNT, -1, 0, 0) < 0 && errno == EBADF);
	EXPECT(syscall(NR_MOVE_MOUNT, fd, "", AT_FDCWD, "/nowhere/at/all", FROM_EMPTY) < 0 &&
	       errno == ENOENT);
}

LIVE(mount_in_steps, LIVE_FIRST)
{
	Varve__V1__Mount *m;
	char path[300];
	pid_t pid;

	make_dir(t, "m", path);
	pid = live_do(t, in_steps, path);
	live_end(t);
	EXPECT_UINT(live_count(t, "MOUNT", 0), 5);
	m = live_nth(t, "MOUNT", pid, 1)->mount;
	EXPECT_STR(m->call, "fsmount");
	EXPECT_FIELD(m, flags, 1);
	EXPECT_FIELD(m, fd, t->shared->value[0]);
	EXPECT_FIELD(m, attributes_set, ATTR_NOSUID);
	EXPECT(!m->has_attributes_cleared && !m->target && !m->has_text_user_memory);
	EXPECT_STR(m->type, t->shared->text[0]);
	EXPECT_STR(m->source, t->shared->text[1]);
	m = live_nth(t, "MOUNT", pid, 2)->mount;
	EXPECT_STR(m->call, "move_mount");
	mounts_expect_place(m->target, path, path);
	EXPECT_FIELD(m, flags, FROM_EMPTY);
	EXPECT_STR(m->type, t->shared->text[0]);
	EXPECT_STR(m->source, t->shared->text[1]);
	EXPECT(!m->source_file || m->source_file->path_unreachable);
	EXPECT(!m->has_call_errno && !m->has_fd);
	m = live_nth(t, "MOUNT", pid, 3)->mount;
	EXPECT_FIELD(m, call_errno, EBADF);
	EXPECT(!m->has_fd && !m->type);
	m = live_nth(t, "MOUNT", pid, 4)->mount;
	EXPECT_FIELD(m, call_errno, ENOENT);
	EXPECT_STR(m->target->path, "/nowhere/at/all");
}

static void cloned(struct live *t, void *arg)
{
	int dir, fd;

	(void)arg;
	mounts_enter();
	dir = MUST(open(t->dir, O_PATH | O_DIRECTORY | O_CLOEXEC));
	fd = syscall(NR_OPEN_TREE, dir, "a", CLONE_TREE);
	if (fd < 0)
		live_skip("open_tree: %s", strerror(errno));
	t->shared->value[0] = fd;
	MUST(syscall(NR_OPEN_TREE, dir, "a", 0)); /* a handle only */
	MUST(syscall(NR_MOVE_MOUNT, fd, "", dir, "b", FROM_EMPTY));
	MUST(faccessat(dir, "b/inside", F_OK, 0));
	/* From where it is mounted now to another place. */
	MUST(syscall(NR_MOVE_MOUNT, dir, "b", dir, "c", 0));
	MUST(faccessat(dir, "c/inside", F_OK, 0));
	EXPECT(syscall(NR_OPEN_TREE, dir, "none", CLONE_TREE) < 0 && errno == ENOENT);
}

LIVE(mount_of_clone, LIVE_FIRST)
{
	char a[300], b[300], c[300], inside[300];
	Varve__V1__Mount *m;
	pid_t pid;

	make_dir(t, "a", a);
	make_dir(t, "a/inside", inside);
	make_dir(t, "b", b);
	make_dir(t, "c", c);
	pid = live_do(t, cloned, NULL);
	live_end(t);
	EXPECT_UINT(live_count(t, "MOUNT", 0), 5);
	m = live_nth(t, "MOUNT", pid, 1)->mount;
	EXPECT_STR(m->call, "open_tree");
	EXPECT_STR(m->source_file->path, a);
	EXPECT_FIELD(m, flags, CLONE_TREE);
	EXPECT_FIELD(m, fd, t->shared->value[0]);
	EXPECT(m->type && m->source);
	mounts_expect_place(live_nth(t, "MOUNT", pid, 2)->mount->target, b, b);
	m = live_nth(t, "MOUNT", pid, 3)->mount;
	EXPECT_STR(m->call, "move_mount");
	mounts_expect_place(m->source_file, b, b);
	mounts_expect_place(m->target, c, c);
	m = live_nth(t, "MOUNT", pid, 4)->mount;
	EXPECT_FIELD(m, call_errno, ENOENT);
	EXPECT(!m->has_fd);
}

static void changed(struct live *t, void *arg)
{
	struct attr attr = {.set = ATTR_RDONLY, .clear = ATTR_NOSUID, .propagation = MS_PRIVATE};

	(void)t;
	mounts_enter();
	MUST(mount("s", arg, "tmpfs", MS_NOSUID, NULL));
	if (syscall(NR_MOUNT_SETATTR, AT_FDCWD, arg, 0, &attr, sizeof(attr)))
		live_skip("mount_setattr: %s", strerror(errno));
	MUST(chdir(arg));
	EXPECT(mkdir("x", 0755) < 0 && errno == EROFS);
	EXPECT(syscall(NR_MOUNT_SETATTR, AT_FDCWD, arg, 0, NULL, sizeof(attr)) < 0 &&
	       errno == EFAULT);
}

LIVE(mount_attributes, LIVE_FIRST)
{
	Varve__V1__Mount *m;
	char path[300];
	pid_t pid;

	make_dir(t, "m", path);
	pid = live_do(t, changed, path);
	live_end(t);
	m = live_nth(t, "MOUNT", pid, 2)->mount;
	EXPECT_STR(m->call, "mount_setattr");
	EXPECT_STR(m->target->path, path);
	EXPECT_FIELD(m, attributes_set, ATTR_RDONLY);
	EXPECT_FIELD(m, attributes_cleared, ATTR_NOSUID);
	EXPECT_FIELD(m, propagation, MS_PRIVATE);
	EXPECT_FIELD(m, flags, 0);
	EXPECT(!m->has_fd && !m->has_call_errno);
	m = live_nth(t, "MOUNT", pid, 3)->mount;
	EXPECT_FIELD(m, call_errno, EFAULT);
	EXPECT(!m->has_attributes_set);
}
