/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/network.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

void network_own(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd;

	if (unshare(CLONE_NEWNET))
		live_skip("no network namespace: %s", strerror(errno));
	fd = MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(ioctl(fd, SIOCSIFFLAGS, &lo));
	close(fd);
}

struct end network_loopback(int family)
{
	struct end e = {.addr.any.sa_family = family};

	if (family == AF_INET) {
		e.len = sizeof(e.addr.v4);
		e.addr.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else {
		e.len = sizeof(e.addr.v6);
		e.addr.v6.sin6_addr = in6addr_loopback;
	}
	return e;
}

struct end network_name(int fd)
{
	struct end e = {.len = sizeof(e.addr)};

	MUST(getsockname(fd, &e.addr.any, &e.len));
	return e;
}

struct end network_peer(int fd)
{
	struct end e = {.len = sizeof(e.addr)};

	MUST(getpeername(fd, &e.addr.any, &e.len));
	return e;
}

int network_bound(struct end *end, int type)
{
	int fd = MUST(socket(end->addr.any.sa_family, type | SOCK_CLOEXEC, 0));

	if (bind(fd, &end->addr.any, end->len)) {
		if (errno == EADDRNOTAVAIL)
			live_skip("no loopback address of family %d here", end->addr.any.sa_family);
		FAIL("bind: %s", strerror(errno));
	}
	*end = network_name(fd);
	return fd;
}

int network_listen(struct end *end, int backlog)
{
	int fd = network_bound(end, SOCK_STREAM);

	MUST(listen(fd, backlog));
	return fd;
}

int network_listen_full(struct end *end)
{
	int listener = network_listen(end, 0),
	    fd = MUST(socket(end->addr.any.sa_family, SOCK_STREAM, 0));

	MUST(connect(fd, &end->addr.any, end->len));
	return listener;
}

struct end network_closed_port(int family)
{
	struct end e = network_loopback(family);

	/* Stays bound, so nobody else gets it; does not listen. */
	network_bound(&e, SOCK_STREAM);
	return e;
}

uint64_t network_cookie(int fd)
{
	socklen_t len = sizeof(uint64_t);
	uint64_t cookie = 0;

	MUST(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len));
	return cookie;
}

uint16_t network_port(const struct end *end)
{
	return ntohs(end->addr.any.sa_family == AF_INET ? end->addr.v4.sin_port
							: end->addr.v6.sin6_port);
}

void network_expect(const Varve__V1__Endpoint *got, const struct end *want)
{
	char ip[INET6_ADDRSTRLEN];

	EXPECT(got);
	if (want->addr.any.sa_family == AF_INET)
		inet_ntop(AF_INET, &want->addr.v4.sin_addr, ip, sizeof(ip));
	else
		inet_ntop(AF_INET6, &want->addr.v6.sin6_addr, ip, sizeof(ip));
	EXPECT_STR(got->ip, ip);
	EXPECT_FIELD(got, port, network_port(want));
}

void network_expect_events(const struct live *t, uint64_t cnt)
{
	EXPECT_UINT(live_class(t, "network")->generated, cnt + live_count(t, "CLOSE", 0));
}

uint64_t network_lost(const struct live *t, const char *cause)
{
	uint64_t lost = 0;
	size_t i;

	for (i = 0; i < t->event_cnt; i++) {
		const Varve__V1__Event *ev = t->events[i];

		if (ev->body_case != VARVE__V1__EVENT__BODY_LOSS)
			continue;
		EXPECT_STR(ev->loss->event_class, "network");
		EXPECT_STR(ev->loss->cause, cause);
		lost += ev->loss->count;
	}
	return lost;
}
