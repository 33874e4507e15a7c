/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include "tests/live/ia32.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NR_fchmodat2 452

static const char *path_in(const struct live *t, const char *name)
{
	static char path[4][400];
	static unsigned int turn;
	char *p = path[turn++ % ARRAY_SIZE(path)];

	snprintf(p, sizeof(path[0]), "%s/%s", t->dir, name);
	return p;
}

static void make(const char *path)
{
	close(MUST(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)));
	MUST(chmod(path, 0644));
}

static uint32_t mode_of(const char *path)
{
	struct stat st;

	MUST(stat(path, &st));
	return st.st_mode & 07777;
}

/* As the kernel says it where it can: with inode, and the mode before. */
static void expect_mode(struct live *t, pid_t pid, const char *path, uint32_t mode, uint32_t before)
{
	Varve__V1__Mode *ev;
	struct stat st;

	live_end(t);
	EXPECT_UINT(live_count(t, "MODE", 0), 1);
	ev = live_one(t, "MODE", pid)->mode;
	EXPECT_STR(ev->file->path, path);
	EXPECT_FIELD(ev, mode, mode);
	EXPECT(!ev->has_call_errno);
	EXPECT_UINT(mode_of(path), mode);
	live_expect_name(ev->file);
	if (!live_trampolines())
		return;
	MUST(stat(path, &st));
	EXPECT_FIELD(ev->file, inode, st.st_ino);
	EXPECT_FIELD(ev->file, mode, S_IFREG | before);
}

static void by_chmod(struct live *t, void *arg)
{
	(void)t;
	MUST(chmod(arg, 06755));
}

LIVE(mode_by_chmod, LIVE_FIRST)
{
	const char *path = path_in(t, "file");

	make(path);
	expect_mode(t, live_do(t, by_chmod, (void *)path), path, 06755, 0644);
}

static void by_fchmodat(struct live *t, void *arg)
{
	int fd = MUST(open(t->dir, O_PATH | O_DIRECTORY | O_CLOEXEC));

	MUST(chdir("/"));
	MUST(fchmodat(fd, arg, 0600, 0));
}

LIVE(mode_by_fchmodat, LIVE_FIRST)
{
	const char *path = path_in(t, "file");

	make(path);
	expect_mode(t, live_do(t, by_fchmodat, "file"), path, 0600, 0644);
}

static void by_fchmod(struct live *t, void *arg)
{
	int fd = MUST(open(arg, O_RDONLY));

	(void)t;
	MUST(fchmod(fd, 04711));
}

/* The descriptor leads to the kernel's file in both sets. */
LIVE(mode_by_fchmod, LIVE_FIRST)
{
	const char *path = path_in(t, "file");
	Varve__V1__Mode *ev;
	struct stat st;
	pid_t pid;

	make(path);
	MUST(stat(path, &st));
	pid = live_do(t, by_fchmod, (void *)path);
	live_end(t);
	ev = live_one(t, "MODE", pid)->mode;
	EXPECT_FIELD(ev, mode, 04711);
	EXPECT_STR(ev->file->path, path);
	EXPECT(!ev->file->has_path_user_memory && !ev->has_flags);
	EXPECT_FIELD(ev->file, inode, st.st_ino);
	EXPECT_FIELD(ev->file, mode, S_IFREG | (live_trampolines() ? 0644 : 04711));
	EXPECT_UINT(mode_of(path), 04711);
}

static void by_fchmodat2(struct live *t, void *arg)
{
	long ret = syscall(NR_fchmodat2, AT_FDCWD, arg, 0400, AT_SYMLINK_NOFOLLOW);

	t->shared->value[0] = ret < 0 ? errno : 0;
}

LIVE(mode_by_fchmodat2, LIVE_FIRST)
{
	const char *path = path_in(t, "file");
	Varve__V1__Mode *ev;
	pid_t pid;

	make(path);
	pid = live_do(t, by_fchmodat2, (void *)path);
	if (t->shared->value[0] == ENOSYS)
		live_skip("no fchmodat2 here");
	live_end(t);
	ev = live_one(t, "MODE", pid)->mode;
	EXPECT_FIELD(ev, mode, 0400);
	EXPECT_FIELD(ev, flags, AT_SYMLINK_NOFOLLOW);
	EXPECT_STR(ev->file->path, path);
	live_expect_name(ev->file);
	EXPECT_UINT(mode_of(path), 0400);
}

/* What the kernel found behind the link, or the link's name. */
LIVE(mode_by_link, LIVE_FIRST)
{
	const char *path = path_in(t, "file"), *name = path_in(t, "link");
	Varve__V1__File *file;
	pid_t pid;

	make(path);
	MUST(symlink("file", name));
	pid = live_do(t, by_chmod, (void *)name);
	live_end(t);
	file = live_one(t, "MODE", pid)->mode->file;
	EXPECT_STR(file->path, live_trampolines() ? path : name);
	live_expect_name(file);
	EXPECT_UINT(mode_of(path), 06755);
}

static void fails(struct live *t, void *arg)
{
	EXPECT(chmod("/nowhere/at/all", 0700) < 0 && errno == ENOENT);
	EXPECT(chmod((const char *)8, 0700) < 0 && errno == EFAULT);
	EXPECT(fchmod(-1, 0700) < 0 && errno == EBADF);
	MUST(chmod(t->dir, 0755));
	MUST(setresuid(65534, 65534, 65534));
	EXPECT(chmod(arg, 0777) < 0 && errno == EPERM);
}

LIVE(mode_failure, LIVE_FIRST)
{
	static const uint32_t errs[] = {ENOENT, EFAULT, EBADF, 0, EPERM};
	const char *path = path_in(t, "file");
	Varve__V1__Mode *ev;
	pid_t pid;
	size_t i;

	make(path);
	pid = live_do(t, fails, (void *)path);
	live_end(t);
	EXPECT_UINT(live_count(t, "MODE", 0), ARRAY_SIZE(errs));
	for (i = 0; i < ARRAY_SIZE(errs); i++) {
		ev = live_nth(t, "MODE", pid, i)->mode;
		EXPECT_UINT(ev->call_errno, errs[i]);
		EXPECT_UINT(ev->has_call_errno, errs[i] != 0);
	}
	/* The name was not found: there is no file of the kernel's. */
	ev = live_nth(t, "MODE", pid, 0)->mode;
	EXPECT_STR(ev->file->path, "/nowhere/at/all");
	EXPECT(ev->file->has_path_user_memory);
	EXPECT(!live_nth(t, "MODE", pid, 1)->mode->file);
	EXPECT(!live_nth(t, "MODE", pid, 2)->mode->file);
	ev = live_nth(t, "MODE", pid, 4)->mode;
	EXPECT_STR(ev->file->path, path);
	EXPECT_FIELD(ev, mode, 0777);
	live_expect_name(ev->file);
	EXPECT_UINT(mode_of(path), 0644);
}

static void many(struct live *t, void *arg)
{
	int i;

	(void)t;
	for (i = 0; i < 500; i++)
		MUST(chmod(arg, i & 0777));
}

/* More than there are buffers for what waits. */
LIVE(mode_many, LIVE_FIRST)
{
	const char *path = path_in(t, "file");
	pid_t pid;
	size_t i;

	make(path);
	pid = live_do(t, many, (void *)path);
	live_end(t);
	EXPECT_UINT(live_count(t, "MODE", pid), 500);
	for (i = 0; i < 500; i++) {
		Varve__V1__Mode *ev = live_nth(t, "MODE", pid, i)->mode;

		EXPECT_FIELD(ev, mode, i & 0777);
		EXPECT_STR(ev->file->path, path);
		live_expect_name(ev->file);
	}
}

static void by_32(struct live *t, void *arg)
{
	(void)t;
	EXPECT_UINT(ia32_call(15, ia32_text(arg), 0640, 0, 0, 0), 0);
}

LIVE(mode_by_32_bit, LIVE_FIRST)
{
	const char *path = path_in(t, "file");

	make(path);
	expect_mode(t, live_do(t, by_32, (void *)path), path, 0640, 0644);
}
