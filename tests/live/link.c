/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <sys/stat.h>

struct pair {
	char old[300], new[300];
};

static void name_them(const struct live *t, struct pair *p)
{
	snprintf(p->old, sizeof(p->old), "%s/old", t->dir);
	snprintf(p->new, sizeof(p->new), "%s/new", t->dir);
	close(MUST(open(p->old, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
}

static void by_path(struct live *t, void *arg)
{
	struct pair *p = arg;

	(void)t;
	MUST(link(p->old, p->new));
	EXPECT(link(p->old, p->new) < 0 && errno == EEXIST);
	EXPECT(link("/nowhere/at/all", p->new) < 0 && errno == ENOENT);
}

LIVE(link_by_path, LIVE_FIRST)
{
	Varve__V1__Link *link;
	struct pair p;
	struct stat st, other;
	pid_t pid;

	name_them(t, &p);
	pid = live_do(t, by_path, &p);
	MUST(lstat(p.old, &st));
	MUST(lstat(p.new, &other));
	EXPECT(st.st_nlink == 2 && st.st_ino == other.st_ino);
	live_end(t);
	EXPECT_UINT(live_count(t, "LINK", 0), 3);
	link = live_nth(t, "LINK", pid, 0)->link;
	EXPECT_STR(link->old_file->path, p.old);
	EXPECT_STR(link->new_file->path, p.new);
	EXPECT_FIELD(link, flags, 0);
	EXPECT(!link->has_call_errno);
	live_expect_name_since(link->old_file, 15);
	live_expect_name_since(link->new_file, 15);
	EXPECT_FIELD(live_nth(t, "LINK", pid, 1)->link, call_errno, EEXIST);
	link = live_nth(t, "LINK", pid, 2)->link;
	EXPECT_FIELD(link, call_errno, ENOENT);
	EXPECT_STR(link->old_file->path, "/nowhere/at/all");
	EXPECT_STR(link->new_file->path, p.new);
}

static void by_descriptors(struct live *t, void *arg)
{
	int dir = MUST(open(t->dir, O_PATH | O_DIRECTORY | O_CLOEXEC));
	int file = MUST(openat(dir, "old", O_RDWR | O_CLOEXEC));

	(void)arg;
	MUST(chdir("/"));
	MUST(symlinkat("old", dir, "soft"));
	MUST(linkat(dir, "soft", dir, "new", AT_SYMLINK_FOLLOW));
	MUST(linkat(file, "", dir, "newer", AT_EMPTY_PATH));
	EXPECT(linkat(dir, "old", dir, "newest", 0x40000000) < 0 && errno == EINVAL);
}

/* The names are as given, the flags say what was linked. */
LIVE(link_at_directories, LIVE_FIRST)
{
	Varve__V1__Link *link;
	char path[310];
	struct pair p;
	struct stat st;
	pid_t pid;

	name_them(t, &p);
	pid = live_do(t, by_descriptors, NULL);
	MUST(lstat(p.new, &st));
	EXPECT(st.st_nlink == 3 && S_ISREG(st.st_mode));
	live_end(t);
	EXPECT_UINT(live_count(t, "LINK", 0), 3);
	link = live_nth(t, "LINK", pid, 0)->link;
	snprintf(path, sizeof(path), "%s/soft", t->dir);
	EXPECT_STR(link->old_file->path, path);
	EXPECT_STR(link->new_file->path, p.new);
	EXPECT_FIELD(link, flags, AT_SYMLINK_FOLLOW);
	link = live_nth(t, "LINK", pid, 1)->link;
	EXPECT_STR(link->old_file->path, p.old);
	EXPECT_FIELD(link, flags, AT_EMPTY_PATH);
	link = live_nth(t, "LINK", pid, 2)->link;
	EXPECT_FIELD(link, flags, 0x40000000);
	EXPECT_FIELD(link, call_errno, EINVAL);
}
