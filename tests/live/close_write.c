/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include "tests/live/ia32.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path_in(const struct live *t, const char *name)
{
	static char path[4][400];
	static unsigned int turn;
	char *p = path[turn++ % ARRAY_SIZE(path)];

	snprintf(p, sizeof(path[0]), "%s/%s", t->dir, name);
	return p;
}

static int create(const struct live *t, const char *name)
{
	return MUST(open(path_in(t, name), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
}

/* The law: each open for writing has one CLOSE_WRITE, that names it by its time. */
static void expect_pairs(struct live *t)
{
	size_t i, opens = 0, n = live_count(t, "OPEN", 0), closes = live_count(t, "CLOSE_WRITE", 0);

	for (i = 0; i < n; i++) {
		const Varve__V1__Event *open = live_nth(t, "OPEN", 0, i);
		size_t j, found = 0;

		if (!open->open->has_written)
			continue;
		opens++;
		for (j = 0; j < closes; j++) {
			const Varve__V1__Event *ev = live_nth(t, "CLOSE_WRITE", 0, j);

			if (ev->close_write->open_boot_time_nano != open->boot_time_nano ||
			    ev->close_write->file->inode != open->open->file->inode)
				continue;
			found++;
			EXPECT(ev->boot_time_nano >= open->boot_time_nano);
			EXPECT_STR(ev->close_write->file->path, open->open->file->path);
			EXPECT_STR(ev->process->process_uid, open->process->process_uid);
		}
		EXPECT_UINT(found, 1);
	}
	EXPECT_UINT(closes, opens);
}

/* Seen as it happened, by whom it was done. */
static void expect_closed_by(const Varve__V1__CloseWrite *ev, pid_t pid)
{
	EXPECT(!ev->has_found_late);
	EXPECT_FIELD(ev, closed_by_pid, (uint32_t)pid);
	EXPECT(ev->has_closed_by_start_boot_time_nano);
}

/* The tracepoint set finds it a moment later; no hook says who. */
static void expect_found(const Varve__V1__CloseWrite *ev, pid_t closer)
{
	if (live_trampolines()) {
		expect_closed_by(ev, closer);
		return;
	}
	EXPECT_FIELD(ev, found_late, 1);
	EXPECT(!ev->has_closed_by_pid && !ev->has_closed_by_start_boot_time_nano);
}

/* --- bytes */

static void write_in_all_ways(struct live *t, void *arg)
{
	struct iovec v[2] = {{"abc", 3}, {"defgh", 5}};
	int in, out = create(t, "out"), pipes[2];
	off_t at = 0;

	(void)arg;
	EXPECT_UINT(write(out, "0123456789", 10), 10);
	EXPECT_UINT(pwrite(out, "01234", 5, 100), 5);
	EXPECT_UINT(writev(out, v, 2), 8);
	EXPECT_UINT(pwritev(out, v, 2, 50), 8);
	EXPECT_UINT(pwritev2(out, v, 1, 60, 0), 3);
	in = MUST(open(path_in(t, "in"), O_RDONLY));
	EXPECT_UINT(sendfile(out, in, &at, 1000), 1000);
	at = 0;
	EXPECT_UINT(copy_file_range(in, &at, out, NULL, 2000, 0), 2000);
	MUST(pipe(pipes));
	EXPECT_UINT(write(pipes[1], "through a pipe", 14), 14);
	EXPECT_UINT(splice(pipes[0], NULL, out, NULL, 14, 0), 14);
	EXPECT(syscall(SYS_write, out, 8, 1) < 0);
	EXPECT_UINT(lseek(out, 0, SEEK_CUR), 10 + 8 + 1000 + 2000 + 14);
	MUST(close(out));
}

LIVE(close_write_bytes, LIVE_FIRST)
{
	const uint64_t wrote = 10 + 5 + 8 + 8 + 3 + 1000 + 2000 + 14;
	Varve__V1__CloseWrite *ev;
	struct stat st;
	pid_t pid;
	int in = create(t, "in");

	MUST(ftruncate(in, 4096));
	close(in);
	pid = live_do(t, write_in_all_ways, NULL);
	MUST(stat(path_in(t, "out"), &st));
	live_end(t);
	expect_pairs(t);
	ev = live_one(t, "CLOSE_WRITE", pid)->close_write;
	EXPECT_FIELD(ev, bytes_written, wrote);
	EXPECT_FIELD(ev->file, inode, st.st_ino);
	EXPECT_FIELD(ev->file, size, (uint64_t)st.st_size);
	EXPECT_STR(ev->file->path, path_in(t, "out"));
	expect_closed_by(ev, pid);
}

/* Opened for writing, and nothing written. */
static void write_nothing(struct live *t, void *arg)
{
	(void)arg;
	MUST(close(create(t, "out")));
	close(MUST(open("/dev/null", O_WRONLY)));
}

LIVE(close_write_nothing, LIVE_FIRST)
{
	pid_t pid = live_do(t, write_nothing, NULL);

	live_end(t);
	expect_pairs(t);
	EXPECT_FIELD(live_nth(t, "CLOSE_WRITE", pid, 0)->close_write, bytes_written, 0);
	EXPECT_STR(live_nth(t, "CLOSE_WRITE", pid, 1)->close_write->file->path, "/dev/null");
}

/* Each by its own: the struct file is the same memory again, most likely. */
static void many_in_turn(struct live *t, void *arg)
{
	char buf[64] = "";
	int i, fd;

	(void)arg;
	for (i = 0; i < 64; i++) {
		fd = MUST(open(path_in(t, "log"), O_WRONLY | O_CREAT | O_APPEND, 0644));
		EXPECT(write(fd, buf, i) == i);
		if (i & 1)
			MUST(close(fd));
		else /* not seen by close(2) */
			MUST(syscall(SYS_close_range, fd, fd, 0));
	}
}

LIVE(close_write_many_in_turn, LIVE_FIRST)
{
	pid_t pid = live_do(t, many_in_turn, NULL);
	uint64_t sum = 0;
	size_t i;

	live_end(t);
	expect_pairs(t);
	EXPECT_UINT(live_count(t, "CLOSE_WRITE", pid), 64);
	for (i = 0; i < 64; i++) {
		const Varve__V1__CloseWrite *ev = live_nth(t, "CLOSE_WRITE", pid, i)->close_write;

		EXPECT(ev->has_bytes_written);
		sum += ev->bytes_written;
		if (live_trampolines())
			expect_closed_by(ev, pid);
	}
	EXPECT_UINT(sum, 63 * 64 / 2);
}

/* --- the ways to close */

static void end_with_open(struct live *t, void *arg)
{
	(void)arg;
	EXPECT(write(create(t, "out"), "xyz", 3) == 3);
}

LIVE(close_write_by_exit, LIVE_FIRST)
{
	pid_t pid = live_do(t, end_with_open, NULL);
	Varve__V1__CloseWrite *ev;

	live_end(t);
	expect_pairs(t);
	ev = live_one(t, "CLOSE_WRITE", pid)->close_write;
	EXPECT_FIELD(ev, bytes_written, 3);
	expect_found(ev, pid);
}

static void killed(struct live *t, void *arg)
{
	pid_t pid = MUST(fork());

	(void)arg;
	if (!pid) {
		EXPECT(write(create(t, "out"), "wxyz", 4) == 4);
		kill(getpid(), SIGKILL);
	}
	t->shared->value[0] = pid;
	MUST(waitpid(pid, NULL, 0));
}

LIVE(close_write_by_kill, LIVE_FIRST)
{
	Varve__V1__CloseWrite *ev;

	live_do(t, killed, NULL);
	live_end(t);
	expect_pairs(t);
	ev = live_one(t, "CLOSE_WRITE", t->shared->value[0])->close_write;
	EXPECT_FIELD(ev, bytes_written, 4);
	expect_found(ev, t->shared->value[0]);
}

static void by_exec(struct live *t, void *arg)
{
	(void)arg;
	EXPECT(write(create(t, "out"), "1", 1) == 1);
	execl("/bin/sleep", "sleep", "0.3", NULL);
	_exit(1);
}

/* O_CLOEXEC: closed while the process lives on. */
LIVE(close_write_by_exec, LIVE_FIRST)
{
	pid_t pid = live_do(t, by_exec, NULL);
	Varve__V1__Event *ev;

	live_end(t);
	expect_pairs(t);
	ev = live_one(t, "CLOSE_WRITE", pid);
	EXPECT_FIELD(ev->close_write, bytes_written, 1);
	expect_found(ev->close_write, pid);
	EXPECT(ev->boot_time_nano < live_one(t, "EXIT", pid)->boot_time_nano);
}

static void by_dup2(struct live *t, void *arg)
{
	int a = create(t, "a"), b = create(t, "b");

	(void)arg;
	EXPECT(write(a, "12", 2) == 2);
	EXPECT(write(b, "345", 3) == 3);
	MUST(dup2(b, a));
	usleep(300000); /* more than a look takes */
	EXPECT(write(a, "6789", 4) == 4);
	MUST(close(b));
	MUST(close(a));
}

/* b is closed twice: only the last one counts. */
LIVE(close_write_by_dup2, LIVE_FIRST)
{
	pid_t pid = live_do(t, by_dup2, NULL);
	Varve__V1__CloseWrite *a, *b;

	live_end(t);
	expect_pairs(t);
	a = live_nth(t, "CLOSE_WRITE", pid, 0)->close_write;
	b = live_nth(t, "CLOSE_WRITE", pid, 1)->close_write;
	EXPECT_STR(a->file->path, path_in(t, "a"));
	EXPECT_FIELD(a, bytes_written, 2);
	expect_closed_by(a, pid);
	EXPECT_FIELD(b, bytes_written, 7);
	expect_found(b, pid);
}

static void inherited(struct live *t, void *arg)
{
	int fd = create(t, "out");
	pid_t pid;

	(void)arg;
	EXPECT(write(fd, "12", 2) == 2);
	pid = MUST(fork());
	if (pid) {
		t->shared->value[0] = pid;
		_exit(0);
	}
	usleep(300000);
	EXPECT(write(fd, "345", 3) == 3);
	t->shared->value[1] = 1;
	MUST(close(fd));
	usleep(300000);
	_exit(0);
}

/* The opener has ended long before: it is said who that was, once, when the child closes. */
LIVE(close_write_by_child, LIVE_FIRST)
{
	pid_t pid = live_do(t, inherited, NULL), child = t->shared->value[0];
	Varve__V1__Event *ev;
	int i;

	for (i = 0; i < 100 && !kill(child, 0); i++)
		usleep(20000);
	live_end(t);
	EXPECT_UINT(t->shared->value[1], 1);
	expect_pairs(t);
	ev = live_one(t, "CLOSE_WRITE", pid);
	EXPECT_FIELD(ev->close_write, bytes_written, 5);
	expect_found(ev->close_write, child);
	EXPECT(ev->boot_time_nano > live_one(t, "EXIT", pid)->boot_time_nano);
	EXPECT(ev->boot_time_nano < live_one(t, "EXIT", child)->boot_time_nano);
}

static void mapped(struct live *t, void *arg)
{
	int fd = create(t, "out");
	char *p;

	(void)arg;
	MUST(ftruncate(fd, 4096));
	p = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	MUST(close(fd));
	strcpy(p, "not counted");
	usleep(300000);
	t->shared->value[0] = 1;
	MUST(munmap(p, 4096));
	usleep(300000);
}

/* A mapping keeps the file open; what is written through it is not counted. */
LIVE(close_write_of_mapping, LIVE_FIRST)
{
	pid_t pid = live_do(t, mapped, NULL);
	Varve__V1__Event *ev;

	live_end(t);
	EXPECT_UINT(t->shared->value[0], 1);
	expect_pairs(t);
	ev = live_one(t, "CLOSE_WRITE", pid);
	EXPECT_FIELD(ev->close_write, bytes_written, 0);
	expect_found(ev->close_write, pid);
	EXPECT(ev->boot_time_nano > live_one(t, "OPEN", pid)->boot_time_nano + 300000000);
}

/* --- more than there is room for */

static void deep(struct live *t, void *arg)
{
	char *name = t->shared->text[0];

	(void)arg;
	memset(name, 'n', 250);
	MUST(chdir(t->dir));
	MUST(mkdir(name, 0755));
	MUST(chdir(name));
	MUST(mkdir(name, 0755));
	MUST(chdir(name));
	close(MUST(open(name, O_WRONLY | O_CREAT, 0644)));
}

/* Of a long path the end, and how long it was. */
LIVE(close_write_long_path, LIVE_FIRST)
{
	pid_t pid = live_do(t, deep, NULL);
	const Varve__V1__File *opened, *file;

	live_end(t);
	opened = live_one(t, "OPEN", pid)->open->file;
	file = live_one(t, "CLOSE_WRITE", pid)->close_write->file;
	EXPECT_UINT(strlen(file->path), 512);
	EXPECT_FIELD(file, path_length, strlen(opened->path));
	EXPECT_STR(file->path, opened->path + strlen(opened->path) - 512);
}

static void by_32(struct live *t, void *arg)
{
	int fd = create(t, "out");

	(void)arg;
	EXPECT_UINT(ia32_call(4, fd, ia32_text("0123456"), 7, 0, 0), 7);
	EXPECT_UINT(ia32_call(181, fd, ia32_text("0123"), 4, 100, 0), 4);
	EXPECT_UINT(ia32_call(6, fd, 0, 0, 0, 0), 0);
}

LIVE(close_write_by_32_bit, LIVE_FIRST)
{
	pid_t pid = live_do(t, by_32, NULL);
	Varve__V1__CloseWrite *ev;

	live_end(t);
	expect_pairs(t);
	ev = live_one(t, "CLOSE_WRITE", pid)->close_write;
	EXPECT_FIELD(ev, bytes_written, 11);
	expect_closed_by(ev, pid);
}

#define ROOM 8192 /* WRITE_OPENS of bpf/close_write.bpf.c */

static void too_many(struct live *t, void *arg)
{
	struct rlimit many = {ROOM + 100, ROOM + 100};
	int i;

	(void)t;
	(void)arg;
	MUST(setrlimit(RLIMIT_NOFILE, &many));
	for (i = 0; i < ROOM + 8; i++)
		MUST(open("/dev/null", O_WRONLY));
}

/* What there was no room for is lost, and said to be. */
LIVE_TIMEOUT(close_write_too_many, LIVE_FIRST, 60)
{
	size_t i, closes, lost = 0;
	pid_t pid;

	t->loss_expected = true;
	t->wait_s = 40;
	pid = live_do(t, too_many, NULL);
	live_end(t);
	EXPECT_UINT(live_count(t, "OPEN", pid), ROOM + 8);
	closes = live_count(t, "CLOSE_WRITE", pid);
	EXPECT(closes && closes <= ROOM);
	for (i = 0; i < live_count(t, "LOSS", 0); i++) {
		const Varve__V1__Loss *loss = live_nth(t, "LOSS", 0, i)->loss;

		EXPECT_STR(loss->cause, "map_full");
		EXPECT_STR(loss->event_class, "file");
		lost += loss->count;
	}
	EXPECT_UINT(closes + lost, ROOM + 8);
	EXPECT_UINT(live_class(t, "file")->lost, lost);
}
