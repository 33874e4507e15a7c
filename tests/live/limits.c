/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At and beyond the limits: names as long as the kernel takes and longer, many components,
 * directories that are gone, mounted twice, unmounted or outside of the root; addresses of any
 * length.
 */
#include "tests/live/account.h"
#include "tests/live/network.h"
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>

#define NAME_LEN 4095 /* PATH_MAX without its NUL */

static Varve__V1__File *unlinked(struct live *t, pid_t pid, size_t n, int err)
{
	Varve__V1__Unlink *ev = live_nth(t, "UNLINK", pid, n)->unlink;

	EXPECT_UINT(ev->has_call_errno ? ev->call_errno : 0, err);
	return ev->file;
}

static Varve__V1__File *opened(struct live *t, pid_t pid, size_t n, int err)
{
	Varve__V1__Open *ev = live_nth(t, "OPEN", pid, n)->open;

	EXPECT_UINT(ev->has_call_errno ? ev->call_errno : 0, err);
	return ev->file;
}

/* --- names */

/* begin, then components of 200 letters, len bytes in all. */
static void long_name(char *ret, const char *begin, size_t len)
{
	size_t i, n = strlen(begin);

	memcpy(ret, begin, n);
	for (i = n; i < len; i++)
		ret[i] = (i - n) % 201 ? 'a' + i % 26 : '/';
	if (ret[len - 1] == '/')
		ret[len - 1] = 'x';
	ret[len] = '\0';
}

static void long_names(struct live *t, void *arg)
{
	char *name = t->shared->text[0], *other = t->shared->text[1];

	(void)arg;
	long_name(name, "/nowhere", NAME_LEN);
	long_name(other, "/nothing", NAME_LEN);
	EXPECT(unlink(name) < 0 && errno == ENOENT);
	EXPECT(rename(name, other) < 0 && errno == ENOENT);
	EXPECT(open(name, O_WRONLY) < 0 && errno == ENOENT);
	long_name(other, "/nothing", NAME_LEN + 1);
	EXPECT(unlink(other) < 0 && errno == ENAMETOOLONG);
	long_name(other, "/nothing", NAME_LEN);
}

/* The longest that the kernel takes is whole; one that it does not take is not there. */
LIVE(limits_of_names, LIVE_FIRST)
{
	const char *name = t->shared->text[0], *other = t->shared->text[1];
	pid_t pid = live_do(t, long_names, NULL);
	const Varve__V1__Rename *ren;
	const Varve__V1__File *file;

	live_end(t);
	EXPECT_UINT(strlen(name), NAME_LEN);
	EXPECT_STR(unlinked(t, pid, 0, ENOENT)->path, name);
	ren = live_one(t, "RENAME", pid)->rename;
	EXPECT_STR(ren->old_file->path, name);
	EXPECT_STR(ren->new_file->path, other);
	EXPECT_STR(opened(t, pid, 0, ENOENT)->path, name);
	EXPECT(!ren->old_file->has_path_length && !ren->new_file->has_path_length);
	file = unlinked(t, pid, 1, ENAMETOOLONG);
	EXPECT(!file || !file->path);
}

/* Below the test's directory, until the path has len bytes or a few less. */
static void go_deep(char *path, size_t len)
{
	size_t n = strlen(path);

	MUST(chdir(path));
	while (n + 5 <= len) {
		MUST(mkdir("dddd", 0755));
		MUST(chdir("dddd"));
		n += sprintf(path + n, "/dddd");
	}
}

static void both_long(struct live *t, void *arg)
{
	char *dir = t->shared->text[0], *name = t->shared->text[1];

	(void)arg;
	strcpy(dir, t->dir);
	go_deep(dir, 4000);
	long_name(name, "nowhere", NAME_LEN);
	EXPECT(rename(name, name) < 0 && errno == ENOENT);
	strcpy(t->shared->text[2], dir);
	while (strlen(dir) < 5000) {
		MUST(mkdir("eeee", 0755));
		MUST(chdir("eeee"));
		strcat(dir, "/eeee");
	}
	EXPECT(unlink("missing") < 0 && errno == ENOENT);
}

/* A long name in a long directory is whole, too; of a longer directory the last part is there. */
LIVE(limits_of_names_in_deep_directory, LIVE_FIRST)
{
	char *dir = t->shared->text[0], *name = t->shared->text[1], *whole = t->shared->text[3];
	pid_t pid = live_do(t, both_long, NULL);
	const Varve__V1__Rename *ren;
	const Varve__V1__File *file;

	live_end(t);
	snprintf(whole, 2 * sizeof(t->shared->text[0]), "%s/%s", t->shared->text[2], name);
	ren = live_one(t, "RENAME", pid)->rename;
	EXPECT_STR(ren->old_file->path, whole);
	EXPECT_STR(ren->new_file->path, whole);
	file = unlinked(t, pid, 0, ENOENT);
	strcat(dir, "/missing");
	EXPECT_FIELD(file, path_length, strlen(dir));
	EXPECT(strlen(file->path) >= 4096);
	EXPECT_STR(file->path, dir + strlen(dir) - strlen(file->path));
}

static void many_components(struct live *t, void *arg)
{
	char *path = t->shared->text[0], link[64];
	size_t i, n = sprintf(path, "%s", t->dir);
	int fd;

	(void)arg;
	for (i = 0; i < 300; i++) {
		n += sprintf(path + n, "/%c", 'a' + (int)(i % 26));
		MUST(mkdir(path, 0755));
	}
	sprintf(path + n, "/file");
	fd = MUST(open(path, O_WRONLY | O_CREAT, 0600));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	MUST(readlink(link, t->shared->text[1], sizeof(t->shared->text[1]) - 1));
	MUST(unlink(path));
}

LIVE(limits_of_components, LIVE_FIRST)
{
	pid_t pid = live_do(t, many_components, NULL);

	live_end(t);
	EXPECT_STR(t->shared->text[1], t->shared->text[0]);
	EXPECT_STR(opened(t, pid, 0, 0)->path, t->shared->text[1]);
	EXPECT_STR(unlinked(t, pid, 0, 0)->path, t->shared->text[1]);
}

/* --- directories */

static void in_deleted(struct live *t, void *arg)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/gone", t->dir);
	MUST(mkdir(path, 0755));
	MUST(chdir(path));
	MUST(rmdir(path));
	EXPECT(open("x", O_WRONLY | O_CREAT, 0600) < 0 && errno == ENOENT);
	EXPECT(unlink("x") < 0 && errno == ENOENT);
	MUST(open(".", O_RDONLY | O_DIRECTORY));
	(void)arg;
}

LIVE(limits_of_deleted_directory, LIVE_FIRST)
{
	pid_t pid = live_do(t, in_deleted, NULL);
	const Varve__V1__File *file;
	char path[300];

	live_end(t);
	snprintf(path, sizeof(path), "%s/gone/x", t->dir);
	EXPECT_STR(opened(t, pid, 0, ENOENT)->path, path);
	EXPECT_STR(unlinked(t, pid, 0, ENOENT)->path, path);
	file = opened(t, pid, 1, 0);
	snprintf(path, sizeof(path), "%s/gone", t->dir);
	EXPECT_STR(file->path, path);
	EXPECT_FIELD(file, unlinked, 1);
}

static void own_mounts(void)
{
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

/* value[n]: the inode; text[n]: the kernel's own word of where it is. */
static void make_noted(struct live *t, int n, int dir_fd, const char *name)
{
	int fd = MUST(openat(dir_fd, name, O_WRONLY | O_CREAT, 0600));
	struct stat st;
	char link[64];

	MUST(fstat(fd, &st));
	t->shared->value[n] = st.st_ino;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	MUST(readlink(link, t->shared->text[n], sizeof(t->shared->text[n]) - 1));
}

static void through_bind(struct live *t, void *arg)
{
	(void)arg;
	own_mounts();
	MUST(chdir(t->dir));
	MUST(mkdir("origin", 0755) | mkdir("here", 0755));
	MUST(mount("origin", "here", NULL, MS_BIND, NULL));
	make_noted(t, 0, AT_FDCWD, "origin/file");
	make_noted(t, 1, AT_FDCWD, "here/file");
	MUST(chdir("here"));
	MUST(unlink("file"));
}

/* One file by two ways: the way that was taken. */
LIVE(limits_of_bind_mount, LIVE_FIRST)
{
	pid_t pid = live_do(t, through_bind, NULL);
	const Varve__V1__File *file;
	char path[300];
	int i;

	live_end(t);
	EXPECT_UINT(t->shared->value[0], t->shared->value[1]);
	for (i = 0; i < 2; i++) {
		file = opened(t, pid, i, 0);
		snprintf(path, sizeof(path), "%s/%s/file", t->dir, i ? "here" : "origin");
		EXPECT_STR(t->shared->text[i], path);
		EXPECT_STR(file->path, path);
		EXPECT_FIELD(file, inode, t->shared->value[i]);
	}
	EXPECT_STR(unlinked(t, pid, 0, 0)->path, path);
}

static void on_detached_overlay(struct live *t, void *arg)
{
	(void)arg;
	own_mounts();
	MUST(mount("none", t->dir, "tmpfs", 0, NULL));
	MUST(chdir(t->dir));
	MUST(mkdir("lower", 0755) | mkdir("upper", 0755) | mkdir("work", 0755) |
	     mkdir("merged", 0755) | mkdir("lower/sub", 0755));
	if (mount("overlay", "merged", "overlay", 0,
		  "lowerdir=lower,upperdir=upper,workdir=work")) {
		snprintf(t->shared->text[1], sizeof(t->shared->text[1]), "%s", strerror(errno));
		return;
	}
	MUST(chdir("merged/sub"));
	MUST(umount2("../../merged", MNT_DETACH));
	make_noted(t, 0, AT_FDCWD, "new");
	MUST(unlink("new"));
}

/* Nowhere in the tree any more, and still worked in: the path starts where the mount does. */
LIVE(limits_of_detached_overlay, LIVE_FIRST)
{
	pid_t pid = live_do(t, on_detached_overlay, NULL);
	const Varve__V1__File *file;

	if (t->shared->text[1][0])
		live_skip("no overlayfs here: %s", t->shared->text[1]);
	live_end(t);
	file = opened(t, pid, 0, 0);
	EXPECT_STR(file->path, "/sub/new");
	EXPECT_FIELD(file, path_unreachable, 1);
	EXPECT_FIELD(file, overlay_upper, 1);
	EXPECT_FIELD(file, inode, t->shared->value[0]);
	file = unlinked(t, pid, 0, 0);
	EXPECT_STR(file->path, "/sub/new");
	EXPECT_FIELD(file, path_unreachable, 1);
}

static void outside_of_root(struct live *t, void *arg)
{
	int fd = MUST(open(t->dir, O_PATH | O_DIRECTORY));
	char path[300];

	(void)arg;
	snprintf(path, sizeof(path), "%s/root", t->dir);
	MUST(mkdir(path, 0755));
	MUST(chroot(path));
	MUST(chdir("/"));
	close(MUST(openat(fd, "file", O_WRONLY | O_CREAT, 0600)));
	MUST(renameat(fd, "file", AT_FDCWD, "/inside"));
	MUST(renameat(AT_FDCWD, "inside", fd, "outside"));
	MUST(unlinkat(fd, "outside", 0));
}

static void expect_where(const Varve__V1__File *file, const char *dir, const char *name,
			 bool unreachable)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	EXPECT_STR(file->path, path);
	EXPECT_UINT(file->has_path_unreachable, unreachable);
}

/* By a directory's descriptor from before chroot: from the real root, and marked. */
LIVE(limits_of_root, LIVE_FIRST)
{
	pid_t pid = live_do(t, outside_of_root, NULL);
	const Varve__V1__Rename *ren;

	live_end(t);
	expect_where(opened(t, pid, 0, 0), t->dir, "file", true);
	ren = live_nth(t, "RENAME", pid, 0)->rename;
	expect_where(ren->old_file, t->dir, "file", true);
	expect_where(ren->new_file, "", "inside", false);
	ren = live_nth(t, "RENAME", pid, 1)->rename;
	expect_where(ren->old_file, "", "inside", false);
	expect_where(ren->new_file, t->dir, "outside", true);
	expect_where(unlinked(t, pid, 0, 0), t->dir, "outside", true);
}

/* --- addresses of any length */

static const socklen_t lengths[] = {0, 1, 2, 7, 8, 15, 16, 28, 128, 129, INT_MAX, UINT_MAX};

static void try_lengths(struct live *t, void *arg)
{
	union {
		struct sockaddr_in v4;
		struct sockaddr any;
		char room[128];
	} a = {.v4 = ((struct end *)arg)->addr.v4};
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
		EXPECT(connect(fd, &a.any, lengths[i]) < 0);
		t->shared->value[i] = errno;
		EXPECT((bind(fd, &a.any, lengths[i]) < 0) || lengths[i] >= sizeof(a.v4));
		close(fd);
	}
	fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	EXPECT(connect(fd, (void *)8, sizeof(a.v4)) < 0 && errno == EFAULT);
}

/* Each is an attempt; where it was meant to go is known if the address reaches so far. */
LIVE(limits_of_address_length, LIVE_FIRST)
{
	struct end closed = network_closed_port(AF_INET);
	pid_t pid = live_do(t, try_lengths, &closed);
	const Varve__V1__Connect *c;
	size_t i;

	live_end(t);
	EXPECT_UINT(live_count(t, "CONNECT", 0), ARRAY_SIZE(lengths) + 1);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		c = live_nth(t, "CONNECT", pid, i)->connect;
		EXPECT_STR(c->outcome, "failed");
		EXPECT_STR(c->protocol, "tcp");
		EXPECT_FIELD(c, call_errno, t->shared->value[i]);
		EXPECT_UINT(c->call_errno,
			    lengths[i] >= 16 && lengths[i] <= 128 ? ECONNREFUSED : EINVAL);
		EXPECT_UINT(c->has_destination_user_memory,
			    lengths[i] >= 8 && c->call_errno == EINVAL);
		if (lengths[i] < 8)
			EXPECT(!c->destination);
		else
			network_expect(c->destination, &closed);
	}
	c = live_nth(t, "CONNECT", pid, i)->connect;
	EXPECT_FIELD(c, call_errno, EFAULT);
	EXPECT(!c->destination && !c->has_destination_user_memory);
}
