/* SPDX-License-Identifier: Apache-2.0 */
/* exec: who. exec_args.c has the arguments, exec_file.c what file, exec_path.c from where. */
#include "tests/live/account.h"
#include "tests/live/stopped.h"
#include <linux/capability.h>
#include <pty.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

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

static void other_user_namespace(struct stopped *s)
{
	(void)s;
	MUST(unshare(CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP));
}

/* Ids are those of the initial user namespace; every namespace is the one /proc names. */
LIVE(exec_other_namespaces, LIVE_FIRST)
{
	int status;
	pid_t probe;
	struct stopped s = {.name = "program", .before = other_user_namespace};
	struct account_process want, self;
	Varve__V1__Event *ev;
	char path[300];
	pid_t pid;

	/* A chroot, or a system that forbids user namespaces. */
	probe = fork();
	if (!probe)
		_exit(unshare(CLONE_NEWUSER) ? errno : 0);
	MUST(waitpid(probe, &status, 0));
	if (WEXITSTATUS(status))
		live_skip("the kernel refuses user namespaces: %s", strerror(WEXITSTATUS(status)));

	snprintf(path, sizeof(path), "%s/program", t->dir);
	account_write_program(path);
	pid = stopped_run(t, &s, &want);
	account_read_process(getpid(), &self);
	ev = live_one(t, "EXEC", pid);
	account_expect_process(ev->process, pid, &want);
	account_expect_namespaces(ev->exec->namespaces, &want);
	EXPECT(want.user != self.user && want.uts != self.uts && want.ipc != self.ipc);
	EXPECT(want.net != self.net && want.cgroup != self.cgroup);
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
