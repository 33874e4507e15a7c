/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include "tests/live/ia32.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NR_setxattrat	 463
#define NR_removexattrat 466

static const char capability[] = "security.capability";
/* cap_net_raw+ep */
static const struct vfs_cap_data net_raw = {.magic_etc =
						    VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
					    .data[0].permitted = 1 << CAP_NET_RAW};

static const char *make(const struct live *t)
{
	static char path[400];

	snprintf(path, sizeof(path), "%s/file", t->dir);
	close(MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
	return path;
}

/* A name is from user memory in both sets. */
static Varve__V1__Xattr *nth(struct live *t, pid_t pid, size_t n, const char *path,
			     const char *name)
{
	Varve__V1__Xattr *ev = live_nth(t, "XATTR", pid, n)->xattr;

	EXPECT_STR(ev->file->path, path);
	EXPECT_STR(ev->name, name);
	EXPECT_FIELD(ev, user_memory, 1);
	return ev;
}

static void expect_value(const Varve__V1__Xattr *ev, const void *value, size_t len, uint32_t flags)
{
	size_t shown = len < 64 ? len : 64;

	EXPECT_FIELD(ev, value_length, len);
	EXPECT_FIELD(ev, flags, flags);
	EXPECT(ev->has_value);
	EXPECT_UINT(ev->value.len, shown);
	EXPECT(!memcmp(ev->value.data, value, shown));
	EXPECT(!ev->has_removed);
}

static void file_capability(struct live *t, void *arg)
{
	(void)t;
	MUST(setxattr(arg, capability, &net_raw, sizeof(net_raw), XATTR_CREATE));
}

/* What the file system has is what the record has. */
LIVE(xattr_file_capability, LIVE_FIRST)
{
	const char *path = make(t);
	pid_t pid = live_do(t, file_capability, (void *)path);
	struct vfs_cap_data has = {};
	Varve__V1__Xattr *ev;

	live_end(t);
	EXPECT_UINT(live_count(t, "XATTR", 0), 1);
	ev = nth(t, pid, 0, path, capability);
	EXPECT_FIELD(ev->file, path_user_memory, 1);
	EXPECT_UINT(getxattr(path, capability, &has, sizeof(has)), XATTR_CAPS_SZ_2);
	expect_value(ev, &has, XATTR_CAPS_SZ_2, XATTR_CREATE);
	EXPECT(!ev->has_at_flags && !ev->has_call_errno);
}

static void by_descriptor(struct live *t, void *arg)
{
	int fd = MUST(open(arg, O_RDWR));
	char value[200];

	(void)t;
	memset(value, 'v', sizeof(value));
	MUST(fsetxattr(fd, "security.long", value, sizeof(value), 0));
	MUST(fsetxattr(fd, "security.empty", "", 0, XATTR_CREATE));
	MUST(fremovexattr(fd, "security.long"));
	EXPECT(fgetxattr(fd, "security.long", value, sizeof(value)) < 0 && errno == ENODATA);
	EXPECT_UINT(fgetxattr(fd, "security.empty", value, sizeof(value)), 0);
}

LIVE(xattr_by_descriptor, LIVE_FIRST)
{
	const char *path = make(t);
	pid_t pid = live_do(t, by_descriptor, (void *)path);
	Varve__V1__Xattr *ev;
	char value[64];

	memset(value, 'v', sizeof(value));
	live_end(t);
	EXPECT_UINT(live_count(t, "XATTR", 0), 3);
	ev = nth(t, pid, 0, path, "security.long");
	expect_value(ev, value, 200, 0);
	EXPECT(!ev->file->has_path_user_memory);
	expect_value(nth(t, pid, 1, path, "security.empty"), "", 0, XATTR_CREATE);
	ev = nth(t, pid, 2, path, "security.long");
	EXPECT_FIELD(ev, removed, 1);
	EXPECT(!ev->has_value_length && !ev->has_value && !ev->has_flags);
}

static void on_link(struct live *t, void *arg)
{
	char link[400];

	snprintf(link, sizeof(link), "%s/link", t->dir);
	MUST(symlink(arg, link));
	MUST(lsetxattr(link, "security.of_link", "1", 1, 0));
	EXPECT(getxattr(arg, "security.of_link", NULL, 0) < 0);
	MUST(lremovexattr(link, "security.of_link"));
	MUST(setxattr(link, "security.behind", "2", 1, 0));
	MUST(removexattr(link, "security.behind"));
}

LIVE(xattr_on_link, LIVE_FIRST)
{
	static const char *const names[] = {"security.of_link", "security.of_link",
					    "security.behind", "security.behind"};
	pid_t pid = live_do(t, on_link, (void *)make(t));
	Varve__V1__Xattr *ev;
	char link[400];
	size_t i;

	snprintf(link, sizeof(link), "%s/link", t->dir);
	live_end(t);
	EXPECT_UINT(live_count(t, "XATTR", 0), ARRAY_SIZE(names));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		ev = nth(t, pid, i, link, names[i]);
		EXPECT_UINT(ev->has_removed, i & 1);
		EXPECT_UINT(ev->at_flags, i < 2 ? AT_SYMLINK_NOFOLLOW : 0);
	}
}

static void fails(struct live *t, void *arg)
{
	(void)t;
	EXPECT(removexattr(arg, "security.none") < 0 && errno == ENODATA);
	EXPECT(setxattr("/nowhere/at/all", "user.x", "1", 1, 0) < 0 && errno == ENOENT);
	EXPECT(setxattr(arg, (const char *)8, "1", 1, 0) < 0 && errno == EFAULT);
	/* By syscall(), since the compiler knows better than to let these through. */
	EXPECT(syscall(SYS_setxattr, arg, "security.x", 8, 1, 0) < 0 && errno == EFAULT);
	EXPECT(syscall(SYS_setxattr, arg, "security.x", "1", 1ul << 40, 0) < 0 && errno == E2BIG);
}

LIVE(xattr_failure, LIVE_FIRST)
{
	static const uint32_t errs[] = {ENODATA, ENOENT, EFAULT, EFAULT, E2BIG};
	const char *path = make(t);
	pid_t pid = live_do(t, fails, (void *)path);
	size_t i;

	live_end(t);
	EXPECT_UINT(live_count(t, "XATTR", 0), ARRAY_SIZE(errs));
	for (i = 0; i < ARRAY_SIZE(errs); i++)
		EXPECT_FIELD(live_nth(t, "XATTR", pid, i)->xattr, call_errno, errs[i]);
	nth(t, pid, 0, path, "security.none");
	nth(t, pid, 1, "/nowhere/at/all", "user.x");
	EXPECT(!live_nth(t, "XATTR", pid, 2)->xattr->name);
	EXPECT(!nth(t, pid, 3, path, "security.x")->has_value);
	EXPECT_FIELD(nth(t, pid, 4, path, "security.x"), value_length, 1ul << 40);
}

static void by_at(struct live *t, void *arg)
{
	struct {
		uint64_t value;
		uint32_t size, flags;
	} args = {(uintptr_t) "abc", 3, XATTR_CREATE};
	int dir = MUST(open(t->dir, O_PATH | O_DIRECTORY));

	(void)arg;
	if (syscall(NR_setxattrat, dir, "file", AT_SYMLINK_NOFOLLOW, "security.at", &args,
		    sizeof(args)) < 0) {
		t->shared->value[0] = errno;
		return;
	}
	MUST(syscall(NR_removexattrat, dir, "file", 0, "security.at"));
}

LIVE(xattr_by_setxattrat, LIVE_FIRST)
{
	const char *path = make(t);
	pid_t pid = live_do(t, by_at, NULL);
	Varve__V1__Xattr *ev;

	if (t->shared->value[0] == ENOSYS)
		live_skip("no setxattrat here");
	EXPECT_UINT(t->shared->value[0], 0);
	live_end(t);
	EXPECT_UINT(live_count(t, "XATTR", 0), 2);
	ev = nth(t, pid, 0, path, "security.at");
	expect_value(ev, "abc", 3, XATTR_CREATE);
	EXPECT_FIELD(ev, at_flags, AT_SYMLINK_NOFOLLOW);
	EXPECT_FIELD(nth(t, pid, 1, path, "security.at"), removed, 1);
}

static void by_32(struct live *t, void *arg)
{
	(void)t;
	EXPECT_UINT(
		ia32_call(226, ia32_text(arg), ia32_text("security.x32"), ia32_text("xyz"), 3, 0),
		0);
}

LIVE(xattr_by_32_bit, LIVE_FIRST)
{
	const char *path = make(t);
	pid_t pid = live_do(t, by_32, (void *)path);

	live_end(t);
	expect_value(nth(t, pid, 0, path, "security.x32"), "xyz", 3, 0);
}
