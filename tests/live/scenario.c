/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/scenario.h"
#include "tests/live/account.h"
#include "tests/live/ia32.h"
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/net.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* --- the two entries */

struct both {
	int nr, nr32;
};

/* <asm/unistd_32.h> */
static const struct both c_open = {SYS_open, 5}, c_openat = {SYS_openat, 295},
			 c_creat = {SYS_creat, 8}, c_openat2 = {SYS_openat2, 437},
			 c_rename = {SYS_rename, 38}, c_renameat = {SYS_renameat, 302},
			 c_renameat2 = {SYS_renameat2, 353}, c_unlink = {SYS_unlink, 10},
			 c_unlinkat = {SYS_unlinkat, 301}, c_connect = {SYS_connect, 362},
			 c_accept = {SYS_accept, -1}, c_accept4 = {SYS_accept4, 364},
			 c_uring = {SYS_io_uring_setup, 425}, c_execve = {SYS_execve, 11},
			 c_getpid = {SYS_getpid, 20}, c_mkdir = {SYS_mkdir, 39},
			 c_rmdir = {SYS_rmdir, 40}, c_link = {SYS_link, 9},
			 c_symlink = {SYS_symlink, 83}, c_mknod = {SYS_mknod, 14},
			 c_chmod = {SYS_chmod, 15}, c_chown = {SYS_chown, 212},
			 c_truncate = {SYS_truncate, 92}, c_memfd = {SYS_memfd_create, 356},
			 c_setuid = {SYS_setuid, 213}, c_unshare = {SYS_unshare, 310},
			 c_chroot = {SYS_chroot, 61}, c_umount = {SYS_umount2, 52};
#define NR32_SOCKETCALL 102

static long int80(long nr, const uintptr_t arg[5])
{
	return ia32_call(nr, arg[0], arg[1], arg[2], arg[3], arg[4]);
}

static long do_call(bool is_32, struct both c, const uintptr_t arg[5])
{
	long ret;

	if (is_32)
		return int80(c.nr32, arg);
	ret = syscall(c.nr, arg[0], arg[1], arg[2], arg[3], arg[4]);
	return ret < 0 ? -errno : ret;
}

bool scenario_has_32(char *ret_why, size_t size)
{
	int status;
	pid_t pid = MUST(fork());

	if (!pid)
		_exit(int80(c_getpid.nr32, (uintptr_t[5]){}) == getpid() ? 0 : 1);
	status = live_wait(pid);
	if (WIFSIGNALED(status))
		snprintf(ret_why, size, "signal %d", WTERMSIG(status));
	else
		snprintf(ret_why, size, "another value than getpid()'s");
	return !status;
}

/* --- what the calls point to, where both can reach it */

struct low {
	char text[12][512];
	struct open_how how;
	struct sockaddr_in addr;
	struct io_uring_params params;
	uint32_t args[6], argv32[3];
	uint64_t argv[3];
};

struct state {
	struct scenario *s;
	struct low *low;
	size_t used; /* of low->text */
	int dir_fd;
};

static uintptr_t text(struct state *st, const char *fmt, const char *name)
{
	char *at = st->low->text[st->used++ % ARRAY_SIZE(st->low->text)];

	snprintf(at, sizeof(st->low->text[0]), fmt, st->s->dir, name);
	return (uintptr_t)at;
}

/* DIR/name, and the name alone. */
static uintptr_t whole(struct state *st, const char *name)
{
	return text(st, "%s/%s", name);
}

static uintptr_t alone(struct state *st, const char *name)
{
	return text(st, "%.0s%s", name);
}

static long note(struct state *st, const char *kind, const char *path, long res)
{
	struct scenario_step *step = &st->s->step[st->s->step_cnt++];
	struct stat file = {};

	EXPECT(st->s->step_cnt <= ARRAY_SIZE(st->s->step));
	snprintf(step->kind, sizeof(step->kind), "%s", kind);
	snprintf(step->path, sizeof(step->path), "%s", path);
	step->res = res;
	if (!strcmp(kind, "OPEN") && res >= 0)
		MUST(fstat(res, &file));
	step->ino = file.st_ino;
	return res;
}

static void step(struct state *st, const char *kind, const char *path, int want, struct both c,
		 const uintptr_t arg[5])
{
	long res = note(st, kind, path, do_call(st->s->is_32, c, arg));

	if (want < 0 ? res != want : res < 0)
		FAIL("%s of %s gives %ld, not %d", kind, path, res, want);
}

#define STEP(kind, path, want, c, ...) step(st, kind, path, want, c, (uintptr_t[5]){__VA_ARGS__})

/* --- the list */

static void opens(struct state *st)
{
	st->low->how = (struct open_how){.flags = O_RDWR | O_CREAT | O_EXCL, .mode = 0640};
	STEP("OPEN", "a", 0, c_open, whole(st, "a"), O_RDWR | O_CREAT, 0600);
	STEP("OPEN", "b", 0, c_openat, st->dir_fd, alone(st, "b"), O_WRONLY | O_CREAT, 0600);
	STEP("OPEN", "c", 0, c_creat, whole(st, "c"), 0604);
	STEP("OPEN", "d", 0, c_openat2, st->dir_fd, alone(st, "d"), (uintptr_t)&st->low->how,
	     sizeof(st->low->how));
	STEP("OPEN", "d", -EEXIST, c_openat2, st->dir_fd, alone(st, "d"), (uintptr_t)&st->low->how,
	     sizeof(st->low->how));
	STEP("OPEN", "none/x", -ENOENT, c_open, whole(st, "none/x"), O_RDWR | O_CREAT, 0600);
	STEP("OPEN", "b", -ENOTDIR, c_openat, st->dir_fd, alone(st, "b"), O_RDONLY | O_DIRECTORY);
}

static void names(struct state *st)
{
	STEP("RENAME", "a", 0, c_rename, whole(st, "a"), whole(st, "e"));
	STEP("RENAME", "b", 0, c_renameat, st->dir_fd, alone(st, "b"), AT_FDCWD, whole(st, "f"));
	STEP("RENAME", "c", 0, c_renameat2, st->dir_fd, alone(st, "c"), st->dir_fd, alone(st, "g"),
	     RENAME_NOREPLACE);
	STEP("RENAME", "g", -EEXIST, c_renameat2, st->dir_fd, alone(st, "g"), st->dir_fd,
	     alone(st, "f"), RENAME_NOREPLACE);
	STEP("RENAME", "none", -ENOENT, c_rename, whole(st, "none"), whole(st, "e"));
	STEP("UNLINK", "e", 0, c_unlink, whole(st, "e"));
	STEP("UNLINK", "f", 0, c_unlinkat, st->dir_fd, alone(st, "f"), 0);
	STEP("UNLINK", "f", -ENOENT, c_unlinkat, st->dir_fd, alone(st, "f"), 0);
}

static void others(struct state *st)
{
	STEP("MKDIR", "", 0, c_mkdir, whole(st, "sub"), 0750);
	STEP("MKDIR", "", -EEXIST, c_mkdir, whole(st, "sub"), 0700);
	STEP("RMDIR", "", 0, c_rmdir, whole(st, "sub"));
	STEP("LINK", "", 0, c_link, whole(st, "g"), whole(st, "h"));
	STEP("SYMLINK", "", 0, c_symlink, alone(st, "where/to"), whole(st, "i"));
	STEP("MKNOD", "", 0, c_mknod, whole(st, "j"), S_IFIFO | 0600, 0);
	STEP("MODE", "", 0, c_chmod, whole(st, "g"), 0640);
	STEP("MODE", "", -ENOENT, c_chmod, whole(st, "none"), 0640);
	STEP("OWNER", "", 0, c_chown, whole(st, "g"), 12, 34);
	STEP("TRUNCATE", "", 0, c_truncate, whole(st, "g"), 100);
	STEP("MEMFD", "", -EINVAL, c_memfd, alone(st, "in memory"), 0xffff);
	STEP("CREDENTIALS", "", 0, c_setuid, 0);
	STEP("NAMESPACE", "", -EINVAL, c_unshare, CLONE_NEWUSER | 1);
	STEP("ROOT", "", -ENOENT, c_chroot, whole(st, "none"));
	STEP("UNMOUNT", "", -EINVAL, c_umount, whole(st, "g"), 0);
}

/* The i386 way to all calls on sockets; the 64-bit entry has none, so there by the call itself. */
static long socketcall(struct state *st, int which, struct both c, int fd)
{
	uintptr_t arg[5] = {fd, c.nr == SYS_connect ? (uintptr_t)&st->low->addr : 0,
			    c.nr == SYS_connect ? sizeof(st->low->addr) : 0};
	size_t i;

	if (!st->s->is_32)
		return do_call(false, c, arg);
	for (i = 0; i < 3; i++)
		st->low->args[i] = arg[i];
	return int80(NR32_SOCKETCALL, (uintptr_t[5]){which, (uintptr_t)st->low->args});
}

static int tcp(void)
{
	struct linger now = {.l_onoff = 1}; /* so that the end is an end at once */
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));

	MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
	return fd;
}

static void sockets(struct state *st)
{
	int listener = MUST(socket(AF_INET, SOCK_STREAM, 0)), one = 1, fd[2] = {tcp(), tcp()}, i;
	int got[2];

	MUST(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	MUST(bind(listener, &st->s->listener.addr.any, st->s->listener.len));
	MUST(listen(listener, 4));
	st->low->addr = st->s->listener.addr.v4;
	STEP("CONNECT", "", 0, c_connect, fd[0], (uintptr_t)&st->low->addr, sizeof(st->low->addr));
	EXPECT(!note(st, "CONNECT", "", socketcall(st, SYS_CONNECT, c_connect, fd[1])));
	got[0] = MUST((int)note(st, "ACCEPT", "", socketcall(st, SYS_ACCEPT, c_accept, listener)));
	got[1] = note(
		st, "ACCEPT", "",
		do_call(st->s->is_32, c_accept4, (uintptr_t[5]){listener, 0, 0, SOCK_CLOEXEC}));
	EXPECT(got[0] >= 0 && got[1] >= 0);
	for (i = 0; i < 2; i++) {
		close(fd[i]);
		close(got[i]);
	}
	close(listener);
	fd[0] = tcp();
	st->low->addr = st->s->closed.addr.v4;
	EXPECT(note(st, "CONNECT", "", socketcall(st, SYS_CONNECT, c_connect, fd[0])) ==
	       -ECONNREFUSED);
	close(fd[0]);
}

static void uring(struct state *st)
{
	long fd;

	st->low->params = (struct io_uring_params){.flags = IORING_SETUP_CQSIZE, .cq_entries = 64};
	fd = do_call(st->s->is_32, c_uring, (uintptr_t[5]){8, (uintptr_t)&st->low->params});
	note(st, "IO_URING", "", fd);
	if (fd >= 0)
		close(fd);
	note(st, "IO_URING", "",
	     do_call(st->s->is_32, c_uring, (uintptr_t[5]){0, (uintptr_t)&st->low->params}));
}

static void run(struct state *st)
{
	uintptr_t path = text(st, "%.0s%s", st->s->program), arg = alone(st, "argument");
	struct low *low = st->low;

	memcpy(low->argv32, (uint32_t[]){path, arg, 0}, sizeof(low->argv32));
	memcpy(low->argv, (uint64_t[]){path, arg, 0}, sizeof(low->argv));
	note(st, "EXEC", "", 0);
	do_call(st->s->is_32, c_execve,
		(uintptr_t[5]){path,
			       (uintptr_t)(st->s->is_32 ? (void *)low->argv32 : (void *)low->argv),
			       0});
	FAIL("execve did not run %s", st->s->program);
}

void scenario_run(struct live *t, void *scenario)
{
	struct state state = {.s = scenario}, *st = &state;

	(void)t;
	st->low = MUST(mmap(NULL, sizeof(*st->low), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0));
	st->dir_fd = MUST(open(st->s->dir, O_PATH | O_DIRECTORY | O_CLOEXEC));
	opens(st);
	names(st);
	others(st);
	sockets(st);
	uring(st);
	run(st);
}

struct scenario *scenario_new(struct live *t)
{
	struct scenario *s = (struct scenario *)t->shared->text;

	_Static_assert(sizeof(*s) <= sizeof(t->shared->text), "it is kept there");
	*s = (struct scenario){.listener = network_loopback(AF_INET),
			       .closed = network_closed_port(AF_INET)};
	close(network_listen(&s->listener, 1));
	dup2(MUST(open("/dev/null", O_RDONLY | O_CLOEXEC)), STDIN_FILENO); /* the program's */
	return s;
}

void scenario_begin(struct scenario *s, const char *dir, bool is_32)
{
	s->is_32 = is_32;
	s->step_cnt = 0;
	memset(s->step, 0, sizeof(s->step));
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	MUST(mkdir(dir, 0755));
	EXPECT(snprintf(s->program, sizeof(s->program), "%s/program", dir) <
	       (int)sizeof(s->program));
	account_write_program(s->program);
}
