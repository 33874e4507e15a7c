/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include "tests/live/ia32.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *make(const struct live *t)
{
	static char path[400];

	snprintf(path, sizeof(path), "%s/file", t->dir);
	close(MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
	MUST(chown(path, 11, 12));
	return path;
}

static void expect_owner(const char *path, uid_t uid, gid_t gid)
{
	struct stat st;

	MUST(lstat(path, &st));
	EXPECT_UINT(st.st_uid, uid);
	EXPECT_UINT(st.st_gid, gid);
}

static Varve__V1__Owner *only(struct live *t, pid_t pid)
{
	live_end(t);
	EXPECT_UINT(live_count(t, "OWNER", 0), 1);
	return live_one(t, "OWNER", pid)->owner;
}

static void by_chown(struct live *t, void *arg)
{
	(void)t;
	MUST(chown(arg, 1234, 4321));
}

LIVE(owner_by_chown, LIVE_FIRST)
{
	const char *path = make(t);
	Varve__V1__Owner *ev = only(t, live_do(t, by_chown, (void *)path));

	EXPECT_FIELD(ev, uid, 1234);
	EXPECT_FIELD(ev, gid, 4321);
	EXPECT(!ev->has_flags && !ev->has_call_errno);
	EXPECT_STR(ev->file->path, path);
	live_expect_name(ev->file);
	if (live_trampolines()) {
		EXPECT_FIELD(ev->file, uid, 11);
		EXPECT_FIELD(ev->file, gid, 12);
	}
	expect_owner(path, 1234, 4321);
}

static void by_fchown(struct live *t, void *arg)
{
	int fd = MUST(open(arg, O_RDONLY));

	(void)t;
	MUST(fchown(fd, -1, 77));
}

/* Only the group: no owner is said. */
LIVE(owner_by_fchown, LIVE_FIRST)
{
	const char *path = make(t);
	Varve__V1__Owner *ev = only(t, live_do(t, by_fchown, (void *)path));

	EXPECT(!ev->has_uid);
	EXPECT_FIELD(ev, gid, 77);
	EXPECT_STR(ev->file->path, path);
	EXPECT(!ev->file->has_path_user_memory);
	EXPECT_FIELD(ev->file, uid, 11);
	EXPECT_FIELD(ev->file, gid, live_trampolines() ? 12 : 77);
	expect_owner(path, 11, 77);
}

static void by_lchown(struct live *t, void *arg)
{
	char link[400];

	snprintf(link, sizeof(link), "%s/link", t->dir);
	MUST(symlink(arg, link));
	MUST(lchown(link, 5, -1));
}

LIVE(owner_by_lchown, LIVE_FIRST)
{
	const char *path = make(t);
	Varve__V1__Owner *ev = only(t, live_do(t, by_lchown, (void *)path));
	char link[400];

	snprintf(link, sizeof(link), "%s/link", t->dir);
	EXPECT_FIELD(ev, uid, 5);
	EXPECT(!ev->has_gid);
	EXPECT_FIELD(ev, flags, AT_SYMLINK_NOFOLLOW);
	EXPECT_STR(ev->file->path, link);
	live_expect_name(ev->file);
	expect_owner(path, 11, 12);
	expect_owner(link, 5, 0);
}

static void by_fchownat(struct live *t, void *arg)
{
	int dir = MUST(open(t->dir, O_PATH | O_DIRECTORY)), fd = MUST(open(arg, O_RDONLY));

	MUST(fchownat(dir, "file", 1, 2, 0));
	MUST(fchownat(fd, "", 3, 4, AT_EMPTY_PATH));
}

LIVE(owner_by_fchownat, LIVE_FIRST)
{
	const char *path = make(t);
	pid_t pid = live_do(t, by_fchownat, (void *)path);
	Varve__V1__Owner *ev;
	size_t i;

	live_end(t);
	EXPECT_UINT(live_count(t, "OWNER", 0), 2);
	for (i = 0; i < 2; i++) {
		ev = live_nth(t, "OWNER", pid, i)->owner;
		EXPECT_FIELD(ev, uid, i ? 3 : 1);
		EXPECT_FIELD(ev, gid, i ? 4 : 2);
		EXPECT_FIELD(ev, flags, i ? AT_EMPTY_PATH : 0);
		EXPECT_STR(ev->file->path, path);
		live_expect_name(ev->file);
	}
	expect_owner(path, 3, 4);
}

static void fails(struct live *t, void *arg)
{
	int fd = MUST(open(arg, O_RDONLY));

	(void)t;
	EXPECT(chown("/nowhere/at/all", 1, 1) < 0 && errno == ENOENT);
	MUST(setresuid(65534, 65534, 65534));
	EXPECT(fchown(fd, 65534, -1) < 0 && errno == EPERM);
}

LIVE(owner_failure, LIVE_FIRST)
{
	pid_t pid = live_do(t, fails, (void *)make(t));

	live_end(t);
	EXPECT_UINT(live_count(t, "OWNER", 0), 2);
	EXPECT_FIELD(live_nth(t, "OWNER", pid, 0)->owner, call_errno, ENOENT);
	EXPECT_STR(live_nth(t, "OWNER", pid, 0)->owner->file->path, "/nowhere/at/all");
	EXPECT(live_nth(t, "OWNER", pid, 0)->owner->file->has_path_user_memory);
	EXPECT_FIELD(live_nth(t, "OWNER", pid, 1)->owner, call_errno, EPERM);
}

static void by_32(struct live *t, void *arg)
{
	(void)t;
	EXPECT_UINT(ia32_call(212, ia32_text(arg), -1, 70000, 0, 0), 0);
}

LIVE(owner_by_32_bit, LIVE_FIRST)
{
	const char *path = make(t);
	Varve__V1__Owner *ev = only(t, live_do(t, by_32, (void *)path));

	EXPECT(!ev->has_uid);
	EXPECT_FIELD(ev, gid, 70000);
	EXPECT_STR(ev->file->path, path);
	live_expect_name(ev->file);
	expect_owner(path, 11, 70000);
}
