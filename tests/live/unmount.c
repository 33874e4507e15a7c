/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/mounts.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

static void taken_away(struct live *t, void *arg)
{
	struct mounts_line line;

	(void)arg;
	mounts_enter();
	MUST(chdir(t->dir));
	MUST(symlink("m", "soft"));
	MUST(mount("s", "m", "tmpfs", 0, NULL));
	EXPECT(umount2("soft", UMOUNT_NOFOLLOW) < 0 && errno == EINVAL);
	MUST(umount2("soft", MNT_DETACH));
	MUST(mount("s", "m", "tmpfs", 0, NULL));
	MUST(umount("m"));
	snprintf(t->shared->text[0], 300, "%s/m", t->dir);
	EXPECT(!mounts_find(t->shared->text[0], &line));
	EXPECT(umount("m") < 0 && errno == EINVAL);
	EXPECT(umount("/nowhere/at/all") < 0 && errno == ENOENT);
	EXPECT(umount((void *)8) < 0 && errno == EFAULT);
	EXPECT(umount2("m", 0x40000000) < 0 && errno == EINVAL);
}

LIVE(unmount_and_failure, LIVE_FIRST)
{
	static const struct {
		uint32_t flags, err;
	} want[] = {{UMOUNT_NOFOLLOW, EINVAL},
		    {MNT_DETACH, 0},
		    {0, 0},
		    {0, EINVAL},
		    {0, ENOENT},
		    {0, EFAULT},
		    {0x40000000, EINVAL}};
	Varve__V1__Unmount *u[ARRAY_SIZE(want)];
	char path[300], soft[300];
	pid_t pid;
	size_t i;

	snprintf(path, sizeof(path), "%s/m", t->dir);
	snprintf(soft, sizeof(soft), "%s/soft", t->dir);
	MUST(mkdir(path, 0755));
	pid = live_do(t, taken_away, NULL);
	live_end(t);
	EXPECT_UINT(live_count(t, "UNMOUNT", 0), ARRAY_SIZE(want));
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		u[i] = live_nth(t, "UNMOUNT", pid, i)->unmount;
		EXPECT_FIELD(u[i], flags, want[i].flags);
		EXPECT_UINT(u[i]->has_call_errno ? u[i]->call_errno : 0, want[i].err);
	}
	mounts_expect_place(u[0]->target, soft, soft);
	mounts_expect_place(u[1]->target, soft, path);
	mounts_expect_place(u[2]->target, path, path);
	EXPECT_STR(u[3]->target->path, path);
	EXPECT_STR(u[4]->target->path, "/nowhere/at/all");
	EXPECT(!u[5]->target || !u[5]->target->path);
	EXPECT_STR(u[6]->target->path, path);
}

static long call_32(long nr, long a, long b)
{
	long ret = nr;

	asm volatile("int $0x80" : "+a"(ret) : "b"(a), "c"(b) : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

/* Numbers are those of 32-bit programs: umount is one that no other has. */
static void from_32_bit(struct live *t, void *arg)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	(void)arg;
	EXPECT(low != MAP_FAILED);
	mounts_enter();
	snprintf(low, 4096, "%s/m", t->dir);
	MUST(mount("s", low, "tmpfs", 0, NULL));
	EXPECT_UINT(call_32(22, (long)low, 0), 0);
	EXPECT_UINT(call_32(22, (long)low, 0), (unsigned long long)-EINVAL);
	EXPECT_UINT(call_32(52, (long)low, MNT_DETACH), (unsigned long long)-EINVAL);
	EXPECT_UINT(call_32(40, (long)low, 0), 0);
	EXPECT_UINT(call_32(39, (long)low, 0711), 0);
}

static void try_32_bit(struct live *t, void *arg)
{
	(void)t;
	(void)arg;
	call_32(20, 0, 0); /* getpid; dies where the kernel has none */
}

LIVE(unmount_32_bit, LIVE_FIRST)
{
	Varve__V1__Unmount *u;
	char path[300];
	pid_t pid;

	if (live_wait(live_spawn(t, try_32_bit, NULL)))
		live_skip("no 32-bit system calls");
	snprintf(path, sizeof(path), "%s/m", t->dir);
	MUST(mkdir(path, 0755));
	pid = live_do(t, from_32_bit, NULL);
	live_end(t);
	EXPECT_UINT(live_count(t, "UNMOUNT", 0), 3);
	u = live_nth(t, "UNMOUNT", pid, 0)->unmount;
	mounts_expect_place(u->target, path, path);
	EXPECT_FIELD(u, flags, 0);
	EXPECT(!u->has_call_errno);
	EXPECT_FIELD(live_nth(t, "UNMOUNT", pid, 1)->unmount, call_errno, EINVAL);
	u = live_nth(t, "UNMOUNT", pid, 2)->unmount;
	EXPECT_FIELD(u, call_errno, EINVAL);
	EXPECT_FIELD(u, flags, MNT_DETACH);
	EXPECT_STR(live_one(t, "RMDIR", pid)->rmdir->file->path, path);
	EXPECT_STR(live_one(t, "MKDIR", pid)->mkdir->file->path, path);
	EXPECT_FIELD(live_one(t, "MKDIR", pid)->mkdir, mode, 0711);
}
