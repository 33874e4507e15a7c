/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets on loopback, and what the kernel says of them. */
#ifndef VARVE_LIVE_NETWORK_H
#define VARVE_LIVE_NETWORK_H

#include "tests/live/harness.h"
#include <netinet/in.h>
#include <sys/socket.h>

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};
struct end {
	union address addr;
	socklen_t len;
};

/* Loopback of the family, port 0. */
struct end network_loopback(int family);
/* From here on the test has a network of its own: a loopback only. Skips where that is refused. */
void network_own(void);
/* A socket bound to the address; end becomes it, with its port. */
int network_bound(struct end *end, int type);
/* A listening TCP socket on a free port; end becomes its address. */
int network_listen(struct end *end, int backlog);
/*
 * One whose queue is full drops what more comes, so a call is really on its way until the packet is
 * sent again, a second later.
 */
int network_listen_full(struct end *end);
/* A TCP port of loopback where nobody listens. */
struct end network_closed_port(int family);
struct end network_name(int fd);
struct end network_peer(int fd);
/* The kernel's own number of the socket. */
uint64_t network_cookie(int fd);
uint16_t network_port(const struct end *end);
/* So many events of the network, without CLOSE: whether that comes before the container's end is the peer's affair. */
void network_expect_events(const struct live *t, uint64_t cnt);
/* How many are declared lost; nothing of another class is, nor for another cause. */
uint64_t network_lost(const struct live *t, const char *cause);
void network_expect(const Varve__V1__Endpoint *got, const struct end *want);

#endif
