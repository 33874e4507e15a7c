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
	int fd;

	snprintf(path, sizeof(path), "%s/file", t->dir);
	fd = MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	EXPECT(write(fd, "0123456789", 10) == 10);
	close(fd);
	return path;
}

static uint64_t size_of(const char *path)
{
	struct stat st;

	MUST(stat(path, &st));
	return st.st_size;
}

static void by_path(struct live *t, void *arg)
{
	(void)t;
	MUST(truncate(arg, 5));
}

LIVE(truncate_by_path, LIVE_FIRST)
{
	const char *path = make(t);
	pid_t pid = live_do(t, by_path, (void *)path);
	Varve__V1__Truncate *ev;

	live_end(t);
	EXPECT_UINT(live_count(t, "TRUNCATE", 0), 1);
	ev = live_one(t, "TRUNCATE", pid)->truncate;
	EXPECT_FIELD(ev, length, 5);
	EXPECT_STR(ev->file->path, path);
	live_expect_name(ev->file);
	if (live_trampolines())
		EXPECT_FIELD(ev->file, size, 10);
	EXPECT(!ev->has_call_errno);
	EXPECT_UINT(size_of(path), 5);
}

static void by_fd(struct live *t, void *arg)
{
	int fd = MUST(open(arg, O_RDWR));

	(void)t;
	MUST(ftruncate(fd, 1 << 20));
	EXPECT(ftruncate(fd, -3) < 0 && errno == EINVAL);
}

LIVE(truncate_by_descriptor, LIVE_FIRST)
{
	const char *path = make(t);
	pid_t pid = live_do(t, by_fd, (void *)path);
	Varve__V1__Truncate *ev;

	live_end(t);
	EXPECT_UINT(live_count(t, "TRUNCATE", 0), 2);
	ev = live_nth(t, "TRUNCATE", pid, 0)->truncate;
	EXPECT_FIELD(ev, length, 1 << 20);
	EXPECT_STR(ev->file->path, path);
	EXPECT(!ev->file->has_path_user_memory);
	EXPECT_FIELD(ev->file, size, 1 << 20);
	ev = live_nth(t, "TRUNCATE", pid, 1)->truncate;
	EXPECT(ev->length == -3);
	EXPECT_FIELD(ev, call_errno, EINVAL);
	EXPECT_UINT(size_of(path), 1 << 20);
}

static void fails(struct live *t, void *arg)
{
	(void)arg;
	EXPECT(truncate("/nowhere/at/all", 1) < 0 && errno == ENOENT);
	EXPECT(truncate(t->dir, 1) < 0 && errno == EISDIR);
	EXPECT(ftruncate(-1, 1) < 0 && errno == EBADF);
}

LIVE(truncate_failure, LIVE_FIRST)
{
	static const uint32_t errs[] = {ENOENT, EISDIR, EBADF};
	pid_t pid = live_do(t, fails, NULL);
	size_t i;

	live_end(t);
	EXPECT_UINT(live_count(t, "TRUNCATE", 0), ARRAY_SIZE(errs));
	for (i = 0; i < ARRAY_SIZE(errs); i++)
		EXPECT_FIELD(live_nth(t, "TRUNCATE", pid, i)->truncate, call_errno, errs[i]);
	EXPECT_STR(live_nth(t, "TRUNCATE", pid, 0)->truncate->file->path, "/nowhere/at/all");
	EXPECT_STR(live_nth(t, "TRUNCATE", pid, 1)->truncate->file->path, t->dir);
	live_expect_name(live_nth(t, "TRUNCATE", pid, 1)->truncate->file);
}

/* truncate64, ftruncate64, truncate. */
static void by_32(struct live *t, void *arg)
{
	uint32_t path = ia32_text(arg);
	int fd = MUST(open(arg, O_RDWR));

	(void)t;
	EXPECT_UINT(ia32_call(193, path, 7, 1, 0, 0), 0);
	EXPECT_UINT(size_of(arg), (1ull << 32) + 7);
	EXPECT_UINT(ia32_call(194, fd, 9, 2, 0, 0), 0);
	EXPECT_UINT(size_of(arg), (2ull << 32) + 9);
	EXPECT_UINT(ia32_call(92, path, 3, 0, 0, 0), 0);
	EXPECT_UINT(size_of(arg), 3);
}

LIVE(truncate_by_32_bit, LIVE_FIRST)
{
	static const uint64_t lengths[] = {(1ull << 32) + 7, (2ull << 32) + 9, 3};
	const char *path = make(t);
	pid_t pid = live_do(t, by_32, (void *)path);
	size_t i;

	live_end(t);
	EXPECT_UINT(live_count(t, "TRUNCATE", 0), ARRAY_SIZE(lengths));
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		Varve__V1__Truncate *ev = live_nth(t, "TRUNCATE", pid, i)->truncate;

		EXPECT_FIELD(ev, length, lengths[i]);
		EXPECT_STR(ev->file->path, path);
		if (i != 1)
			live_expect_name(ev->file);
	}
}
