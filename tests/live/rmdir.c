/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <sys/stat.h>

static void removal(struct live *t, void *arg)
{
	(void)arg;
	MUST(chdir(t->dir));
	EXPECT(rmdir("a") < 0 && errno == ENOTEMPTY);
	MUST(unlinkat(AT_FDCWD, "a/b", AT_REMOVEDIR));
	MUST(rmdir("a"));
	EXPECT(rmdir("a") < 0 && errno == ENOENT);
	EXPECT(rmdir("file") < 0 && errno == ENOTDIR);
	EXPECT(unlinkat(AT_FDCWD, ".", AT_REMOVEDIR) < 0 && errno == EINVAL);
}

/* By either call, and none of them is an UNLINK. */
LIVE(rmdir_by_either_call, LIVE_FIRST)
{
	static const struct {
		const char *name;
		uint32_t err;
	} want[] = {{"a", ENOTEMPTY}, {"a/b", 0},	 {"a", 0},
		    {"a", ENOENT},    {"file", ENOTDIR}, {".", EINVAL}};
	char path[300];
	size_t i;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/file", t->dir);
	close(MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
	snprintf(path, sizeof(path), "%s/a", t->dir);
	MUST(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%s/a/b", t->dir);
	MUST(mkdir(path, 0755));
	pid = live_do(t, removal, NULL);
	snprintf(path, sizeof(path), "%s/a", t->dir);
	EXPECT(access(path, F_OK) && errno == ENOENT);
	live_end(t);
	EXPECT_UINT(live_count(t, "UNLINK", 0), 0);
	EXPECT_UINT(live_count(t, "RMDIR", 0), ARRAY_SIZE(want));
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		Varve__V1__Rmdir *r = live_nth(t, "RMDIR", pid, i)->rmdir;

		snprintf(path, sizeof(path), "%s/%s", t->dir, want[i].name);
		EXPECT_STR(r->file->path, path);
		live_expect_name(r->file);
		EXPECT_UINT(r->has_call_errno ? r->call_errno : 0, want[i].err);
	}
}
