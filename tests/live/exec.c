/* SPDX-License-Identifier: Apache-2.0 */
/* exec: who, what file, from where. exec_args.c has the arguments. */
#include "tests/live/account.h"
#include "tests/live/stopped.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <pty.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>

/* --- the ordinary case, every field */

LIVE(exec_ordinary, LIVE_FIRST)
{
	struct stopped s = {.name = "program"};
	struct account_process want;
	Varve__V1__Event *ev;
	struct stat st, cwd;
	char path[300];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/program", t->dir);
	account_write_program(path);
	MUST(stat(path, &st));
	MUST(stat(t->dir, &cwd));
	pid = stopped_run(t, &s, &want);
	ev = live_one(t, "EXEC", pid);
	account_expect_process(ev->process, pid, &want);
	account_expect_namespaces(ev->exec->namespaces, &want);
	account_expect_file(ev->exec->file, &st);
	account_expect_file(ev->exec->cwd, &cwd);
	EXPECT_STR(ev->exec->file->path, path);
	EXPECT_STR(ev->exec->file->path, want.exe);
	EXPECT_STR(ev->exec->cwd->path, want.cwd);
	EXPECT_STR(ev->exec->filename, "./program");
	EXPECT(!ev->exec->interpreter && !ev->exec->tty && !want.tty);
	EXPECT(!ev->exec->file->has_memfd && !ev->exec->file->has_unlinked);
	EXPECT(!ev->exec->file->has_overlay_upper && !ev->exec->file->has_path_user_memory);
	EXPECT_STR(ev->process->exe_path, path);
	EXPECT_FIELD(live_one(t, "EXIT", pid)->exit, code, ACCOUNT_PROGRAM_CODE);
	EXPECT_STR(live_one(t, "EXIT", pid)->process->exe_path, path);
	EXPECT_STR(live_one(t, "EXIT", pid)->process->process_uid, ev->process->process_uid);
}

static void fails(struct live *t, void *arg)
{
	(void)arg;
	EXPECT(execl("/nowhere/at/all", "x", NULL) < 0 && errno == ENOENT);
	EXPECT(execl(t->dir, "x", NULL) < 0 && errno == EACCES);
}

LIVE(exec_not_of_failure, LIVE_FIRST)
{
	live_do(t, fails, NULL);
	live_end(t);
	EXPECT_UINT(live_count(t, "EXEC", 0), 0);
}

/* --- what file */

static void unlink_it(struct stopped *s)
{
	s->fd = MUST(open("program", O_PATH | O_CLOEXEC));
	MUST(unlink("program"));
}

LIVE(exec_unlinked, LIVE_FIRST)
{
	struct stopped s = {.name = "program", .before = unlink_it, .by_fd = true};
	struct account_process want;
	Varve__V1__Exec *ev;
	char path[300];

	snprintf(path, sizeof(path), "%s/program", t->dir);
	account_write_program(path);
	ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;
	EXPECT_FIELD(ev->file, unlinked, 1);
	EXPECT(!ev->file->has_memfd);
	EXPECT_STR(ev->file->path, path);
	EXPECT(strstr(want.exe, " (deleted)"));
}

static void make_memfd(struct stopped *s)
{
	s->fd = MUST(memfd_create("no file", MFD_CLOEXEC));
	account_write_program_fd(s->fd);
}

LIVE(exec_memfd, LIVE_FIRST)
{
	struct stopped s = {.before = make_memfd, .by_fd = true};
	struct account_process want;
	Varve__V1__Exec *ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;

	EXPECT_FIELD(ev->file, memfd, 1);
	EXPECT(!ev->file->has_path_unreachable);
	EXPECT_STR(ev->file->path, "memfd:no file");
	EXPECT_STR(want.exe, "/memfd:no file (deleted)");
}

static void private_mounts(void)
{
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

/* Lower holds "low", upper is written to from here on. */
static void mount_overlay(struct stopped *s)
{
	(void)s;
	private_mounts();
	MUST(mount("none", "stage", "tmpfs", 0, NULL)); /* an upper layer wants xattrs of its file system */
	MUST(chdir("stage"));
	MUST(mkdir("lower", 0755) | mkdir("upper", 0755) | mkdir("work", 0755) | mkdir("merged", 0755));
	account_write_program("lower/program");
	if (mount("overlay", "merged", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work"))
		live_skip("no overlayfs here: %s", strerror(errno));
	MUST(chdir("merged"));
}

static void write_upper(struct stopped *s)
{
	mount_overlay(s);
	account_write_program("program2");
	MUST(rename("program2", "program"));
}

static void touch_lower(struct stopped *s)
{
	mount_overlay(s);
	MUST(chmod("program", 0700)); /* copies it up */
}

static void expect_overlay(struct live *t, void (*before)(struct stopped *), bool upper)
{
	struct stopped s = {.name = "program", .before = before};
	struct account_process want;
	Varve__V1__Exec *ev;
	char path[300];

	snprintf(path, sizeof(path), "%s/stage", t->dir);
	MUST(mkdir(path, 0755));
	ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;
	EXPECT_UINT(ev->file->has_overlay_upper, upper);
	snprintf(path, sizeof(path), "%.200s/stage/merged/program", t->dir);
	EXPECT_STR(ev->file->path, path);
	EXPECT(ev->namespaces->mnt == want.mnt);
}

LIVE(exec_overlay_lower, LIVE_FIRST)
{
	expect_overlay(t, mount_overlay, false);
}

LIVE(exec_overlay_upper, LIVE_FIRST)
{
	expect_overlay(t, write_upper, true);
}

LIVE(exec_overlay_copied_up, LIVE_FIRST)
{
	expect_overlay(t, touch_lower, true);
}

LIVE(exec_script, LIVE_FIRST)
{
	struct stopped s = {.name = "script", .argv = (char *[]){"zero", "one", NULL}};
	char path[300], interpreter[300], text[400];
	struct account_process want;
	Varve__V1__Exec *ev;
	int fd;

	snprintf(interpreter, sizeof(interpreter), "%s/program", t->dir);
	account_write_program(interpreter);
	snprintf(path, sizeof(path), "%s/script", t->dir);
	fd = MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
	snprintf(text, sizeof(text), "#!%s -x y\n", interpreter);
	EXPECT(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;
	EXPECT_STR(ev->filename, "./script");
	EXPECT_STR(ev->interpreter, interpreter);
	EXPECT_STR(ev->file->path, interpreter);
	EXPECT_FIELD(ev, args_count, 4);
	EXPECT_UINT(ev->n_args, 4);
	EXPECT_STR(ev->args[0], interpreter);
	EXPECT_STR(ev->args[1], "-x y");
	EXPECT_STR(ev->args[2], "./script");
	EXPECT_STR(ev->args[3], "one");
}

/* --- who */

static void become_other(struct stopped *s)
{
	(void)s;
	MUST(setresgid(1001, 1002, 1003));
	MUST(setresuid(2001, 2002, 2003));
}

LIVE(exec_credentials, LIVE_FIRST)
{
	struct stopped s = {.name = "program", .before = become_other};
	struct account_process want;
	Varve__V1__Process *p;
	char path[300];
	pid_t pid;

	MUST(chmod(t->dir, 0755));
	snprintf(path, sizeof(path), "%s/program", t->dir);
	account_write_program(path);
	pid = stopped_run(t, &s, &want);
	p = live_one(t, "EXEC", pid)->process;
	account_expect_process(p, pid, &want);
	EXPECT_FIELD(p, uid, 2001);
	EXPECT_FIELD(p, euid, 2002);
	EXPECT_FIELD(p, gid, 1001);
	EXPECT_FIELD(p, egid, 1002);
	EXPECT_FIELD(p, cap_effective, 0);
}

/* As of after the exec: what the file's bits made of them. */
LIVE(exec_setuid_file, LIVE_FIRST)
{
	struct stopped s = {.name = "program", .before = become_other};
	struct account_process want;
	Varve__V1__Process *p;
	char path[300];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/program", t->dir);
	account_write_program(path);
	MUST(chown(path, 3001, 3002));
	MUST(chmod(path, 06755));
	pid = stopped_run(t, &s, &want);
	p = live_one(t, "EXEC", pid)->process;
	account_expect_process(p, pid, &want);
	EXPECT_FIELD(p, uid, 2001);
	EXPECT_FIELD(p, euid, 3001);
	EXPECT_FIELD(p, egid, 3002);
}

/* Root's inheritable set bounds nothing; its bounding set does. */
static void drop_capability(struct stopped *s)
{
	(void)s;
	MUST(syscall(SYS_prctl, 24 /* PR_CAPBSET_DROP */, CAP_SYS_BOOT, 0, 0, 0));
}

LIVE(exec_capabilities, LIVE_FIRST)
{
	struct stopped s = {.name = "program", .before = drop_capability};
	struct account_process want;
	char path[300];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/program", t->dir);
	account_write_program(path);
	pid = stopped_run(t, &s, &want);
	EXPECT(!(want.cap_effective & (1ull << CAP_SYS_BOOT)) && want.cap_effective);
	EXPECT_FIELD(live_one(t, "EXEC", pid)->process, cap_effective, want.cap_effective);
}

static void take_tty(struct stopped *s)
{
	char name[64];
	int other;

	MUST(setsid());
	MUST(openpty(&other, &s->tty_fd, name, NULL, NULL));
	MUST(ioctl(s->tty_fd, TIOCSCTTY, 0));
	snprintf(s->tty, sizeof(s->tty), "%s", name + strlen("/dev/"));
}

LIVE(exec_tty, LIVE_FIRST)
{
	struct stopped *s = (void *)t->shared->text[7]; /* the child says which terminal it got */
	struct account_process want;
	Varve__V1__Exec *ev;
	char path[300];

	*s = (struct stopped){.name = "program", .before = take_tty};
	snprintf(path, sizeof(path), "%s/program", t->dir);
	account_write_program(path);
	ev = live_one(t, "EXEC", stopped_run(t, s, &want))->exec;
	EXPECT(want.tty);
	EXPECT_STR(ev->tty, s->tty);
}

/* --- by a thread: it becomes the process */

static void *exec_in_thread(void *arg)
{
	stopped_exec(arg);
	return NULL;
}

static void from_thread(struct stopped *s)
{
	pthread_t thread;

	EXPECT(!pthread_create(&thread, NULL, exec_in_thread, s));
	pause();
}

LIVE(exec_by_thread, LIVE_FIRST)
{
	struct stopped s = {.name = "program", .before = from_thread};
	struct account_process want;
	Varve__V1__Event *ev;
	char path[300];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/program", t->dir);
	account_write_program(path);
	pid = stopped_run(t, &s, &want);
	ev = live_one(t, "EXEC", pid);
	account_expect_process(ev->process, pid, &want);
	EXPECT_FIELD(ev->process, tid, (uint32_t)pid);
	EXPECT_UINT(live_count(t, "EXIT", 0), 1);
	EXPECT_STR(live_one(t, "EXIT", pid)->process->process_uid, ev->process->process_uid);
}

/* --- from where */

static void into_chroot(struct stopped *s)
{
	(void)s;
	MUST(chroot("root"));
	MUST(chdir("/sub"));
}

/* Paths are as seen inside. */
LIVE(exec_chroot, LIVE_FIRST)
{
	struct stopped s = {.name = "program", .before = into_chroot};
	struct account_process want;
	Varve__V1__Exec *ev;
	char path[300];

	snprintf(path, sizeof(path), "%s/root", t->dir);
	MUST(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%s/root/sub", t->dir);
	MUST(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%.200s/root/sub/program", t->dir);
	account_write_program(path);
	ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;
	EXPECT_STR(ev->file->path, "/sub/program");
	EXPECT_STR(ev->cwd->path, "/sub");
	EXPECT_STR(want.exe, path); /* /proc shows its reader's side */
	EXPECT(!ev->file->has_path_unreachable);
}

static void chroot_but_stay(struct stopped *s)
{
	(void)s;
	MUST(chroot("root")); /* and the working directory is outside of it */
}

LIVE(exec_outside_of_root, LIVE_FIRST)
{
	struct stopped s = {.name = "program", .before = chroot_but_stay};
	struct account_process want;
	Varve__V1__Exec *ev;
	char path[300];

	snprintf(path, sizeof(path), "%s/root", t->dir);
	MUST(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%s/program", t->dir);
	account_write_program(path);
	ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;
	EXPECT_FIELD(ev->cwd, path_unreachable, 1);
	EXPECT_STR(ev->cwd->path, t->dir);
	EXPECT_FIELD(ev->file, path_unreachable, 1);
	EXPECT_STR(ev->file->path, path);
}

static void bind_mount(struct stopped *s)
{
	(void)s;
	private_mounts();
	MUST(mount("origin", "here", NULL, MS_BIND, NULL));
	MUST(chdir("here/sub"));
}

/* Through the mount that was used, not where the file system has it. */
LIVE(exec_bind_mount, LIVE_FIRST)
{
	struct stopped s = {.name = "program", .before = bind_mount};
	struct account_process want;
	Varve__V1__Exec *ev;
	char path[300];

	snprintf(path, sizeof(path), "%s/here", t->dir);
	MUST(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%s/origin", t->dir);
	MUST(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%s/origin/sub", t->dir);
	MUST(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%.200s/origin/sub/program", t->dir);
	account_write_program(path);
	ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;
	snprintf(path, sizeof(path), "%.200s/here/sub", t->dir);
	EXPECT_STR(ev->cwd->path, path);
	EXPECT_STR(ev->cwd->path, want.cwd);
	EXPECT_STR(ev->file->path, want.exe);
}

static void delete_cwd(struct stopped *s)
{
	s->fd = MUST(open("program", O_PATH | O_CLOEXEC));
	MUST(mkdir("gone", 0755));
	MUST(chdir("gone"));
	MUST(rmdir("../gone"));
}

LIVE(exec_deleted_cwd, LIVE_FIRST)
{
	struct stopped s = {.name = "program", .before = delete_cwd, .by_fd = true};
	struct account_process want;
	Varve__V1__Exec *ev;
	char path[300];

	snprintf(path, sizeof(path), "%s/program", t->dir);
	account_write_program(path);
	ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;
	EXPECT_FIELD(ev->cwd, unlinked, 1);
	snprintf(path, sizeof(path), "%s/gone", t->dir);
	EXPECT_STR(ev->cwd->path, path);
	EXPECT(strstr(want.cwd, " (deleted)"));
	EXPECT(!ev->file->has_unlinked);
}

/* --- a path of 4,095 bytes in 1,000 components and more */

static void deep(struct stopped *s)
{
	char *path = s->deep;
	size_t len = strlen(path);

	while (len + 4 + 2 <= 4095) {
		MUST(mkdir("abc", 0755));
		MUST(chdir("abc"));
		len += sprintf(path + len, "/abc");
	}
	sprintf(path + len, "/%.*s", (int)(4095 - len - 1), "program");
	s->name = strrchr(path, '/') + 1;
	account_write_program(s->name);
}

LIVE(exec_deep_path, LIVE_FIRST)
{
	struct stopped *s = (void *)t->shared->text[7];
	struct account_process want;
	Varve__V1__Exec *ev;

	*s = (struct stopped){.before = deep, .deep = t->shared->text[0]};
	strcpy(s->deep, t->dir);
	ev = live_one(t, "EXEC", stopped_run(t, s, &want))->exec;
	EXPECT_UINT(strlen(s->deep), 4095);
	EXPECT_STR(ev->file->path, s->deep);
	*strrchr(s->deep, '/') = '\0';
	EXPECT_STR(ev->cwd->path, s->deep);
	EXPECT(!ev->file->has_path_length && !ev->cwd->has_path_length);
}
