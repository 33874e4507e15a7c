/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <sys/stat.h>

static void make(const char *path)
{
	close(MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
}

/* The only UNLINK, of this path. */
static void expect_unlink(struct live *t, pid_t pid, const char *path)
{
	Varve__V1__File *file;

	live_end(t);
	EXPECT_UINT(live_count(t, "UNLINK", 0), 1);
	file = live_one(t, "UNLINK", pid)->unlink->file;
	EXPECT_STR(file->path, path);
	live_expect_name(file);
	EXPECT(!file->has_path_unreachable && !file->has_path_length && !file->has_path_raw);
	EXPECT(access(path, F_OK));
}

static void absolute(struct live *t, void *arg)
{
	(void)t;
	MUST(unlink(arg));
}

LIVE(unlink_absolute, LIVE_FIRST)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/file", t->dir);
	make(path);
	expect_unlink(t, live_do(t, absolute, path), path);
}

static void relative_to_cwd(struct live *t, void *arg)
{
	(void)arg;
	MUST(chdir(t->dir));
	MUST(unlink("sub/file"));
}

LIVE(unlink_relative, LIVE_FIRST)
{
	char sub[300], path[310];

	snprintf(sub, sizeof(sub), "%s/sub", t->dir);
	MUST(mkdir(sub, 0755));
	snprintf(path, sizeof(path), "%s/file", sub);
	make(path);
	expect_unlink(t, live_do(t, relative_to_cwd, NULL), path);
}

static void at_dir(struct live *t, void *arg)
{
	int fd = MUST(open(t->dir, O_PATH | O_DIRECTORY | O_CLOEXEC));

	MUST(chdir("/"));
	MUST(unlinkat(fd, arg, 0));
}

LIVE(unlink_at_directory, LIVE_FIRST)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/file", t->dir);
	make(path);
	expect_unlink(t, live_do(t, at_dir, "file"), path);
}

/* An absolute name does not care for the directory, not even for one that is none. */
static void at_nonsense(struct live *t, void *arg)
{
	(void)t;
	MUST(unlinkat(-1, arg, 0));
}

LIVE(unlink_at_ignored_directory, LIVE_FIRST)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/file", t->dir);
	make(path);
	expect_unlink(t, live_do(t, at_nonsense, path), path);
}

static void at_root(struct live *t, void *arg)
{
	(void)t;
	MUST(chdir("/"));
	MUST(unlink(arg));
}

/* No second slash behind the root's. */
LIVE(unlink_relative_to_root, LIVE_FIRST)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/file", t->dir);
	make(path);
	expect_unlink(t, live_do(t, at_root, path + 1), path);
}

static void fails(struct live *t, void *arg)
{
	char path[300];
	int fd;

	(void)arg;
	snprintf(path, sizeof(path), "%s/dir", t->dir);
	MUST(mkdir(path, 0755));
	EXPECT(unlink(path) < 0);
	fd = MUST(open(t->dir, O_PATH | O_CLOEXEC));
	MUST(unlinkat(fd, "dir", AT_REMOVEDIR));
	EXPECT(unlink("/nowhere/at/all") < 0 && errno == ENOENT);
	EXPECT(unlink((const char *)8) < 0 && errno == EFAULT);
	EXPECT(unlinkat(-1, "x", 0) < 0 && errno == EBADF);
}

/* A removed directory is another kind. */
LIVE(unlink_failure, LIVE_FIRST)
{
	static const uint32_t errs[] = {EISDIR, ENOENT, EFAULT, EBADF};
	pid_t pid = live_do(t, fails, NULL);
	size_t i;

	live_end(t);
	EXPECT_UINT(live_count(t, "UNLINK", 0), ARRAY_SIZE(errs));
	for (i = 0; i < ARRAY_SIZE(errs); i++)
		EXPECT_FIELD(live_nth(t, "UNLINK", pid, i)->unlink, call_errno, errs[i]);
	EXPECT_STR(live_nth(t, "UNLINK", pid, 1)->unlink->file->path, "/nowhere/at/all");
	for (i = 2; i < 4; i++) {
		const Varve__V1__File *file = live_nth(t, "UNLINK", pid, i)->unlink->file;

		EXPECT(!file || !file->path);
	}
}

/* Bytes that are no text: kept exactly beside the text. */
LIVE(unlink_hostile_name, LIVE_FIRST)
{
	static const char name[] = "a\nb\x1b[2J\xff\xc3(";
	Varve__V1__File *file;
	char path[300];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	make(path);
	pid = live_do(t, absolute, path);
	live_end(t);
	file = live_one(t, "UNLINK", pid)->unlink->file;
	EXPECT_UINT(file->path_raw.len, strlen(path));
	EXPECT(!memcmp(file->path_raw.data, path, strlen(path)));
	EXPECT(strstr(file->path, "a\nb\x1b[2J\xef\xbf\xbd\xef\xbf\xbd("));
}

/* The working directory's path has 4,000 bytes and more, the name 255: the whole has both. */
static void in_deep_directory(struct live *t, void *arg)
{
	char *path = t->shared->text[0], name[256];
	size_t len = snprintf(path, sizeof(t->shared->text[0]), "%s", t->dir);

	(void)arg;
	memset(name, 'n', 255);
	name[255] = '\0';
	MUST(chdir(t->dir));
	while (len + 5 < 4090) {
		MUST(mkdir("dddd", 0755));
		MUST(chdir("dddd"));
		len += sprintf(path + len, "/dddd");
	}
	sprintf(path + len, "/%s", name);
	make(name);
	MUST(unlink(name));
}

LIVE(unlink_in_deep_directory, LIVE_FIRST)
{
	pid_t pid = live_do(t, in_deep_directory, NULL);
	Varve__V1__File *file;

	live_end(t);
	EXPECT(strlen(t->shared->text[0]) > 4300);
	file = live_one(t, "UNLINK", pid)->unlink->file;
	EXPECT_STR(file->path, t->shared->text[0]);
	EXPECT(!file->has_path_length);
}

static void in_chroot(struct live *t, void *arg)
{
	(void)arg;
	MUST(chroot(t->dir));
	MUST(chdir("/sub"));
	MUST(unlink("file"));
}

LIVE(unlink_in_chroot, LIVE_FIRST)
{
	char path[300];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/sub", t->dir);
	MUST(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%s/sub/file", t->dir);
	make(path);
	pid = live_do(t, in_chroot, NULL);
	live_end(t);
	EXPECT_STR(live_one(t, "UNLINK", pid)->unlink->file->path, "/sub/file");
}
