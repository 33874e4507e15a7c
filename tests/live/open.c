/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/account.h"
#include <fcntl.h>
#include <signal.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

/* O_LARGEFILE is 0 in the headers of 64-bit libc; the kernel sets its own in open(2). */
#define KERNEL_O_LARGEFILE 0100000

/* What the child opened: shared value[0] is the descriptor, value[1] fcntl(F_GETFL)'s account of
 * it. */
static void note(struct live *t, int fd)
{
	t->shared->value[0] = MUST(fd);
	t->shared->value[1] = MUST(fcntl(fd, F_GETFL));
}

static Varve__V1__Open *expect_open(struct live *t, pid_t pid, const char *path)
{
	Varve__V1__Open *ev;

	live_end(t);
	EXPECT_UINT(live_count(t, "OPEN", 0), 1);
	ev = live_one(t, "OPEN", pid)->open;
	if (!live_trampolines()) /* the function that opens does not know the descriptor */
		EXPECT_FIELD(ev, fd, t->shared->value[0]);
	EXPECT_FIELD(ev, flags, t->shared->value[1]);
	EXPECT_STR(ev->file->path, path);
	EXPECT(!ev->file->has_path_user_memory && !ev->file->has_path_unreachable);
	return ev;
}

static const char *path_in(const struct live *t, const char *name)
{
	static char path[1024];

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	return path;
}

static void make(const char *path, const char *content)
{
	_cleanup_close_ int fd = MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));

	EXPECT(write(fd, content, strlen(content)) == (ssize_t)strlen(content));
}

/* --- one call each */

static void by_creat(struct live *t, void *arg)
{
	note(t, syscall(SYS_creat, arg, 0640));
}

LIVE(open_by_creat, LIVE_FIRST)
{
	const char *path = path_in(t, "new");
	Varve__V1__Open *ev = expect_open(t, live_do(t, by_creat, (void *)path), path);
	struct stat st;

	MUST(stat(path, &st));
	account_expect_file(ev->file, &st);
	EXPECT_FIELD(ev, created, 1);
	EXPECT_FIELD(ev, written, 1);
}

static void by_open(struct live *t, void *arg)
{
	note(t, syscall(SYS_open, arg, O_RDWR | O_CREAT | O_APPEND | O_NONBLOCK, 0600));
}

LIVE(open_existing_to_write, LIVE_FIRST)
{
	const char *path = path_in(t, "old");
	Varve__V1__Open *ev;
	struct stat st;

	make(path, "twelve bytes");
	MUST(chown(path, 1234, 4321));
	MUST(stat(path, &st));
	ev = expect_open(t, live_do(t, by_open, (void *)path), path);
	account_expect_file(ev->file, &st);
	EXPECT_FIELD(ev->file, uid, 1234);
	EXPECT_FIELD(ev, written, 1);
	EXPECT(!ev->has_created);
}

static void by_openat(struct live *t, void *arg)
{
	int dir = syscall(SYS_open, t->dir, O_PATH | O_DIRECTORY);

	(void)arg;
	MUST(chdir("/"));
	note(t, syscall(SYS_openat, dir, "sub/../new", O_WRONLY | O_CREAT | O_EXCL, 0600));
}

/* The path is what was opened, not what was asked for; O_PATH opens nothing. */
LIVE(open_at_directory, LIVE_FIRST)
{
	Varve__V1__Open *ev;

	MUST(mkdir(path_in(t, "sub"), 0755));
	ev = expect_open(t, live_do(t, by_openat, NULL), path_in(t, "new"));
	EXPECT_FIELD(ev, created, 1);
}

static void by_openat2(struct live *t, void *arg)
{
	struct open_how how = {.flags = O_WRONLY, .resolve = RESOLVE_NO_MAGICLINKS};

	note(t, syscall(SYS_openat2, AT_FDCWD, arg, &how, sizeof(how)));
}

/* Through a symbolic link: the file it leads to. */
LIVE(open_by_openat2, LIVE_FIRST)
{
	char file[300], link[300];

	snprintf(file, sizeof(file), "%s/file", t->dir);
	snprintf(link, sizeof(link), "%s/link", t->dir);
	make(file, "x");
	MUST(symlink(file, link));
	expect_open(t, live_do(t, by_openat2, link), file);
}

static void by_handle(struct live *t, void *arg)
{
	union {
		struct file_handle fh;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} h = {.fh.handle_bytes = MAX_HANDLE_SZ};
	int mount_id;

	MUST(chdir(live_cgroup_mount())); /* says the file system */
	MUST(name_to_handle_at(AT_FDCWD, arg, &h.fh, &mount_id, 0));
	note(t, syscall(SYS_open_by_handle_at, AT_FDCWD, &h.fh, O_WRONLY));
}

/* By no name at all: of a file of the container's cgroup, since not every file system has handles.
 */
LIVE(open_by_handle, LIVE_FIRST)
{
	char path[300];
	struct stat st;
	Varve__V1__Open *ev;
	pid_t pid;

	live_begin(t);
	snprintf(path, sizeof(path), "%s/cgroup.procs", t->cgroup);
	MUST(stat(path, &st));
	pid = live_do(t, by_handle, path);
	ev = expect_open(t, pid, path);
	EXPECT_FIELD(ev, written, 1);
	EXPECT_FIELD(ev->file, inode, st.st_ino);
}

static void relative(struct live *t, void *arg)
{
	(void)arg;
	MUST(chdir(t->dir));
	note(t, open("new", O_WRONLY | O_CREAT, 0600));
}

LIVE(open_relative, LIVE_FIRST)
{
	expect_open(t, live_do(t, relative, NULL), path_in(t, "new"));
}

static void tmpfile_in(struct live *t, void *arg)
{
	note(t, open(arg, O_TMPFILE | O_RDWR, 0600));
}

/* No name at all; said so. */
LIVE(open_tmpfile, LIVE_FIRST)
{
	pid_t pid = live_do(t, tmpfile_in, t->dir);
	Varve__V1__Open *ev;

	live_end(t);
	ev = live_one(t, "OPEN", pid)->open;
	EXPECT_FIELD(ev, written, 1);
	EXPECT_FIELD(ev->file, unlinked, 1);
	EXPECT_FIELD(ev, flags, t->shared->value[1]);
}

static void fails(struct live *t, void *arg)
{
	(void)arg;
	MUST(open(t->dir, O_PATH));
	EXPECT(open("/nowhere/at/all", O_RDWR | O_CREAT, 0600) < 0);
	EXPECT(open(t->dir, O_WRONLY) < 0 && errno == EISDIR);
	EXPECT(open("/nowhere", O_RDONLY) < 0 && errno == ENOENT);
	EXPECT(open("/nowhere", O_RDONLY) < 0 && errno == ENOENT);
	EXPECT(syscall(SYS_memfd_create, "m", 0) >= 0);
}

static void expect_failures(struct live *t, size_t cnt)
{
	static const uint32_t errs[] = {ENOENT, EISDIR, ENOENT, ENOENT};
	const char *const paths[] = {"/nowhere/at/all", t->dir, "/nowhere", "/nowhere"};
	pid_t pid = live_do(t, fails, NULL);
	size_t i;

	live_end(t);
	for (i = 0; i < cnt; i++) {
		const Varve__V1__Open *o = live_nth(t, "OPEN", pid, i)->open;

		EXPECT_FIELD(o, call_errno, errs[i]);
		EXPECT_STR(o->file->path, paths[i]);
		live_expect_name(o->file);
		EXPECT(!o->has_fd && !o->has_created && !o->file->has_inode);
	}
	EXPECT_UINT(live_count(t, "OPEN", 0), cnt);
}

/* O_PATH gives no access, and is no open. */
LIVE(open_failure_all, LIVE_ALL)
{
	expect_failures(t, 4);
}

/* Looking for what is not there is told once for each process and name; wanting to write is always. */
LIVE(open_failure_first, LIVE_FIRST)
{
	expect_failures(t, 3);
	EXPECT_UINT(live_class(t, "file")->suppressed, 1);
}

static void wrong_how(struct live *t, void *arg)
{
	struct open_how how = {.flags = O_RDWR, .resolve = ~0ull};

	(void)arg;
	EXPECT(syscall(SYS_openat2, AT_FDCWD, t->dir, &how, sizeof(how)) < 0 && errno == EINVAL);
}

/* What is refused for its arguments has not got as far as the function that opens. */
LIVE(open_failure_of_arguments, LIVE_FIRST)
{
	pid_t pid = live_do(t, wrong_how, NULL);

	live_end(t);
	EXPECT_UINT(live_count(t, "OPEN", pid), !live_trampolines());
	if (!live_trampolines())
		EXPECT_FIELD(live_one(t, "OPEN", pid)->open, call_errno, EINVAL);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void interrupted(struct live *t, void *arg)
{
	struct sigaction act = {.sa_handler = on_alarm};
	struct itimerval soon = {.it_value.tv_usec = 50000, .it_interval.tv_usec = 50000};

	(void)t;
	MUST(sigaction(SIGALRM, &act, NULL));
	MUST(setitimer(ITIMER_REAL, &soon, NULL));
	EXPECT(open(arg, O_RDONLY) < 0 && errno == EINTR);
}

/* The kernel's own code for a call that may begin anew is none that a program sees. */
LIVE(open_failure_interrupted, LIVE_ALL)
{
	const char *path = path_in(t, "fifo");
	const Varve__V1__Open *o;
	pid_t pid;

	MUST(mkfifo(path, 0600));
	pid = live_do(t, interrupted, (void *)path);
	live_end(t);
	o = live_one(t, "OPEN", pid)->open;
	EXPECT_FIELD(o, call_errno, EINTR);
	EXPECT_STR(o->file->path, path);
}

static void refused(struct live *t, void *arg)
{
	(void)t;
	MUST(setuid(65534));
	EXPECT(open(arg, O_RDONLY) < 0 && errno == EACCES);
	EXPECT(open(arg, O_RDONLY) < 0 && errno == EACCES);
	EXPECT(open("/nowhere", O_RDONLY) < 0 && errno == ENOENT);
}

/* What was refused is told each time, even where reading is left out. */
LIVE(open_failure_refused, LIVE_OFF)
{
	const char *path = path_in(t, "secret");
	pid_t pid;

	make(path, "x");
	MUST(chmod(path, 0));
	pid = live_do(t, refused, (void *)path);
	live_end(t);
	EXPECT_UINT(live_count(t, "OPEN", pid), 2);
	EXPECT_FIELD(live_nth(t, "OPEN", pid, 1)->open, call_errno, EACCES);
	EXPECT_UINT(live_class(t, "file")->suppressed, 1);
}

/* --- hostile names */

static const char *const hostile[] = {
	"new\nline",	"\x1b[2J\x1b]0;x\x07", "\xff\xfe", "\xc0\xaf\xed\xa0\x80",
	"tail\xe2\x82", "caf\xc3\xa9",	       " ",
};

static void open_hostile(struct live *t, void *arg)
{
	size_t i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(hostile); i++)
		MUST(open(path_in(t, hostile[i]), O_WRONLY | O_CREAT, 0600));
}

/* Every byte is kept: in the string if it is text, else in the raw field. */
LIVE(open_hostile_names, LIVE_FIRST)
{
	pid_t pid = live_do(t, open_hostile, NULL);
	size_t i;

	live_end(t);
	EXPECT_UINT(live_count(t, "OPEN", pid), ARRAY_SIZE(hostile));
	for (i = 0; i < ARRAY_SIZE(hostile); i++) {
		Varve__V1__File *file = live_nth(t, "OPEN", pid, i)->open->file;
		const char *want = path_in(t, hostile[i]);

		EXPECT_UINT(file->has_path_raw, i >= 2 && i <= 4);
		if (!file->has_path_raw) {
			EXPECT_STR(file->path, want);
			continue;
		}
		EXPECT_UINT(file->path_raw.len, strlen(want));
		EXPECT(!memcmp(file->path_raw.data, want, strlen(want)));
		EXPECT(strstr(file->path, "\xef\xbf\xbd"));
	}
}

/* --- which opens for reading */

#define READ_CNT 5

static void read_often(struct live *t, void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < READ_CNT; i++)
		close(MUST(open(path_in(t, "read"), O_RDONLY | O_CLOEXEC)));
	close(MUST(open(t->dir, O_RDONLY | O_DIRECTORY)));
}

static void expect_reads(struct live *t, size_t recorded)
{
	uint64_t suppressed = READ_CNT + 1 - recorded;
	const char *reason;
	pid_t pid;

	make(path_in(t, "read"), "x");
	pid = live_do(t, read_often, NULL);
	live_end(t);
	EXPECT_UINT(live_count(t, "OPEN", pid), recorded);
	EXPECT_UINT(live_class(t, "file")->suppressed, suppressed);
	EXPECT_UINT(live_class(t, "file")->generated, READ_CNT + 1);
	if (recorded) {
		EXPECT_STR(live_nth(t, "OPEN", pid, 0)->open->file->path, path_in(t, "read"));
		EXPECT(!live_nth(t, "OPEN", pid, 0)->open->has_written);
		EXPECT_STR(live_nth(t, "OPEN", pid, recorded - 1)->open->file->path, t->dir);
	}
	if (!suppressed)
		return;
	reason = live_nth(t, "SUPPRESSION", 0, 0)->suppression->reason;
	EXPECT_STR(reason, recorded ? "read_open_repeated" : "read_opens_off");
	EXPECT(live_nth(t, "SUPPRESSION", 0, 0)->suppression->first_unix_nano <=
	       live_nth(t, "SUPPRESSION", 0, 0)->suppression->last_unix_nano);
}

LIVE(open_reads_first, LIVE_FIRST)
{
	expect_reads(t, 2);
}

LIVE(open_reads_all, LIVE_ALL)
{
	expect_reads(t, READ_CNT + 1);
}

LIVE(open_reads_off, LIVE_OFF)
{
	expect_reads(t, 0);
}

/* Off leaves out reading only. */
LIVE(open_writes_though_reads_off, LIVE_OFF)
{
	const char *path = path_in(t, "new");

	expect_open(t, live_do(t, by_creat, (void *)path), path);
}

static void read_in_two(struct live *t, void *arg)
{
	const char *path = path_in(t, "read");
	pid_t pid = MUST(fork());

	(void)arg;
	/* One after the other: on a kernel that preempts, one's probe may keep the other's from running. */
	if (pid)
		EXPECT_UINT(live_wait(pid), 0);
	close(MUST(open(path, O_RDONLY)));
	close(MUST(open(path, O_RDONLY)));
	if (!pid)
		_exit(0);
}

/* First is per process, not per container. */
LIVE(open_reads_first_per_process, LIVE_FIRST)
{
	pid_t pid;

	make(path_in(t, "read"), "x");
	pid = live_do(t, read_in_two, NULL);
	live_end(t);
	live_one(t, "OPEN", pid);
	live_one(t, "OPEN", live_one(t, "FORK", 0)->process->pid);
	EXPECT_UINT(live_class(t, "file")->suppressed, 2);
}

/* Two files of one name, and of one inode number where the file system gives it to the next. */
static void read_in_turn(struct live *t, void *arg)
{
	const char *path = path_in(t, arg);
	struct stat st;
	int i, k;

	for (i = 0; i < 2; i++) {
		make(path, "x");
		MUST(stat(path, &st));
		t->shared->value[i] = st.st_ino;
		for (k = 0; k < 2; k++)
			close(MUST(open(path, O_RDONLY | O_CLOEXEC)));
		MUST(unlink(path));
	}
}

static void expect_read_in_turn(struct live *t, pid_t pid)
{
	size_t i;

	live_end(t);
	EXPECT_UINT(live_count(t, "OPEN", pid), 4);
	for (i = 0; i < 4; i++)
		EXPECT_UINT(live_nth(t, "OPEN", pid, i)->open->has_written, i % 2 == 0);
	EXPECT_UINT(live_class(t, "file")->suppressed, 2);
}

/* A file that was made anew is another, whatever its number. */
LIVE(open_reads_first_of_new_file, LIVE_FIRST)
{
	expect_read_in_turn(t, live_do(t, read_in_turn, "again"));
}

/* --- the path, whole: deeper than any single call could name */

#define STEP_LEN 15

static void deep(struct live *t, void *arg)
{
	char name[] = "0123456789abcde", *path = t->shared->text[0];
	size_t len = snprintf(path, sizeof(t->shared->text[0]), "%s", t->dir);

	(void)arg;
	MUST(chdir(t->dir));
	while (len + 1 + STEP_LEN + 2 <= 4095) {
		MUST(mkdir(name, 0755));
		MUST(chdir(name));
		len += sprintf(path + len, "/%s", name);
	}
	/* As many bytes as are left, less one: the last is the NUL's. */
	sprintf(path + len, "/%.*s", (int)(4095 - len - 1), "zzzzzzzzzzzzzzzzzzzzzz");
	note(t, open(strrchr(path, '/') + 1, O_WRONLY | O_CREAT, 0600));
	MUST(mkdir(name, 0755));
	MUST(chdir(name));
	MUST(mkdir("e", 0755));
	MUST(chdir("e"));
	MUST(open("beyond", O_WRONLY | O_CREAT, 0600));
}

LIVE(open_path_of_4095_bytes, LIVE_FIRST)
{
	pid_t pid = live_do(t, deep, NULL);
	Varve__V1__File *file;

	live_end(t);
	EXPECT_UINT(strlen(t->shared->text[0]), 4095);
	file = live_nth(t, "OPEN", pid, 0)->open->file;
	EXPECT_STR(file->path, t->shared->text[0]);
	EXPECT(!file->has_path_length);
	/* Longer ones keep their end, and say how long they were. */
	file = live_nth(t, "OPEN", pid, 1)->open->file;
	EXPECT(file->has_path_length && file->path_length > 4096);
	EXPECT(strlen(file->path) <= 4096 && strlen(file->path) > 4000);
	EXPECT_STR(file->path + strlen(file->path) - 9, "/e/beyond");
}

/* --- on an overlay */

static void on_overlay(struct live *t, void *arg)
{
	char *where = t->shared->text[0];

	(void)arg;
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount("none", t->dir, "tmpfs", 0,
		   NULL)); /* an upper layer wants xattrs of its file system */
	MUST(chdir(t->dir));
	MUST(mkdir("lower", 0755) | mkdir("upper", 0755) | mkdir("work", 0755) |
	     mkdir("merged", 0755));
	make("lower/file", "x");
	if (mount("overlay", "merged", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work"))
		strcpy(where, strerror(errno));
	MUST(chdir("merged"));
	MUST(open("file", O_RDONLY));
	MUST(open("file", O_WRONLY));
	MUST(open("new", O_WRONLY | O_CREAT, 0600));
}

/* Read from the image, written into the container: the very write copies the file up. */
LIVE(open_on_overlay, LIVE_ALL)
{
	static const char *const names[] = {"lower/file", "merged/file", "merged/file",
					    "merged/new"};
	pid_t pid = live_do(t, on_overlay, NULL);
	size_t i;

	if (t->shared->text[0][0])
		live_skip("no overlayfs here: %s", t->shared->text[0]);
	live_end(t);
	EXPECT_UINT(live_count(t, "OPEN", pid), ARRAY_SIZE(names));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		Varve__V1__Open *ev = live_nth(t, "OPEN", pid, i)->open;

		EXPECT_STR(ev->file->path, path_in(t, names[i]));
		EXPECT_UINT(ev->file->has_overlay_upper, i >= 2);
		EXPECT_UINT(ev->has_written, i != 1);
		EXPECT_UINT(ev->has_created, i == 0 || i == 3);
	}
}

/* In the directory itself, since tmpfs gives no number twice. */
static void read_in_turn_on_overlay(struct live *t, void *arg)
{
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(chdir(t->dir));
	MUST(mkdir("lower", 0755) | mkdir("upper", 0755) | mkdir("work", 0755) |
	     mkdir("merged", 0755));
	if (mount("overlay", "merged", "overlay", 0,
		  "lowerdir=lower,upperdir=upper,workdir=work")) {
		strcpy(t->shared->text[0], strerror(errno));
		return;
	}
	read_in_turn(t, arg);
}

LIVE(open_reads_first_of_new_file_on_overlay, LIVE_FIRST)
{
	pid_t pid = live_do(t, read_in_turn_on_overlay, "merged/again");

	if (t->shared->text[0][0])
		live_skip("no overlayfs here: %s", t->shared->text[0]);
	expect_read_in_turn(t, pid);
}
