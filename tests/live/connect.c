/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/network.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>

/* What the child saw; in the test's shared memory. */
struct seen {
	struct end source, peer;
	uint64_t cookie;
	int call_errno, so_error;
};

struct attempt {
	int type;
	struct end to;
	bool await;   /* until the connection is there, or failed */
	int listener; /* to be closed in the child; 0: none */
};

static struct seen *seen_of(struct live *t)
{
	return (struct seen *)t->shared->text[0];
}

static void await_end(int fd, struct seen *seen)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(seen->so_error);

	EXPECT(poll(&p, 1, 10000 * live_slow()) == 1);
	MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &seen->so_error, &len));
}

static void try(struct live *t, void *arg)
{
	struct seen *seen = seen_of(t);
	struct attempt *a = arg;
	int fd = MUST(socket(a->to.addr.any.sa_family, a->type, 0));

	if (a->listener)
		close(a->listener);
	seen->call_errno = connect(fd, &a->to.addr.any, a->to.len) ? errno : 0;
	if (a->await && seen->call_errno == EINPROGRESS)
		await_end(fd, seen);
	seen->cookie = network_cookie(fd);
	seen->source = network_name(fd);
}

static void expect_connect(struct live *t, const Varve__V1__Connect *ev, const struct attempt *a,
			   const char *outcome, int err)
{
	EXPECT_STR(ev->protocol, (a->type & 0xf) == SOCK_STREAM ? "tcp" : "udp");
	EXPECT_STR(ev->outcome, outcome);
	EXPECT_FIELD(ev, call_errno, seen_of(t)->call_errno);
	EXPECT_UINT(ev->has_outcome_errno ? ev->outcome_errno : 0, err);
	EXPECT_FIELD(ev, socket_cookie, seen_of(t)->cookie);
	EXPECT(!ev->has_destination_user_memory);
	network_expect(ev->destination, &a->to);
}

static void expect_ok(struct live *t, struct attempt *a)
{
	Varve__V1__Connect *ev;
	pid_t pid;

	pid = live_do(t, try, a);
	live_end(t);
	ev = live_one(t, "CONNECT", pid)->connect;
	expect_connect(t, ev, a, "connected", 0);
	network_expect(ev->source, &seen_of(t)->source);
	EXPECT(!ev->has_completion);
	network_expect_events(t, 1);
}

LIVE(connect_tcp_v4, LIVE_FIRST)
{
	struct attempt a = {SOCK_STREAM, network_loopback(AF_INET), false, 0};

	network_listen(&a.to, 8);
	expect_ok(t, &a);
}

LIVE(connect_tcp_v6, LIVE_FIRST)
{
	struct attempt a = {SOCK_STREAM, network_loopback(AF_INET6), false, 0};

	network_listen(&a.to, 8);
	expect_ok(t, &a);
}

LIVE(connect_udp_v4, LIVE_FIRST)
{
	struct attempt a = {SOCK_DGRAM, network_closed_port(AF_INET), false, 0};

	expect_ok(t, &a);
}

LIVE(connect_udp_v6, LIVE_FIRST)
{
	struct attempt a = {SOCK_DGRAM, network_closed_port(AF_INET6), false, 0};

	expect_ok(t, &a);
}

/* The socket has forgotten where it wanted to go; the record has not. */
static void expect_refused(struct live *t, int family, int type)
{
	struct attempt a = {type, network_closed_port(family), true, 0};
	pid_t pid = live_do(t, try, &a);
	size_t i, n;

	live_end(t);
	n = live_count(t, "CONNECT", pid);
	if (seen_of(t)->call_errno == ECONNREFUSED) {
		EXPECT_UINT(n, 1);
		expect_connect(t, live_one(t, "CONNECT", pid)->connect, &a, "failed", ECONNREFUSED);
		return;
	}
	EXPECT_UINT(seen_of(t)->call_errno, EINPROGRESS);
	EXPECT_UINT(seen_of(t)->so_error, ECONNREFUSED);
	EXPECT_UINT(n, 2);
	expect_connect(t, live_nth(t, "CONNECT", pid, 0)->connect, &a, "in_progress", 0);
	for (i = 0; i < n; i++)
		EXPECT_UINT(live_nth(t, "CONNECT", pid, i)->connect->has_completion, i);
	expect_connect(t, live_nth(t, "CONNECT", pid, 1)->connect, &a, "failed", ECONNREFUSED);
}

LIVE(connect_tcp_v4_refused, LIVE_FIRST)
{
	expect_refused(t, AF_INET, SOCK_STREAM);
}

LIVE(connect_tcp_v6_refused, LIVE_FIRST)
{
	expect_refused(t, AF_INET6, SOCK_STREAM);
}

LIVE(connect_tcp_nonblocking_refused, LIVE_FIRST)
{
	expect_refused(t, AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
}

static void expect_two(struct live *t, pid_t pid, const struct attempt *a, const char *outcome,
		       int err)
{
	Varve__V1__Event *first, *second;

	live_end(t);
	EXPECT_UINT(live_count(t, "CONNECT", 0), 2);
	first = live_nth(t, "CONNECT", pid, 0);
	second = live_nth(t, "CONNECT", pid, 1);
	expect_connect(t, first->connect, a, "in_progress", 0);
	expect_connect(t, second->connect, a, outcome, err);
	EXPECT(!first->connect->has_completion);
	EXPECT_FIELD(second->connect, completion, 1);
	/* Of whom does not depend on whose time it ended in. */
	EXPECT_STR(second->process->process_uid, first->process->process_uid);
	EXPECT_UINT(second->process->tid, first->process->tid);
	EXPECT(second->boot_time_nano >= first->boot_time_nano);
}

LIVE(connect_tcp_nonblocking, LIVE_FIRST)
{
	struct attempt a = {SOCK_STREAM | SOCK_NONBLOCK, network_loopback(AF_INET), true, 0};
	pid_t pid;

	network_listen(&a.to, 8);
	pid = live_do(t, try, &a);
	EXPECT_UINT(seen_of(t)->call_errno, EINPROGRESS);
	expect_two(t, pid, &a, "connected", 0);
	network_expect(live_nth(t, "CONNECT", pid, 1)->connect->source, &seen_of(t)->source);
}

LIVE(connect_tcp_slow, LIVE_FIRST)
{
	struct attempt a = {SOCK_STREAM | SOCK_NONBLOCK, network_loopback(AF_INET), true, 0};
	int listener = network_listen_full(&a.to);
	pid_t pid = live_spawn(t, try, &a);

	usleep(200000);
	MUST(accept(listener, NULL, NULL));
	EXPECT_UINT(live_wait(pid), 0);
	expect_two(t, pid, &a, "connected", 0);
	EXPECT(live_nth(t, "CONNECT", pid, 1)->boot_time_nano -
		       live_nth(t, "CONNECT", pid, 0)->boot_time_nano >
	       100 * NSEC_PER_MSEC);
	network_expect(live_nth(t, "CONNECT", pid, 1)->connect->source, &seen_of(t)->source);
}

LIVE(connect_tcp_slow_refused, LIVE_FIRST)
{
	struct attempt a = {SOCK_STREAM | SOCK_NONBLOCK, network_loopback(AF_INET6), true, 0};
	pid_t pid;

	a.listener = network_listen_full(&a.to);
	pid = live_spawn(t, try, &a);
	usleep(200000);
	close(a.listener);
	EXPECT_UINT(live_wait(pid), 0);
	EXPECT_UINT(seen_of(t)->so_error, ECONNREFUSED);
	expect_two(t, pid, &a, "failed", ECONNREFUSED);
}

/* Given up: the process ends before the answer. Failed, of no error. */
LIVE(connect_tcp_given_up, LIVE_FIRST)
{
	struct attempt a = {SOCK_STREAM | SOCK_NONBLOCK, network_loopback(AF_INET), false, 0};
	pid_t pid;

	network_listen_full(&a.to);
	pid = live_do(t, try, &a);
	EXPECT_UINT(seen_of(t)->call_errno, EINPROGRESS);
	expect_two(t, pid, &a, "failed", 0);
}

/* --- what the kernel refuses before it copies the address */

static void expect_user_memory(struct live *t, pid_t pid, const struct end *to, int err)
{
	size_t i, n;
	Varve__V1__Connect *ev = NULL;

	live_end(t);
	n = live_count(t, "CONNECT", pid);
	for (i = 0; i < n; i++) {
		if (live_nth(t, "CONNECT", pid, i)->connect->call_errno == (uint32_t)err)
			ev = live_nth(t, "CONNECT", pid, i)->connect;
	}
	EXPECT(ev);
	EXPECT_STR(ev->outcome, "failed");
	EXPECT_FIELD(ev, destination_user_memory, 1);
	network_expect(ev->destination, to);
}

LIVE(connect_wrong_length, LIVE_FIRST)
{
	struct attempt a = {SOCK_STREAM, network_closed_port(AF_INET), false, 0};
	pid_t pid;

	a.to.len = 10;
	pid = live_do(t, try, &a);
	EXPECT_UINT(seen_of(t)->call_errno, EINVAL);
	expect_user_memory(t, pid, &a.to, EINVAL);
}

static void connect_twice(struct live *t, void *arg)
{
	struct attempt *a = arg;
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));

	(void)t;
	MUST(connect(fd, &a->to.addr.any, a->to.len));
	EXPECT(connect(fd, &a->to.addr.any, a->to.len) < 0 && errno == EISCONN);
}

LIVE(connect_when_connected, LIVE_FIRST)
{
	struct attempt a = {SOCK_STREAM, network_loopback(AF_INET), false, 0};
	pid_t pid;

	network_listen(&a.to, 8);
	pid = live_do(t, connect_twice, &a);
	expect_user_memory(t, pid, &a.to, EISCONN);
	EXPECT_UINT(live_count(t, "CONNECT", pid), 2);
}

/* --- what is none */

static void none(struct live *t, void *arg)
{
	struct sockaddr unspec = {.sa_family = AF_UNSPEC};
	struct end *udp = arg;
	int fd, pair[2];

	(void)t;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	EXPECT(connect(12345, &udp->addr.any, udp->len) < 0 && errno == EBADF);
	EXPECT(connect(STDIN_FILENO, &udp->addr.any, udp->len) < 0 && errno == ENOTSOCK);
	fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	MUST(connect(fd, &unspec, sizeof(unspec))); /* dissolves */
}

LIVE(connect_not_of_pair_nor_unspec, LIVE_FIRST)
{
	struct end udp = network_loopback(AF_INET);

	dup2(MUST(open("/dev/null", O_RDONLY)), STDIN_FILENO);
	live_do(t, none, &udp);
	live_end(t);
	EXPECT_UINT(live_count(t, "CONNECT", 0), 0);
	EXPECT_UINT(live_class(t, "network")->generated, 0);
}

/* An IPv4 address in an IPv6 socket is an IPv4 address to everybody who reads it. */
LIVE(connect_mapped_v4, LIVE_FIRST)
{
	struct end v4 = network_loopback(AF_INET);
	struct attempt a = {SOCK_STREAM, network_loopback(AF_INET6), false, 0};
	Varve__V1__Connect *ev;
	pid_t pid;

	network_listen(&v4, 8);
	a.to.addr.v6.sin6_port = v4.addr.v4.sin_port;
	memset(a.to.addr.v6.sin6_addr.s6_addr, 0, 16);
	memset(a.to.addr.v6.sin6_addr.s6_addr + 10, 0xff, 2);
	memcpy(a.to.addr.v6.sin6_addr.s6_addr + 12, &v4.addr.v4.sin_addr, 4);
	pid = live_do(t, try, &a);
	live_end(t);
	ev = live_one(t, "CONNECT", pid)->connect;
	EXPECT_STR(ev->outcome, "connected");
	network_expect(ev->destination, &v4);
	EXPECT_STR(ev->source->ip, "127.0.0.1");
}

/* --- a signal in the middle: the call ends, the connection goes on being made */

static void on_signal(int sig)
{
	(void)sig;
}

static void interrupted(struct live *t, void *arg)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct attempt *a = arg;
	struct seen *seen = seen_of(t);
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));

	sigaction(SIGUSR1, &sa, NULL);
	t->shared->value[0] = 1;
	seen->call_errno = connect(fd, &a->to.addr.any, a->to.len) ? errno : 0;
	t->shared->value[0] = 2;
	await_end(fd, seen);
	seen->cookie = network_cookie(fd);
	seen->source = network_name(fd);
}

LIVE(connect_interrupted, LIVE_FIRST)
{
	struct attempt a = {SOCK_STREAM, network_loopback(AF_INET), true, 0};
	int listener = network_listen_full(&a.to);
	pid_t pid = live_spawn(t, interrupted, &a);

	while (__atomic_load_n(&t->shared->value[0], __ATOMIC_ACQUIRE) != 1)
		usleep(1000);
	usleep(50000);
	MUST(kill(pid, SIGUSR1));
	while (__atomic_load_n(&t->shared->value[0], __ATOMIC_ACQUIRE) != 2)
		usleep(1000);
	MUST(accept(listener, NULL, NULL));
	EXPECT_UINT(live_wait(pid), 0);
	EXPECT_UINT(seen_of(t)->call_errno, EINTR);
	EXPECT_UINT(seen_of(t)->so_error, 0);
	expect_two(t, pid, &a, "connected", 0);
}

static void unreachable(struct live *t, void *arg)
{
	MUST(unshare(CLONE_NEWNET)); /* its loopback is down */
	try(t, arg);
}

LIVE(connect_unreachable, LIVE_FIRST)
{
	struct attempt a = {SOCK_DGRAM, network_loopback(AF_INET), false, 0};
	Varve__V1__Connect *ev;
	pid_t pid;

	a.to.addr.v4.sin_port = htons(53);
	a.to.addr.v4.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1 */
	pid = live_do(t, unreachable, &a);
	EXPECT_UINT(seen_of(t)->call_errno, ENETUNREACH);
	live_end(t);
	ev = live_one(t, "CONNECT", pid)->connect;
	expect_connect(t, ev, &a, "failed", ENETUNREACH);
	EXPECT_STR(ev->destination->ip, "192.0.2.1");
}
