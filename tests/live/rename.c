/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct names {
	char from[300], to[300];
};

static void make(const char *path)
{
	close(MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
}

static void names_in(const struct live *t, struct names *n)
{
	snprintf(n->from, sizeof(n->from), "%s/from", t->dir);
	snprintf(n->to, sizeof(n->to), "%s/to", t->dir);
	make(n->from);
}

static void expect_rename(struct live *t, pid_t pid, const struct names *n, uint32_t flags)
{
	Varve__V1__Rename *ev;

	live_end(t);
	EXPECT_UINT(live_count(t, "RENAME", 0), 1);
	ev = live_one(t, "RENAME", pid)->rename;
	EXPECT_STR(ev->old_file->path, n->from);
	EXPECT_STR(ev->new_file->path, n->to);
	live_expect_name(ev->old_file);
	live_expect_name(ev->new_file);
	EXPECT_FIELD(ev, flags, flags);
	EXPECT(!access(n->to, F_OK));
}

static void by_rename(struct live *t, void *arg)
{
	struct names *n = arg;

	(void)t;
	MUST((int)syscall(SYS_rename, n->from, n->to));
}

LIVE(rename_absolute, LIVE_FIRST)
{
	struct names n;

	names_in(t, &n);
	expect_rename(t, live_do(t, by_rename, &n), &n, 0);
	EXPECT(access(n.from, F_OK));
}

static void relative_to_cwd(struct live *t, void *arg)
{
	(void)arg;
	MUST(chdir(t->dir));
	MUST((int)syscall(SYS_rename, "from", "to"));
}

LIVE(rename_relative, LIVE_FIRST)
{
	struct names n;

	names_in(t, &n);
	expect_rename(t, live_do(t, relative_to_cwd, NULL), &n, 0);
}

/* One name by a directory, the other by the working directory. */
static void by_renameat(struct live *t, void *arg)
{
	int fd = MUST(open(t->dir, O_PATH | O_CLOEXEC));

	(void)arg;
	MUST(chdir(t->dir));
	MUST(chdir("sub"));
	MUST((int)syscall(SYS_renameat, fd, "from", AT_FDCWD, "to"));
}

LIVE(rename_at_directory, LIVE_FIRST)
{
	struct names n;
	char sub[300];

	names_in(t, &n);
	snprintf(sub, sizeof(sub), "%s/sub", t->dir);
	MUST(mkdir(sub, 0755));
	snprintf(n.to, sizeof(n.to), "%.280s/sub/to", t->dir);
	expect_rename(t, live_do(t, by_renameat, NULL), &n, 0);
}

struct with_flags {
	struct names n;
	unsigned int flags;
};

static void by_renameat2(struct live *t, void *arg)
{
	struct with_flags *f = arg;
	int from = MUST(open(t->dir, O_PATH | O_CLOEXEC)),
	    to = MUST(open(t->dir, O_PATH | O_CLOEXEC));

	MUST((int)syscall(SYS_renameat2, from, "from", to, "to", f->flags));
}

LIVE(rename_exchange, LIVE_FIRST)
{
	struct with_flags f = {.flags = RENAME_EXCHANGE};

	names_in(t, &f.n);
	make(f.n.to);
	expect_rename(t, live_do(t, by_renameat2, &f), &f.n, RENAME_EXCHANGE);
	EXPECT(!access(f.n.from, F_OK));
}

LIVE(rename_noreplace, LIVE_FIRST)
{
	struct with_flags f = {.flags = RENAME_NOREPLACE};

	names_in(t, &f.n);
	expect_rename(t, live_do(t, by_renameat2, &f), &f.n, RENAME_NOREPLACE);
}

static void fails(struct live *t, void *arg)
{
	struct names *n = arg;

	(void)t;
	EXPECT(syscall(SYS_renameat2, AT_FDCWD, n->from, AT_FDCWD, n->to, RENAME_NOREPLACE) < 0);
	EXPECT_UINT(errno, EEXIST);
	EXPECT(syscall(SYS_rename, "/nowhere/at/all", n->to) < 0);
	EXPECT(syscall(SYS_renameat, -1, "from", AT_FDCWD, n->to) < 0);
}

static void expect_failure(const struct live *t, pid_t pid, size_t n, uint32_t err,
			   const char *from)
{
	const Varve__V1__Rename *r = live_nth(t, "RENAME", pid, n)->rename;

	EXPECT_FIELD(r, call_errno, err);
	if (from)
		EXPECT_STR(r->old_file->path, from);
	else
		EXPECT(!r->old_file || !r->old_file->path);
}

LIVE(rename_failure, LIVE_FIRST)
{
	struct names n = {};
	pid_t pid;

	names_in(t, &n);
	make(n.to);
	pid = live_do(t, fails, &n);
	live_end(t);
	EXPECT_UINT(live_count(t, "RENAME", 0), 3);
	expect_failure(t, pid, 0, EEXIST, n.from);
	EXPECT_FIELD(live_nth(t, "RENAME", pid, 0)->rename, flags, RENAME_NOREPLACE);
	expect_failure(t, pid, 1, ENOENT, "/nowhere/at/all");
	expect_failure(t, pid, 2, EBADF, NULL);
	EXPECT_STR(live_nth(t, "RENAME", pid, 2)->rename->new_file->path, n.to);
}

/* Names of 255 bytes of what is no text, both of them. */
LIVE(rename_hostile_names, LIVE_FIRST)
{
	Varve__V1__Rename *ev;
	struct names n;
	size_t len;
	pid_t pid;

	names_in(t, &n);
	len = snprintf(n.to, sizeof(n.to), "%s/", t->dir);
	memset(n.to + len, 0xfe, sizeof(n.to) - len);
	n.to[MIN(len + 200, sizeof(n.to) - 1)] = '\0';
	pid = live_do(t, by_rename, &n);
	live_end(t);
	ev = live_one(t, "RENAME", pid)->rename;
	EXPECT(!ev->old_file->has_path_raw);
	EXPECT_UINT(ev->new_file->path_raw.len, strlen(n.to));
	EXPECT(!memcmp(ev->new_file->path_raw.data, n.to, strlen(n.to)));
}
