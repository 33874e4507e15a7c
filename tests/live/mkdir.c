/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <sys/stat.h>

static void make(struct live *t, void *arg)
{
	struct stat st;

	(void)arg;
	MUST(chdir(t->dir));
	umask(027);
	MUST(mkdir("a", 0777));
	MUST(lstat("a", &st));
	t->shared->value[0] = st.st_mode;
	MUST(mkdirat(AT_FDCWD, "b", 01700));
	MUST(lstat("b", &st));
	t->shared->value[1] = st.st_mode;
	EXPECT(mkdir("a", 0) < 0 && errno == EEXIST);
	EXPECT(mkdir("/nowhere/at/all", 0755) < 0 && errno == ENOENT);
}

LIVE(mkdir_mode, LIVE_FIRST)
{
	pid_t pid = live_do(t, make, NULL);
	Varve__V1__Mkdir *m;
	char path[300];

	live_end(t);
	EXPECT_UINT(live_count(t, "MKDIR", 0), 4);
	m = live_nth(t, "MKDIR", pid, 0)->mkdir;
	snprintf(path, sizeof(path), "%s/a", t->dir);
	EXPECT_STR(m->file->path, path);
	EXPECT_FIELD(m, mode, 0777);
	EXPECT_UINT(S_IFDIR | (m->mode & ~027), t->shared->value[0] & ~S_ISGID);
	EXPECT(!m->has_call_errno);
	m = live_nth(t, "MKDIR", pid, 1)->mkdir;
	EXPECT_UINT(S_IFDIR | m->mode, t->shared->value[1] & ~S_ISGID);
	m = live_nth(t, "MKDIR", pid, 2)->mkdir;
	EXPECT_STR(m->file->path, path);
	EXPECT_FIELD(m, mode, 0);
	EXPECT_FIELD(m, call_errno, EEXIST);
	m = live_nth(t, "MKDIR", pid, 3)->mkdir;
	EXPECT_STR(m->file->path, "/nowhere/at/all");
	EXPECT_FIELD(m, call_errno, ENOENT);
}
