/* SPDX-License-Identifier: Apache-2.0 */
/*
 * race.c without luck: the call waits, and what it was given is rewritten while it does, by a
 * process that shares the memory.
 */
#include "tests/live/network.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void await_in_call(pid_t pid, int nr)
{
	char path[64], want[16], text[64];
	int tries;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	snprintf(want, sizeof(want), "%d ", nr);
	for (tries = 0; tries < 5000; tries++) {
		_cleanup_close_ int fd = MUST(open(path, O_RDONLY | O_CLOEXEC));
		ssize_t n = read(fd, text, sizeof(text) - 1);

		text[MAX(n, 0)] = '\0';
		if (!strncmp(text, want, strlen(want)))
			return;
		usleep(1000);
	}
	FAIL("process %d does not wait in call %d: %s", pid, nr, text);
}

/* For the other end, which is the test. */
static void open_waiting(struct live *t, void *arg)
{
	struct stat st;
	int fd;

	fd = MUST((int)syscall(SYS_openat, AT_FDCWD, arg, O_WRONLY));
	MUST(fstat(fd, &st));
	t->shared->value[0] = st.st_ino;
}

LIVE(race_of_waiting_open, LIVE_FIRST)
{
	char *path = t->shared->text[0], pipe_path[300];
	const Varve__V1__Open *o;
	pid_t pid;

	snprintf(path, sizeof(t->shared->text[0]), "%s/a", t->dir);
	snprintf(pipe_path, sizeof(pipe_path), "%s/a", t->dir);
	MUST(mkfifo(path, 0600));
	pid = live_spawn(t, open_waiting, path);
	await_in_call(pid, SYS_openat);
	path[strlen(path) - 1] = 'b';
	MUST(open(pipe_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	EXPECT_UINT(live_wait(pid), 0);
	live_end(t);
	o = live_one(t, "OPEN", pid)->open;
	EXPECT_STR(o->file->path, pipe_path);
	EXPECT_FIELD(o->file, inode, t->shared->value[0]);
	EXPECT(!o->file->has_path_user_memory);
}

static void connect_waiting(struct live *t, void *arg)
{
	struct end *to = arg;
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));

	MUST(connect(fd, &to->addr.any, to->len));
	t->shared->value[0] = network_port(&(struct end){.addr = network_peer(fd).addr});
}

LIVE(race_of_waiting_connect, LIVE_FIRST)
{
	struct end *to = (struct end *)t->shared->text[0], real = network_loopback(AF_INET);
	int listener = network_listen_full(&real);
	const Varve__V1__Connect *c;
	pid_t pid;

	*to = real;
	pid = live_spawn(t, connect_waiting, to);
	await_in_call(pid, SYS_connect);
	usleep(20000); /* the address is copied by now; if not, the peer says so */
	to->addr.v4.sin_port ^= htons(1);
	MUST(accept(listener, NULL, NULL));
	EXPECT_UINT(live_wait(pid), 0);
	live_end(t);
	c = live_one(t, "CONNECT", pid)->connect;
	EXPECT_STR(c->outcome, "connected");
	EXPECT_FIELD(c->destination, port, t->shared->value[0]);
	EXPECT_UINT(t->shared->value[0], network_port(&real));
	EXPECT(!c->has_destination_user_memory);
}
