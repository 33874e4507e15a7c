/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/network.h"
#include <sys/syscall.h>
#include <sys/un.h>

struct seen {
	struct end local, peer;
	uint64_t cookie;
};

static void take(struct live *t, void *arg)
{
	struct seen *seen = (void *)t->shared->text[0];
	int fd = MUST((int)syscall(SYS_accept4, *(int *)arg, NULL, NULL, SOCK_CLOEXEC));

	seen->local = network_name(fd);
	seen->peer = network_peer(fd);
	seen->cookie = network_cookie(fd);
}

static void take_old(struct live *t, void *arg)
{
	struct seen *seen = (void *)t->shared->text[0];
	int fd = MUST((int)syscall(SYS_accept, *(int *)arg, NULL, NULL));

	seen->local = network_name(fd);
	seen->peer = network_peer(fd);
	seen->cookie = network_cookie(fd);
}

/* The client is outside of the container: ACCEPT is all that happens in it. */
static void expect_accept(struct live *t, int family, live_fn fn)
{
	struct seen *seen = (void *)t->shared->text[0];
	struct end at = network_loopback(family), client;
	int listener = network_listen(&at, 8), fd = MUST(socket(family, SOCK_STREAM, 0));
	Varve__V1__Accept *ev;
	pid_t pid;

	MUST(connect(fd, &at.addr.any, at.len));
	client = network_name(fd);
	pid = live_do(t, fn, &listener);
	live_end(t);
	ev = live_one(t, "ACCEPT", pid)->accept;
	network_expect_events(t, 1);
	EXPECT_STR(ev->protocol, "tcp");
	network_expect(ev->source, &client);
	network_expect(ev->source, &seen->peer);
	network_expect(ev->destination, &at);
	network_expect(ev->destination, &seen->local);
	/* One is given to a socket when it is asked for; before, the record can have none. */
	if (ev->has_socket_cookie)
		EXPECT_UINT(ev->socket_cookie, seen->cookie);
}

LIVE(accept_v4, LIVE_FIRST)
{
	expect_accept(t, AF_INET, take);
}

LIVE(accept_v6, LIVE_FIRST)
{
	expect_accept(t, AF_INET6, take);
}

LIVE(accept_by_old_call, LIVE_FIRST)
{
	expect_accept(t, AF_INET, take_old);
}

static void take_unix(struct live *t, void *arg)
{
	(void)t;
	MUST(accept(*(int *)arg, NULL, NULL));
	EXPECT(accept(12345, NULL, NULL) < 0 && errno == EBADF);
	EXPECT(accept4(*(int *)arg, NULL, NULL, SOCK_NONBLOCK | 1) < 0 && errno == EINVAL);
}

LIVE(accept_not_of_unix_nor_failure, LIVE_FIRST)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0)),
	    fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	snprintf(un.sun_path, sizeof(un.sun_path), "%.90s/socket", t->dir);
	MUST(bind(listener, (void *)&un, sizeof(un)));
	MUST(listen(listener, 4));
	MUST(connect(fd, (void *)&un, sizeof(un)));
	live_do(t, take_unix, &listener);
	live_end(t);
	EXPECT_UINT(live_count(t, "ACCEPT", 0), 0);
	EXPECT_UINT(live_class(t, "network")->generated, 0);
}

/* Both ends in one container: the same two addresses, crossed. */
static void both_ends(struct live *t, void *arg)
{
	struct end at = network_loopback(AF_INET);
	int listener = network_listen(&at, 8), fd = MUST(socket(AF_INET, SOCK_STREAM, 0));

	(void)t;
	(void)arg;
	MUST(connect(fd, &at.addr.any, at.len));
	MUST(accept(listener, NULL, NULL));
}

LIVE(accept_of_own_connect, LIVE_FIRST)
{
	pid_t pid = live_do(t, both_ends, NULL);
	Varve__V1__Connect *to;
	Varve__V1__Accept *from;

	live_end(t);
	to = live_one(t, "CONNECT", pid)->connect;
	from = live_one(t, "ACCEPT", pid)->accept;
	EXPECT_STR(to->source->ip, from->source->ip);
	EXPECT_UINT(to->source->port, from->source->port);
	EXPECT_STR(to->destination->ip, from->destination->ip);
	EXPECT_UINT(to->destination->port, from->destination->port);
}
