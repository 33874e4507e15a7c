/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for each kind that makes or removes a name: from where it is relative, and its limits.
 */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <sys/stat.h>

static Varve__V1__File *link_file(Varve__V1__Event *ev)
{
	return ev->link->new_file;
}

static Varve__V1__File *symlink_file(Varve__V1__Event *ev)
{
	return ev->symlink->file;
}

static Varve__V1__File *mkdir_file(Varve__V1__Event *ev)
{
	return ev->mkdir->file;
}

static Varve__V1__File *rmdir_file(Varve__V1__Event *ev)
{
	return ev->rmdir->file;
}

static Varve__V1__File *mknod_file(Varve__V1__Event *ev)
{
	return ev->mknod->file;
}

/* since: Linux 5.x, from which on the kernel function gets the kernel's copy of the name. */
static const struct {
	const char *kind;
	Varve__V1__File *(*file)(Varve__V1__Event *ev);
	int since;
} kinds[] = {
	{"LINK", link_file, 15},  {"SYMLINK", symlink_file, 15}, {"MKDIR", mkdir_file, 15},
	{"RMDIR", rmdir_file, 0}, {"MKNOD", mknod_file, 15},
};

static int old_fd; /* of a file in the test's directory */

static void expect_type(int dfd, const char *name, mode_t type)
{
	struct stat st;

	MUST(fstatat(dfd, name, &st, AT_SYMLINK_NOFOLLOW));
	EXPECT_UINT(st.st_mode & S_IFMT, type);
}

/* Each kind once, of this name, which is gone afterwards. */
static void make_all(int dfd, const char *name)
{
	MUST(linkat(old_fd, "", dfd, name, AT_EMPTY_PATH));
	expect_type(dfd, name, S_IFREG);
	MUST(unlinkat(dfd, name, 0));
	MUST(symlinkat("nowhere", dfd, name));
	expect_type(dfd, name, S_IFLNK);
	MUST(unlinkat(dfd, name, 0));
	MUST(mkdirat(dfd, name, 0700));
	expect_type(dfd, name, S_IFDIR);
	MUST(unlinkat(dfd, name, AT_REMOVEDIR));
	MUST(mknodat(dfd, name, S_IFIFO | 0600, 0));
	expect_type(dfd, name, S_IFIFO);
	MUST(unlinkat(dfd, name, 0));
}

static void fail_all(int dfd, const char *name, int err)
{
	EXPECT(linkat(old_fd, "", dfd, name, AT_EMPTY_PATH) < 0 && errno == err);
	EXPECT(symlinkat("nowhere", dfd, name) < 0 && errno == err);
	EXPECT(mkdirat(dfd, name, 0700) < 0 && errno == err);
	EXPECT(unlinkat(dfd, name, AT_REMOVEDIR) < 0 && errno == err);
	EXPECT(mknodat(dfd, name, S_IFIFO | 0600, 0) < 0 && errno == err);
}

static void open_old(struct live *t)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/old", t->dir);
	old_fd = MUST(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

/* One record of each kind, with this path. */
static void expect_all(struct live *t, pid_t pid, const char *path)
{
	live_end(t);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		Varve__V1__File *file = kinds[i].file(live_one(t, kinds[i].kind, pid));

		EXPECT_UINT(live_count(t, kinds[i].kind, 0), 1);
		EXPECT_STR(file->path, path);
		live_expect_name_since(file, kinds[i].since);
		EXPECT(!file->has_path_unreachable && !file->has_path_length &&
		       !file->has_path_raw);
	}
}

static void absolute(struct live *t, void *arg)
{
	(void)t;
	make_all(-1, arg);
}

LIVE(names_absolute, LIVE_FIRST)
{
	char path[300];

	open_old(t);
	snprintf(path, sizeof(path), "%s/x", t->dir);
	expect_all(t, live_do(t, absolute, path), path);
}

static void relative(struct live *t, void *arg)
{
	(void)arg;
	MUST(chdir(t->dir));
	make_all(AT_FDCWD, "./x");
}

LIVE(names_relative, LIVE_FIRST)
{
	char path[300];

	open_old(t);
	snprintf(path, sizeof(path), "%s/./x", t->dir);
	expect_all(t, live_do(t, relative, NULL), path);
}

static void at_directory(struct live *t, void *arg)
{
	int fd = MUST(open(t->dir, O_PATH | O_DIRECTORY | O_CLOEXEC));

	(void)arg;
	MUST(chdir("/"));
	make_all(fd, "x");
}

LIVE(names_at_directory, LIVE_FIRST)
{
	char path[300];

	open_old(t);
	snprintf(path, sizeof(path), "%s/x", t->dir);
	expect_all(t, live_do(t, at_directory, NULL), path);
}

static void in_chroot(struct live *t, void *arg)
{
	(void)arg;
	MUST(chroot(t->dir));
	MUST(chdir("/sub"));
	make_all(AT_FDCWD, "x");
}

LIVE(names_in_chroot, LIVE_FIRST)
{
	char path[300];

	open_old(t);
	snprintf(path, sizeof(path), "%s/sub", t->dir);
	MUST(mkdir(path, 0755));
	expect_all(t, live_do(t, in_chroot, NULL), "/sub/x");
}

/* Makes directories until the path has this length; its last component does not exist. */
static void make_long(const struct live *t, char *path, size_t want)
{
	size_t len = sprintf(path, "%s", t->dir);

	for (;;) {
		size_t n = want - len - 1;

		if (n > 255)
			n = n - 200 > 55 ? 200 : 100;
		path[len++] = '/';
		memset(path + len, 'n', n);
		len += n;
		path[len] = '\0';
		if (len == want)
			return;
		MUST(mkdir(path, 0755));
	}
}

/* The longest path that a call takes. */
LIVE(names_of_4095_bytes, LIVE_FIRST)
{
	char path[4096];

	open_old(t);
	make_long(t, path, 4095);
	expect_all(t, live_do(t, absolute, path), path);
}

static void in_long_directory(struct live *t, void *arg)
{
	char *path = t->shared->text[0];
	size_t len = strlen(path);

	(void)arg;
	MUST(chdir(path));
	path[len++] = '/';
	memset(path + len, 'm', 255);
	make_all(AT_FDCWD, path + len);
}

/* The longest name in a directory whose path is nearly as long: no call takes the whole. */
LIVE(names_of_255_bytes_far_down, LIVE_FIRST)
{
	char *path = t->shared->text[0];

	open_old(t);
	make_long(t, path, 4090);
	MUST(mkdir(path, 0755));
	expect_all(t, live_do(t, in_long_directory, NULL), path);
}

static void in_deleted_directory(struct live *t, void *arg)
{
	char sub[300];

	(void)arg;
	snprintf(sub, sizeof(sub), "%s/sub", t->dir);
	MUST(chdir(sub));
	MUST(rmdir(sub));
	fail_all(AT_FDCWD, "x", ENOENT);
}

LIVE(names_in_deleted_directory, LIVE_FIRST)
{
	char sub[300], path[310];
	pid_t pid;

	open_old(t);
	snprintf(sub, sizeof(sub), "%s/sub", t->dir);
	snprintf(path, sizeof(path), "%s/x", sub);
	MUST(mkdir(sub, 0755));
	pid = live_do(t, in_deleted_directory, NULL);
	live_end(t);
	EXPECT_STR(live_nth(t, "RMDIR", pid, 0)->rmdir->file->path, sub);
	EXPECT(!live_nth(t, "RMDIR", pid, 0)->rmdir->has_call_errno);
	EXPECT_FIELD(live_nth(t, "RMDIR", pid, 1)->rmdir, call_errno, ENOENT);
	EXPECT_STR(live_nth(t, "RMDIR", pid, 1)->rmdir->file->path, path);
	EXPECT_FIELD(live_one(t, "LINK", pid)->link, call_errno, ENOENT);
	EXPECT_FIELD(live_one(t, "SYMLINK", pid)->symlink, call_errno, ENOENT);
	EXPECT_FIELD(live_one(t, "MKDIR", pid)->mkdir, call_errno, ENOENT);
	EXPECT_FIELD(live_one(t, "MKNOD", pid)->mknod, call_errno, ENOENT);
	EXPECT_STR(live_one(t, "MKDIR", pid)->mkdir->file->path, path);
}

static void unusable(struct live *t, void *arg)
{
	char name[257];

	(void)t;
	(void)arg;
	memset(name, 'n', 256);
	name[256] = '\0';
	fail_all(AT_FDCWD, (const char *)8, EFAULT);
	fail_all(-1, "x", EBADF);
	MUST(chdir("/"));
	fail_all(AT_FDCWD, name, ENAMETOOLONG);
}

static uint32_t errno_of(const Varve__V1__Event *ev)
{
	switch (ev->body_case) {
	case VARVE__V1__EVENT__BODY_LINK:
		return ev->link->call_errno;
	case VARVE__V1__EVENT__BODY_SYMLINK:
		return ev->symlink->call_errno;
	case VARVE__V1__EVENT__BODY_MKDIR:
		return ev->mkdir->call_errno;
	case VARVE__V1__EVENT__BODY_RMDIR:
		return ev->rmdir->call_errno;
	default:
		return ev->mknod->call_errno;
	}
}

LIVE(names_unusable, LIVE_FIRST)
{
	pid_t pid;

	open_old(t);
	pid = live_do(t, unusable, NULL);
	live_end(t);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		static const uint32_t errs[] = {EFAULT, EBADF, ENAMETOOLONG};

		EXPECT_UINT(live_count(t, kinds[i].kind, 0), ARRAY_SIZE(errs));
		for (size_t n = 0; n < ARRAY_SIZE(errs); n++) {
			Varve__V1__Event *ev = live_nth(t, kinds[i].kind, pid, n);
			Varve__V1__File *file = kinds[i].file(ev);

			EXPECT_UINT(errno_of(ev), errs[n]);
			if (errs[n] == ENAMETOOLONG)
				EXPECT_UINT(strlen(file->path), 257);
			else
				EXPECT(!file || !file->path);
		}
	}
}

/* Bytes that are no text: kept exactly beside the text. */
LIVE(names_hostile, LIVE_FIRST)
{
	static const char name[] = "a\nb\x1b[2J\xff\xc3(";
	char path[300];
	pid_t pid;

	open_old(t);
	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	pid = live_do(t, absolute, path);
	live_end(t);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		Varve__V1__File *file = kinds[i].file(live_one(t, kinds[i].kind, pid));

		EXPECT_UINT(file->path_raw.len, strlen(path));
		EXPECT(!memcmp(file->path_raw.data, path, strlen(path)));
	}
}
