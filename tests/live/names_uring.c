/* SPDX-License-Identifier: Apache-2.0 */
/* Names made and removed through io_uring: the same records, with the kernel's own copy of names.
 */
#include "tests/live/ring.h"
#include <fcntl.h>
#include <sys/stat.h>

enum { MADE, SOFT, HARD };

static int dir_fd; /* what all names are relative to */

static struct io_uring_sqe request(uint8_t op, const char *a, const char *b)
{
	return (struct io_uring_sqe){.opcode = op,
				     .fd = dir_fd,
				     .addr = (uintptr_t)a,
				     .addr2 = (uintptr_t)b,
				     .len = op == IORING_OP_LINKAT ? (uint32_t)dir_fd : 0};
}

static void all(struct live *t, void *arg)
{
	const char *made = t->shared->text[MADE];
	struct io_uring_sqe sqe;
	struct stat st;
	struct ring r;

	(void)arg;
	dir_fd = MUST(open(t->dir, O_PATH | O_DIRECTORY | O_CLOEXEC));
	ring_open(&r, 0);
	sqe = request(IORING_OP_MKDIRAT, "made", NULL);
	sqe.len = 0710;
	EXPECT_UINT(ring_do(&r, &sqe), 0);
	EXPECT_UINT(-ring_do(&r, &sqe), EEXIST);
	EXPECT(!lstat(made, &st) && S_ISDIR(st.st_mode));
	sqe = request(IORING_OP_UNLINKAT, "made", NULL);
	sqe.unlink_flags = AT_REMOVEDIR;
	EXPECT_UINT(ring_do(&r, &sqe), 0);
	EXPECT_UINT(-ring_do(&r, &sqe), ENOENT);
	EXPECT(lstat(made, &st) < 0);
	sqe = request(IORING_OP_SYMLINKAT, "nowhere", "soft");
	EXPECT_UINT(ring_do(&r, &sqe), 0);
	EXPECT(!lstat(t->shared->text[SOFT], &st) && S_ISLNK(st.st_mode));
	sqe = request(IORING_OP_LINKAT, "soft", "hard");
	EXPECT_UINT(ring_do(&r, &sqe), 0);
	EXPECT(!lstat(t->shared->text[SOFT], &st) && st.st_nlink == 2);
}

static void expect_name(const Varve__V1__File *file, const char *path)
{
	EXPECT_STR(file->path, path);
	EXPECT(!file->has_path_user_memory);
}

LIVE(names_by_uring, LIVE_FIRST)
{
	static const char *const names[] = {"made", "soft", "hard"};
	const Varve__V1__Symlink *s;
	const Varve__V1__Link *l;
	pid_t pid;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		snprintf(t->shared->text[i], sizeof(t->shared->text[i]), "%s/%s", t->dir, names[i]);
	pid = live_do(t, all, NULL);
	live_end(t);
	EXPECT_UINT(live_count(t, "MKDIR", 0), 2);
	expect_name(live_nth(t, "MKDIR", pid, 0)->mkdir->file, t->shared->text[MADE]);
	EXPECT_FIELD(live_nth(t, "MKDIR", pid, 0)->mkdir, mode, 0710);
	EXPECT_FIELD(live_nth(t, "MKDIR", pid, 1)->mkdir, call_errno, EEXIST);
	EXPECT_UINT(live_count(t, "RMDIR", 0), 2);
	EXPECT_UINT(live_count(t, "UNLINK", 0), 0);
	expect_name(live_nth(t, "RMDIR", pid, 0)->rmdir->file, t->shared->text[MADE]);
	EXPECT(!live_nth(t, "RMDIR", pid, 0)->rmdir->has_call_errno);
	EXPECT_FIELD(live_nth(t, "RMDIR", pid, 1)->rmdir, call_errno, ENOENT);
	s = live_one(t, "SYMLINK", pid)->symlink;
	expect_name(s->file, t->shared->text[SOFT]);
	EXPECT_STR(s->target, "nowhere");
	l = live_one(t, "LINK", pid)->link;
	expect_name(l->old_file, t->shared->text[SOFT]);
	expect_name(l->new_file, t->shared->text[HARD]);
	EXPECT_FIELD(l, flags, 0);
}
