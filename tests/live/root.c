/* SPDX-License-Identifier: Apache-2.0 */
/* What is recorded against /proc/PID/root, as a process outside sees it. */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* The kernel does not come to read where the old root was to be put: so it has to be in memory. */
static void fail_to_change(struct live *t, void *arg)
{
	char put_old[] = "/else";

	(void)t;
	(void)arg;
	EXPECT(chroot("/nowhere/at/all") < 0 && errno == ENOENT);
	EXPECT(chroot((const char *)8) < 0 && errno == EFAULT);
	EXPECT(syscall(SYS_pivot_root, "/nowhere", put_old) < 0 && errno == ENOENT);
	MUST(setuid(65534));
	EXPECT(chroot("/") < 0 && errno == EPERM);
}

LIVE(root_failure, LIVE_FIRST)
{
	static const uint32_t errs[] = {ENOENT, EFAULT, ENOENT, EPERM};
	pid_t pid = live_do(t, fail_to_change, NULL);
	const Varve__V1__Root *r;
	struct stat st;
	size_t i;

	live_end(t);
	MUST(stat("/", &st));
	EXPECT_UINT(live_count(t, "ROOT", 0), ARRAY_SIZE(errs));
	for (i = 0; i < ARRAY_SIZE(errs); i++) {
		r = live_nth(t, "ROOT", pid, i)->root;
		EXPECT_FIELD(r, call_errno, errs[i]);
		EXPECT_FIELD(r->root, inode, st.st_ino);
	}
	EXPECT_STR(live_nth(t, "ROOT", pid, 0)->root->path, "/nowhere/at/all");
	EXPECT(!live_nth(t, "ROOT", pid, 1)->root->path);
	r = live_nth(t, "ROOT", pid, 2)->root;
	EXPECT_STR(r->call, "pivot_root");
	EXPECT_STR(r->path, "/nowhere");
	EXPECT_STR(r->put_old, "/else");
}

/* Says so and waits to be looked at. */
static void change_root(struct live *t, void *arg)
{
	MUST(chdir(t->dir));
	MUST(chroot(arg));
	__atomic_store_n(&t->shared->value[0], 1, __ATOMIC_SEQ_CST);
	pause();
}

static void wait_until(const uint64_t *flag)
{
	while (!__atomic_load_n(flag, __ATOMIC_SEQ_CST))
		usleep(1000);
}

/* A name relative to the working directory, which stays outside. */
LIVE(root_chroot, LIVE_FIRST)
{
	char sub[300], link[300], seen[4096] = "";
	const Varve__V1__Root *r;
	struct stat st;
	pid_t pid;

	snprintf(sub, sizeof(sub), "%s/sub", t->dir);
	MUST(mkdir(sub, 0755));
	MUST(stat(sub, &st));
	pid = live_spawn(t, change_root, "./sub");
	wait_until(&t->shared->value[0]);
	snprintf(link, sizeof(link), "/proc/%d/root", pid);
	MUST(readlink(link, seen, sizeof(seen) - 1));
	MUST(kill(pid, SIGKILL));
	live_wait(pid);
	live_end(t);
	EXPECT_UINT(live_count(t, "ROOT", 0), 1);
	r = live_one(t, "ROOT", pid)->root;
	EXPECT_STR(r->call, "chroot");
	EXPECT_STR(r->path, "./sub");
	EXPECT(!r->put_old && !r->has_call_errno);
	EXPECT_STR(r->root->path, seen);
	EXPECT_STR(r->root->path, sub);
	EXPECT(!r->root->has_path_unreachable && !r->root->has_path_user_memory);
	EXPECT_FIELD(r->root, inode, st.st_ino);
	EXPECT_FIELD(r->cwd, path_unreachable, 1);
	EXPECT_STR(r->cwd->path, t->dir);
}

static void pivot(struct live *t, void *arg)
{
	struct stat st;

	(void)arg;
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount("new", t->dir, "tmpfs", 0, NULL));
	MUST(chdir(t->dir));
	MUST(mkdir("old", 0755));
	MUST(syscall(SYS_pivot_root, ".", "old"));
	MUST(stat("/", &st));
	t->shared->value[0] = st.st_ino;
	t->shared->value[1] = st.st_dev;
}

LIVE(root_pivot, LIVE_FIRST)
{
	pid_t pid = live_do(t, pivot, NULL);
	const Varve__V1__Root *r;

	live_end(t);
	r = live_one(t, "ROOT", pid)->root;
	EXPECT_STR(r->call, "pivot_root");
	EXPECT_STR(r->path, ".");
	EXPECT_STR(r->put_old, "old");
	EXPECT_STR(r->root->path, "/");
	EXPECT_FIELD(r->root, inode, t->shared->value[0]);
	EXPECT_UINT(r->root->device & 0xfffff, t->shared->value[1]); /* an anonymous device */
	EXPECT_STR(r->cwd->path, "/");
}
