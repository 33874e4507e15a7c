/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes through io_uring makes the same records as system calls do: by the process that asked,
 * inline, in a worker and in the polling thread, with the kernel's own copy of names.
 */
#include "tests/live/network.h"
#include "tests/live/ring.h"
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/un.h>

static const char *path_in(const struct live *t, int slot, const char *name)
{
	char *path = t->shared->text[slot];

	snprintf(path, sizeof(t->shared->text[slot]), "%s/%s", t->dir, name);
	return path;
}

/* In the container; waits for what is skipped there to be skipped by the test. */
static pid_t through_ring(struct live *t, live_fn fn, void *arg)
{
	pid_t pid = live_spawn(t, fn, arg);
	int status = live_wait(pid);

	if (t->shared->skip[0])
		_exit(status >> 8); /* the child has said why */
	if (status)
		FAIL("the child ended with status 0x%x", status);
	return pid;
}

struct how {
	uint32_t setup_flags;
	uint8_t sqe_flags;
};

static struct io_uring_sqe open_sqe(const char *path, int flags, const struct how *how)
{
	return (struct io_uring_sqe){.opcode = IORING_OP_OPENAT,
				     .flags = how->sqe_flags,
				     .fd = AT_FDCWD,
				     .addr = (uintptr_t)path,
				     .len = 0640,
				     .open_flags = flags};
}

static void opens(struct live *t, void *arg)
{
	const struct how *how = arg;
	struct ring r;
	struct io_uring_sqe sqe;

	ring_open(&r, how->setup_flags);
	MUST(chdir(t->dir));
	sqe = open_sqe("made", O_WRONLY | O_CREAT, how); /* by the working directory's path */
	t->shared->value[0] = MUST(ring_do(&r, &sqe));
	sqe = open_sqe("nowhere/at/all", O_RDWR, how);
	EXPECT_UINT(-ring_do(&r, &sqe), ENOENT);
}

static void expect_opens(struct live *t, const struct how *how)
{
	pid_t pid = through_ring(t, opens, (void *)how);
	const Varve__V1__Open *o;

	live_end(t);
	o = live_nth(t, "OPEN", pid, 0)->open;
	EXPECT_STR(o->file->path, path_in(t, 0, "made"));
	EXPECT_FIELD(o, created, 1);
	EXPECT(!o->has_call_errno && o->file->has_inode && !o->file->has_path_user_memory);
	if (!live_trampolines())
		EXPECT_FIELD(o, fd, t->shared->value[0]);
	o = live_nth(t, "OPEN", pid, 1)->open;
	EXPECT_STR(o->file->path, path_in(t, 1, "nowhere/at/all"));
	EXPECT(!o->file->has_path_user_memory);
	EXPECT_FIELD(o, call_errno, ENOENT);
	EXPECT_UINT(live_count(t, "OPEN", 0), 2);
}

LIVE(open_by_uring, LIVE_FIRST)
{
	expect_opens(t, &(struct how){});
}

LIVE(open_by_uring_worker, LIVE_FIRST)
{
	expect_opens(t, &(struct how){.sqe_flags = IOSQE_ASYNC});
}

LIVE(open_by_uring_polled, LIVE_FIRST)
{
	expect_opens(t, &(struct how){.setup_flags = IORING_SETUP_SQPOLL});
}

static void opens_direct(struct live *t, void *arg)
{
	int none[4] = {-1, -1, -1, -1};
	struct io_uring_sqe sqe = open_sqe(path_in(t, 0, "direct"), O_WRONLY | O_CREAT, arg);
	struct ring r;

	ring_open(&r, 0);
	MUST((int)syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_FILES, none, 4));
	sqe.file_index = 2;
	EXPECT_UINT(ring_do(&r, &sqe), 0);
}

/* Into the ring's own table: there is no descriptor, and descriptor 0 is another file. */
LIVE(open_by_uring_direct, LIVE_FIRST)
{
	pid_t pid = through_ring(t, opens_direct, &(struct how){});
	const Varve__V1__Open *o;

	live_end(t);
	o = live_one(t, "OPEN", pid)->open;
	EXPECT_STR(o->file->path, path_in(t, 0, "direct"));
	EXPECT(!o->has_fd && !o->has_call_errno);
}

static void renames(struct live *t, void *arg)
{
	const struct how *how = arg;
	struct io_uring_sqe sqe = {.opcode = IORING_OP_RENAMEAT,
				   .flags = how->sqe_flags,
				   .fd = AT_FDCWD,
				   .addr = (uintptr_t)t->shared->text[0],
				   .len = (uint32_t)AT_FDCWD,
				   .addr2 = (uintptr_t)t->shared->text[1]};
	struct ring r;

	ring_open(&r, how->setup_flags);
	EXPECT_UINT(ring_do(&r, &sqe), 0);
	EXPECT_UINT(-ring_do(&r, &sqe), ENOENT);
	sqe = (struct io_uring_sqe){.opcode = IORING_OP_UNLINKAT,
				    .flags = how->sqe_flags,
				    .fd = AT_FDCWD,
				    .addr = (uintptr_t)t->shared->text[1]};
	EXPECT_UINT(ring_do(&r, &sqe), 0);
	EXPECT_UINT(-ring_do(&r, &sqe), ENOENT);
}

static void expect_name(const Varve__V1__File *file, const char *path)
{
	EXPECT_STR(file->path, path);
	EXPECT(!file->has_path_user_memory);
}

static void expect_renames(struct live *t, const struct how *how)
{
	const char *from = path_in(t, 0, "from"), *to = path_in(t, 1, "to");
	const Varve__V1__Rename *ren;
	const Varve__V1__Unlink *unl;
	pid_t pid;
	size_t i;

	close(MUST(open(from, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
	pid = through_ring(t, renames, (void *)how);
	live_end(t);
	EXPECT_UINT(live_count(t, "RENAME", 0), 2);
	EXPECT_UINT(live_count(t, "UNLINK", 0), 2);
	for (i = 0; i < 2; i++) {
		ren = live_nth(t, "RENAME", pid, i)->rename;
		unl = live_nth(t, "UNLINK", pid, i)->unlink;
		expect_name(ren->old_file, from);
		expect_name(ren->new_file, to);
		expect_name(unl->file, to);
		EXPECT_UINT(ren->has_call_errno ? ren->call_errno : 0, i ? ENOENT : 0);
		EXPECT_UINT(unl->has_call_errno ? unl->call_errno : 0, i ? ENOENT : 0);
	}
}

LIVE(rename_and_unlink_by_uring, LIVE_FIRST)
{
	expect_renames(t, &(struct how){});
}

LIVE(rename_and_unlink_by_uring_polled, LIVE_FIRST)
{
	expect_renames(t, &(struct how){.setup_flags = IORING_SETUP_SQPOLL});
}

static void connects(struct live *t, void *arg)
{
	struct end *at = arg;
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0)),
	    other = MUST(socket(AF_INET, SOCK_STREAM, 0));
	struct io_uring_sqe sqe = {.opcode = IORING_OP_CONNECT,
				   .fd = fd,
				   .addr = (uintptr_t)&at[0].addr,
				   .off = at[0].len};
	struct ring r;

	ring_open(&r, 0);
	EXPECT_UINT(ring_do(&r, &sqe), 0);
	t->shared->value[0] = network_cookie(fd);
	t->shared->value[1] = ntohs(network_name(fd).addr.v4.sin_port);
	sqe.fd = other;
	sqe.addr = (uintptr_t)&at[1].addr;
	EXPECT_UINT(-ring_do(&r, &sqe), ECONNREFUSED);
}

LIVE(connect_by_uring, LIVE_FIRST)
{
	struct end at[2] = {network_loopback(AF_INET), network_closed_port(AF_INET)};
	const Varve__V1__Connect *c;
	pid_t pid;

	network_listen(&at[0], 4);
	pid = through_ring(t, connects, at);
	live_end(t);
	EXPECT_UINT(live_count(t, "CONNECT", 0), 2);
	c = live_nth(t, "CONNECT", pid, 0)->connect;
	EXPECT_STR(c->outcome, "connected");
	network_expect(c->destination, &at[0]);
	EXPECT_FIELD(c->source, port, t->shared->value[1]);
	EXPECT_FIELD(c, socket_cookie, t->shared->value[0]);
	c = live_nth(t, "CONNECT", pid, 1)->connect;
	EXPECT_STR(c->outcome, "failed");
	EXPECT_FIELD(c, outcome_errno, ECONNREFUSED);
	network_expect(c->destination, &at[1]);
}

struct accepting {
	int listener;
	bool many;
};

static uint16_t peer_port(int fd)
{
	struct end peer = network_peer(fd);

	return network_port(&peer);
}

static void accepts(struct live *t, void *arg)
{
	const struct accepting *a = arg;
	struct io_uring_sqe sqe = {.opcode = IORING_OP_ACCEPT,
				   .fd = a->listener,
				   .user_data = 77,
				   .ioprio = a->many ? 1 : 0 /* IORING_ACCEPT_MULTISHOT */};
	struct io_uring_cqe cqe;
	struct ring r;
	int i;

	ring_open(&r, 0);
	for (i = 0; i < 2; i++) {
		if (!i || !a->many)
			ring_submit(&r, &sqe);
		cqe = ring_wait(&r);
		if (cqe.res == -EINVAL)
			live_skip("this kernel's io_uring does not accept many at once");
		t->shared->value[i] = peer_port(MUST(cqe.res));
	}
}

static void expect_accepts(struct live *t, bool many)
{
	struct end at = network_loopback(AF_INET);
	struct accepting a = {.listener = network_listen(&at, 4), .many = many};
	int fd[2], i;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		fd[i] = MUST(socket(AF_INET, SOCK_STREAM, 0));
		MUST(connect(fd[i], &at.addr.any, at.len));
	}
	pid = through_ring(t, accepts, &a);
	live_end(t);
	EXPECT_UINT(live_count(t, "ACCEPT", 0), 2);
	for (i = 0; i < 2; i++) {
		const Varve__V1__Accept *ac = live_nth(t, "ACCEPT", pid, i)->accept;

		EXPECT_FIELD(ac->source, port, t->shared->value[i]);
		network_expect(ac->destination, &at);
	}
}

LIVE(accept_by_uring, LIVE_FIRST)
{
	expect_accepts(t, false);
}

LIVE(accept_by_uring_many, LIVE_FIRST)
{
	expect_accepts(t, true);
}

static void attributes(struct live *t, void *arg)
{
	const char *path = arg;
	int fd = MUST(open(path, O_RDWR | O_CLOEXEC));
	struct io_uring_sqe sqe = {.opcode = IORING_OP_SETXATTR,
				   .addr = (uintptr_t) "trusted.varve",
				   .len = 5,
				   .addr2 = (uintptr_t) "value",
				   .addr3 = (uintptr_t)path};
	struct ring r;

	ring_open(&r, 0);
	t->shared->value[0] = -ring_do(&r, &sqe);
	sqe.opcode = IORING_OP_FSETXATTR;
	sqe.fd = fd;
	sqe.addr3 = 0;
	t->shared->value[1] = -ring_do(&r, &sqe);
}

LIVE(xattr_by_uring, LIVE_FIRST)
{
	const char *path = path_in(t, 0, "file");
	pid_t pid;
	int i;

	close(MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
	pid = through_ring(t, attributes, (void *)path);
	live_end(t);
	EXPECT_UINT(live_count(t, "XATTR", 0), 2);
	for (i = 0; i < 2; i++) {
		const Varve__V1__Xattr *x = live_nth(t, "XATTR", pid, i)->xattr;

		expect_name(x->file, path);
		EXPECT_STR(x->name, "trusted.varve");
		EXPECT(!x->has_user_memory);
		EXPECT_UINT(x->has_call_errno ? x->call_errno : 0, t->shared->value[i]);
	}
}

/* IORING_OP_FTRUNCATE came with 6.9; this header may not know it. */
#define OP_FTRUNCATE 55

static void truncates(struct live *t, void *arg)
{
	struct io_uring_sqe sqe = {
		.opcode = OP_FTRUNCATE, .fd = MUST(open(arg, O_RDWR | O_CLOEXEC)), .off = 4711};
	struct ring r;

	(void)t;
	ring_open(&r, 0);
	EXPECT_UINT(ring_do(&r, &sqe), 0);
}

LIVE(truncate_by_uring, LIVE_FIRST)
{
	const char *path = path_in(t, 0, "file");
	pid_t pid;

	close(MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
	pid = through_ring(t, truncates, (void *)path);
	live_end(t);
	EXPECT_FIELD(live_one(t, "TRUNCATE", pid)->truncate, length, 4711);
	expect_name(live_one(t, "TRUNCATE", pid)->truncate->file, path);
}

/* --- sockets: bind and listen by io_uring since 6.11, socket since 5.19 */

#define OP_SOCKET 45
#define OP_BIND	  56
#define OP_LISTEN 57

static void serves(struct live *t, void *arg)
{
	struct end *e = arg;
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	struct io_uring_sqe sqe = {.opcode = OP_BIND,
				   .fd = fd,
				   .addr = (uintptr_t)&e->addr,
				   .addr2 = e->len};
	struct ring r;

	ring_open(&r, 0);
	EXPECT_UINT(ring_do(&r, &sqe), 0); /* skips if the kernel does not know it */
	ring_submit(&r, &sqe);
	EXPECT_UINT(-ring_wait(&r).res, EINVAL); /* it is bound already */
	sqe = (struct io_uring_sqe){.opcode = OP_LISTEN, .fd = fd, .len = 5};
	EXPECT_UINT(ring_do(&r, &sqe), 0);
	*(struct end *)t->shared->text[0] = network_name(fd);
}

LIVE(bind_and_listen_by_uring, LIVE_FIRST)
{
	struct end e = network_loopback(AF_INET);
	pid_t pid = through_ring(t, serves, &e);
	const struct end *bound = (const void *)t->shared->text[0];
	const Varve__V1__Bind *b;
	const Varve__V1__Listen *l;

	live_end(t);
	EXPECT_UINT(live_count(t, "BIND", 0), 2);
	b = live_nth(t, "BIND", pid, 0)->bind;
	network_expect(b->requested, &e);
	network_expect(b->address, bound);
	EXPECT(!b->has_requested_user_memory && !b->has_call_errno);
	b = live_nth(t, "BIND", pid, 1)->bind;
	EXPECT_FIELD(b, call_errno, EINVAL);
	network_expect(b->requested, &e);
	l = live_one(t, "LISTEN", pid)->listen;
	network_expect(l->address, bound);
	EXPECT_FIELD(l, backlog, 5);
}

static void raw_socket_made(struct live *t, void *arg)
{
	struct io_uring_sqe sqe = {
		.opcode = OP_SOCKET, .fd = AF_INET, .off = SOCK_RAW, .len = IPPROTO_ICMP};
	struct ring r;
	int ret;

	(void)arg;
	ring_open(&r, 0);
	ret = ring_do(&r, &sqe);
	EXPECT(ret >= 0);
	t->shared->value[0] = ret;
}

LIVE(raw_socket_by_uring, LIVE_FIRST)
{
	pid_t pid = through_ring(t, raw_socket_made, NULL);
	const Varve__V1__RawSocket *s;

	live_end(t);
	s = live_one(t, "RAW_SOCKET", pid)->raw_socket;
	EXPECT_FIELD(s, family, AF_INET);
	EXPECT_FIELD(s, type, SOCK_RAW);
	EXPECT_FIELD(s, protocol, IPPROTO_ICMP);
	EXPECT_FIELD(s, fd, t->shared->value[0]);
}

static void connects_unix(struct live *t, void *arg)
{
	int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	struct io_uring_sqe sqe = {.opcode = IORING_OP_CONNECT,
				   .fd = fd,
				   .addr = (uintptr_t)arg,
				   .addr2 = sizeof(struct sockaddr_un)};
	struct ring r;

	(void)t;
	ring_open(&r, 0);
	EXPECT_UINT(ring_do(&r, &sqe), 0);
}

LIVE(unix_connect_by_uring, LIVE_FIRST)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const Varve__V1__UnixConnect *c;
	pid_t pid;
	int fd = MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

	snprintf(a.sun_path, sizeof(a.sun_path), "%.90s/sock", t->dir);
	MUST(bind(fd, (void *)&a, sizeof(a)));
	MUST(listen(fd, 1));
	pid = through_ring(t, connects_unix, &a);
	live_end(t);
	c = live_one(t, "UNIX_CONNECT", pid)->unix_connect;
	EXPECT_STR(c->peer_name, a.sun_path);
	EXPECT_STR(c->file->path, a.sun_path);
	EXPECT_FIELD(c, peer_pid, getpid());
	EXPECT(!c->requested && !c->has_call_errno);
}

/* --- a request that asks for no completion */

static void unlinks_without_completion(struct live *t, void *arg)
{
	struct io_uring_sqe sqe = {.opcode = IORING_OP_UNLINKAT,
				   .flags = IOSQE_CQE_SKIP_SUCCESS,
				   .fd = AT_FDCWD,
				   .addr = (uintptr_t)arg};
	struct ring r;
	int tries;

	(void)t;
	ring_open(&r, 0);
	ring_submit(&r, &sqe);
	for (tries = 0; tries < 2000 && !access(arg, F_OK); tries++)
		usleep(5000);
	EXPECT(access(arg, F_OK) && errno == ENOENT);
}

/* It is recorded where a kernel function sees it, and else declared: nothing goes without a word. */
LIVE(unlink_by_uring_without_completion, LIVE_FIRST)
{
	const Varve__V1__Loss *loss;
	char path[300];

	snprintf(path, sizeof(path), "%s/gone", t->dir);
	close(MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
	t->loss_expected = !live_trampolines();
	through_ring(t, unlinks_without_completion, path);
	live_end(t);
	if (live_trampolines()) {
		EXPECT_STR(live_one(t, "UNLINK", 0)->unlink->file->path, path);
		return;
	}
	EXPECT_UINT(live_count(t, "UNLINK", 0), 0);
	loss = live_one(t, "LOSS", 0)->loss;
	EXPECT_STR(loss->cause, "no_completion");
	EXPECT_STR(loss->event_class, "file");
	EXPECT_FIELD(loss, count, 1);
}
