/* SPDX-License-Identifier: Apache-2.0 */
/* Connects whose descriptor is replaced meanwhile, and those where both ends begin. */
#include "tests/live/network.h"
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>

/* What the child saw; in the test's shared memory. */
struct seen {
	struct end self;
	uint64_t cookie;
	int so_error;
};

static struct seen *seen_of(struct live *t)
{
	return (struct seen *)t->shared->text[0];
}

static int tcp_state(int fd)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	MUST(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len));
	return info.tcpi_state;
}

static void await_state(int fd, int state)
{
	unsigned int tries;

	for (tries = 0; tcp_state(fd) != state; tries++) {
		EXPECT(tries < 10000 * live_slow());
		usleep(1000);
	}
}

/* --- replaced */

struct replaced {
	struct end to;
	struct live *t;
	int fd, keep;
};

static void *replace(void *arg)
{
	struct replaced *r = arg;
	int file = MUST(open("/dev/null", O_RDONLY | O_CLOEXEC));

	await_state(r->keep, TCP_SYN_SENT); /* the other thread waits in connect(2) */
	MUST(dup2(file, r->fd));
	__atomic_store_n(&r->t->shared->value[0], 1, __ATOMIC_RELEASE);
	return NULL;
}

static void connect_while_replaced(struct live *t, void *arg)
{
	struct replaced *r = arg;
	pthread_t thread;

	r->t = t;
	r->fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	r->keep = MUST(dup(r->fd));
	EXPECT(!pthread_create(&thread, NULL, replace, r));
	MUST(connect(r->fd, &r->to.addr.any, r->to.len));
	EXPECT(t->shared->value[0] == 1);
	EXPECT(!pthread_join(thread, NULL));
	EXPECT(tcp_state(r->keep) == TCP_ESTABLISHED);
	seen_of(t)->cookie = network_cookie(r->keep);
}

/* The connection lives on in the duplicate, and is recorded though its descriptor is a file now. */
LIVE_TIMEOUT(connect_descriptor_replaced, LIVE_FIRST, 60)
{
	struct replaced r = {.to = network_loopback(AF_INET)};
	int listener = network_listen_full(&r.to);
	pid_t pid = live_spawn(t, connect_while_replaced, &r);
	Varve__V1__Connect *ev;

	while (!__atomic_load_n(&t->shared->value[0], __ATOMIC_ACQUIRE) && !t->shared->why[0])
		usleep(1000);
	MUST(accept(listener, NULL, NULL));
	EXPECT_UINT(live_wait(pid), 0);
	live_end(t);
	EXPECT_UINT(live_count(t, "CONNECT", 0), 1);
	ev = live_one(t, "CONNECT", pid)->connect;
	EXPECT_STR(ev->protocol, "tcp");
	EXPECT_STR(ev->outcome, "connected");
	EXPECT_FIELD(ev, call_errno, 0);
	EXPECT_FIELD(ev, socket_cookie, seen_of(t)->cookie);
	network_expect(ev->destination, &r.to);
	EXPECT(!ev->source && !ev->has_completion && !ev->has_destination_user_memory);
	network_expect_events(t, 1);
}

/* --- to itself: two ends that both begin, in one socket */

static void await_end(int fd, struct seen *seen)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(seen->so_error);

	EXPECT(poll(&p, 1, 20000 * live_slow()) == 1);
	MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &seen->so_error, &len));
}

static void connect_self(struct live *t, void *arg)
{
	struct sock_filter nothing = {.code = BPF_RET | BPF_K, .k = 0};
	struct sock_fprog filter = {.len = 1, .filter = &nothing};
	struct seen *seen = seen_of(t);
	struct end self = network_loopback(AF_INET);
	const bool *slow = arg;
	int fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));

	MUST(bind(fd, &self.addr.any, self.len));
	seen->self = network_name(fd);
	if (*slow)
		MUST(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)));
	EXPECT(connect(fd, &seen->self.addr.any, seen->self.len) < 0 && errno == EINPROGRESS);
	if (*slow) {
		EXPECT(tcp_state(fd) == TCP_SYN_SENT);
		MUST(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &filter, sizeof(filter)));
	}
	await_end(fd, seen);
	EXPECT(tcp_state(fd) == TCP_ESTABLISHED);
	seen->cookie = network_cookie(fd);
}

static void expect_self(struct live *t, bool slow)
{
	pid_t pid = live_do(t, connect_self, &slow);
	size_t i;

	EXPECT_UINT(seen_of(t)->so_error, 0);
	live_end(t);
	EXPECT_UINT(live_count(t, "CONNECT", 0), 2);
	EXPECT_UINT(live_count(t, "BIND", pid), 1);
	network_expect_events(t, 3);
	for (i = 0; i < 2; i++) {
		Varve__V1__Connect *ev = live_nth(t, "CONNECT", pid, i)->connect;

		EXPECT_STR(ev->outcome, i ? "connected" : "in_progress");
		EXPECT_UINT(ev->has_completion, i);
		EXPECT_FIELD(ev, call_errno, EINPROGRESS);
		EXPECT_FIELD(ev, socket_cookie, seen_of(t)->cookie);
		network_expect(ev->source, &seen_of(t)->self);
		network_expect(ev->destination, &seen_of(t)->self);
	}
}

LIVE_TIMEOUT(connect_self_at_once, LIVE_FIRST, 60)
{
	expect_self(t, false);
}

/* The first packet is dropped: the answer comes a second later, in a timer's interrupt, by way of
 * SYN_RECV. */
LIVE_TIMEOUT(connect_self_slow, LIVE_FIRST, 60)
{
	expect_self(t, true);
	EXPECT(live_nth(t, "CONNECT", 0, 1)->boot_time_nano -
		       live_nth(t, "CONNECT", 0, 0)->boot_time_nano >
	       100 * NSEC_PER_MSEC);
}
