/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <fcntl.h>

#define HOSTILE "../\xff\x1b[2J"

static void make(struct live *t, void *arg)
{
	char said[5000];

	(void)arg;
	MUST(chdir(t->dir));
	MUST(symlink("/etc/shadow", "a"));
	MUST(symlink(HOSTILE, "b"));
	said[MUST(readlink("b", said, sizeof(said) - 1))] = '\0';
	EXPECT_STR(said, HOSTILE);
	memset(said, 't', 4095);
	said[4095] = '\0';
	EXPECT(symlink(said, "c") == 0 || errno == ENAMETOOLONG);
	t->shared->value[0] = MUST(readlink("a", said, sizeof(said)));
	EXPECT(symlink("/etc/shadow", "a") < 0 && errno == EEXIST);
	EXPECT(symlink("", "d") < 0 && errno == ENOENT);
	EXPECT(symlink((const char *)8, "d") < 0 && errno == EFAULT);
}

/* The target is as it was given; whether there is such a file does not matter. */
LIVE(symlink_target, LIVE_FIRST)
{
	pid_t pid = live_do(t, make, NULL);
	Varve__V1__Symlink *s;
	char path[300];

	live_end(t);
	EXPECT_UINT(live_count(t, "SYMLINK", 0), 6);
	s = live_nth(t, "SYMLINK", pid, 0)->symlink;
	snprintf(path, sizeof(path), "%s/a", t->dir);
	EXPECT_STR(s->file->path, path);
	EXPECT_STR(s->target, "/etc/shadow");
	EXPECT_UINT(strlen(s->target), t->shared->value[0]);
	EXPECT(!s->has_call_errno && !s->has_target_raw);
	live_expect_name_since(s->file, 15);
	s = live_nth(t, "SYMLINK", pid, 1)->symlink;
	EXPECT_UINT(s->target_raw.len, strlen(HOSTILE));
	EXPECT(!memcmp(s->target_raw.data, HOSTILE, strlen(HOSTILE)));
	s = live_nth(t, "SYMLINK", pid, 2)->symlink;
	EXPECT_UINT(strlen(s->target), 4095);
	EXPECT_UINT(strspn(s->target, "t"), 4095);
	s = live_nth(t, "SYMLINK", pid, 3)->symlink;
	EXPECT_FIELD(s, call_errno, EEXIST);
	EXPECT_STR(s->target, "/etc/shadow");
}

/* What cannot be is recorded, too: an empty target, and one that is not readable. */
LIVE(symlink_failure, LIVE_FIRST)
{
	pid_t pid = live_do(t, make, NULL);
	Varve__V1__Symlink *s;
	char path[300];

	live_end(t);
	snprintf(path, sizeof(path), "%s/d", t->dir);
	EXPECT(access(path, F_OK));
	s = live_nth(t, "SYMLINK", pid, 4)->symlink;
	EXPECT_FIELD(s, call_errno, ENOENT);
	EXPECT_STR(s->file->path, path);
	/* The kernel refuses to copy an empty name. */
	EXPECT(!s->target || !*s->target);
	s = live_nth(t, "SYMLINK", pid, 5)->symlink;
	EXPECT_FIELD(s, call_errno, EFAULT);
	EXPECT_STR(s->file->path, path);
	EXPECT(!s->target);
}

static void at_directory(struct live *t, void *arg)
{
	int fd = MUST(open(t->dir, O_PATH | O_DIRECTORY | O_CLOEXEC));

	(void)arg;
	MUST(symlinkat("..", fd, "up"));
	t->shared->value[0] = MUST(readlinkat(fd, "up", t->shared->text[0], 100));
}

LIVE(symlink_at_directory, LIVE_FIRST)
{
	pid_t pid = live_do(t, at_directory, NULL);
	Varve__V1__Symlink *s;
	char path[300];

	live_end(t);
	snprintf(path, sizeof(path), "%s/up", t->dir);
	s = live_one(t, "SYMLINK", pid)->symlink;
	EXPECT_STR(s->file->path, path);
	EXPECT_STR(s->target, t->shared->text[0]);
}
