/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/network.h"
#include <netinet/udp.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

/* What the container's process says of its socket. */
struct said {
	struct end local, peer;
	uint64_t cookie;
};

static struct said *said(struct live *t)
{
	return (void *)t->shared->text[0];
}

static uint64_t boot_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void expect_flow(struct live *t, const Varve__V1__UdpFlow *flow, const char *end)
{
	EXPECT_STR(flow->protocol, "udp");
	EXPECT_FIELD(flow, socket_cookie, said(t)->cookie);
	network_expect(flow->source, &said(t)->local);
	network_expect(flow->destination, &said(t)->peer);
	EXPECT_STR(flow->direction, "outbound");
	if (end)
		EXPECT_STR(flow->end, end);
	else
		EXPECT(!flow->end);
	EXPECT(flow->first_boot_time_nano <= flow->last_boot_time_nano);
}

static void expect_sums(const Varve__V1__UdpFlow *flow, uint64_t bytes_sent, uint64_t packets_sent,
			uint64_t bytes_received, uint64_t packets_received)
{
	EXPECT_FIELD(flow, bytes_sent, bytes_sent);
	EXPECT_FIELD(flow, packets_sent, packets_sent);
	EXPECT_FIELD(flow, bytes_received, bytes_received);
	EXPECT_FIELD(flow, packets_received, packets_received);
}

/* --- one socket, one peer */

/* Sends 3 and 5 bytes, gets 7 back. The peer is the test's, so outside of the container. */
static void talk(struct live *t, int fd, int peer, bool connected)
{
	struct end to = network_name(peer), from = {.len = sizeof(from.addr)};
	char buf[100];

	if (connected)
		MUST(connect(fd, &to.addr.any, to.len));
	EXPECT_UINT(
		sendto(fd, "abc", 3, 0, connected ? NULL : &to.addr.any, connected ? 0 : to.len),
		3);
	EXPECT_UINT(
		sendto(fd, "hello", 5, 0, connected ? NULL : &to.addr.any, connected ? 0 : to.len),
		5);
	EXPECT_UINT(recvfrom(peer, buf, sizeof(buf), 0, &from.addr.any, &from.len), 3);
	MUST(sendto(peer, "goodbye", 7, 0, &from.addr.any, from.len));
	EXPECT_UINT(recv(fd, buf, sizeof(buf), 0), 7);
	said(t)->local = from;
	said(t)->peer = to;
	said(t)->cookie = network_cookie(fd);
}

static void client(struct live *t, void *arg)
{
	int peer = *(int *)arg,
	    fd = MUST(socket(network_name(peer).addr.any.sa_family, SOCK_DGRAM, 0));

	talk(t, fd, peer, false);
	EXPECT(!close(fd));
}

static void connected_client(struct live *t, void *arg)
{
	int peer = *(int *)arg,
	    fd = MUST(socket(network_name(peer).addr.any.sa_family, SOCK_DGRAM, 0));

	talk(t, fd, peer, true);
	EXPECT(!close(fd));
}

static void expect_one(struct live *t, int family, live_fn fn, const char *by)
{
	struct end at = network_loopback(family);
	int peer = network_bound(&at, SOCK_DGRAM);
	uint64_t before = boot_ns(), after;
	Varve__V1__UdpFlow *begin, *end;
	pid_t pid = live_do(t, fn, &peer);

	after = boot_ns();
	live_end(t);
	EXPECT_UINT(live_count(t, "UDP_FLOW", 0), 2);
	begin = live_nth(t, "UDP_FLOW", pid, 0)->udp_flow;
	end = live_nth(t, "UDP_FLOW", pid, 1)->udp_flow;
	expect_flow(t, begin, NULL);
	expect_sums(begin, 3, 1, 0, 0);
	EXPECT_STR(begin->process_by, by);
	expect_flow(t, end, "closed");
	expect_sums(end, 8, 2, 7, 1);
	EXPECT_UINT(begin->first_boot_time_nano, end->first_boot_time_nano);
	EXPECT(begin->first_boot_time_nano > before && end->last_boot_time_nano < after);
	EXPECT(end->last_boot_time_nano > end->first_boot_time_nano);
}

LIVE(udp_flow_v4, LIVE_FIRST)
{
	expect_one(t, AF_INET, client, "send");
}

LIVE(udp_flow_v6, LIVE_FIRST)
{
	expect_one(t, AF_INET6, client, "send");
}

LIVE(udp_flow_connected_v4, LIVE_FIRST)
{
	expect_one(t, AF_INET, connected_client, "connect");
}

LIVE(udp_flow_connected_v6, LIVE_FIRST)
{
	expect_one(t, AF_INET6, connected_client, "connect");
}

/* An IPv4 peer of an IPv6 socket is an IPv4 peer. */
static void mapped_client(struct live *t, void *arg)
{
	int peer = *(int *)arg, fd = MUST(socket(AF_INET6, SOCK_DGRAM, 0));
	struct end at = network_name(peer), from = {.len = sizeof(from.addr)};
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = at.addr.v4.sin_port};
	char buf[10];

	to.sin6_addr.s6_addr[10] = to.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&to.sin6_addr.s6_addr[12], &at.addr.v4.sin_addr, 4);
	MUST(sendto(fd, "abc", 3, 0, (void *)&to, sizeof(to)));
	MUST(recvfrom(peer, buf, sizeof(buf), 0, &from.addr.any, &from.len));
	said(t)->local = from;
	said(t)->peer = at;
	said(t)->cookie = network_cookie(fd);
}

LIVE(udp_flow_v4_of_v6_socket, LIVE_FIRST)
{
	struct end at = network_loopback(AF_INET);
	int peer = network_bound(&at, SOCK_DGRAM);
	pid_t pid = live_do(t, mapped_client, &peer);

	live_end(t);
	expect_flow(t, live_nth(t, "UDP_FLOW", pid, 0)->udp_flow, NULL);
	expect_flow(t, live_nth(t, "UDP_FLOW", pid, 1)->udp_flow, "closed");
}

/* Ten datagrams in one call, and one packet for the loopback device. */
static void segments(struct live *t, void *arg)
{
	int peer = *(int *)arg, fd = MUST(socket(AF_INET, SOCK_DGRAM, 0)), size = 100;
	struct end to = network_name(peer);
	char data[1000] = {};

	(void)t;
	if (setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof(size)))
		live_skip("no UDP_SEGMENT: %s", strerror(errno));
	EXPECT_UINT(sendto(fd, data, sizeof(data), 0, &to.addr.any, to.len), 1000);
}

LIVE(udp_flow_of_segments, LIVE_FIRST)
{
	struct end at = network_loopback(AF_INET);
	int peer = network_bound(&at, SOCK_DGRAM), i;
	pid_t pid = live_do(t, segments, &peer);
	char buf[2000];

	for (i = 0; i < 10; i++)
		EXPECT_UINT(recv(peer, buf, sizeof(buf), MSG_DONTWAIT), 100);
	EXPECT(recv(peer, buf, sizeof(buf), MSG_DONTWAIT) < 0);
	live_end(t);
	expect_sums(live_nth(t, "UDP_FLOW", pid, 1)->udp_flow, 1000, 10, 0, 0);
}

/* --- one socket, several peers */

static void serve_three(struct live *t, void *arg)
{
	int ready = *(int *)arg, i, fd;
	struct end from, at = network_loopback(AF_INET);
	char buf[10];

	fd = network_bound(&at, SOCK_DGRAM);
	said(t)->local = at;
	MUST(write(ready, "x", 1));
	for (i = 0; i < 3; i++) {
		from.len = sizeof(from.addr);
		EXPECT_UINT(recvfrom(fd, buf, sizeof(buf), 0, &from.addr.any, &from.len), 3);
	}
}

/* Nobody in the container ever sent: it is the creator's. */
LIVE(udp_flow_of_server, LIVE_FIRST)
{
	int ready[2], fd[3], i;
	struct end to, from;
	pid_t pid;
	char x;

	MUST(pipe(ready));
	pid = live_spawn(t, serve_three, &ready[1]);
	EXPECT_UINT(read(ready[0], &x, 1), 1);
	to = said(t)->local;
	for (i = 0; i < 3; i++) {
		fd[i] = MUST(socket(AF_INET, SOCK_DGRAM, 0));
		MUST(sendto(fd[i], "abc", 3, 0, &to.addr.any, to.len));
	}
	EXPECT_UINT(live_wait(pid), 0);
	live_end(t);
	EXPECT_UINT(live_count(t, "UDP_FLOW", pid), 6);
	for (i = 0; i < 3; i++) {
		Varve__V1__UdpFlow *flow = live_nth(t, "UDP_FLOW", pid, i)->udp_flow;

		from = network_loopback(AF_INET);
		from.addr.v4.sin_port = network_name(fd[i]).addr.v4.sin_port;
		EXPECT_STR(flow->direction, "inbound");
		EXPECT_STR(flow->process_by, "create");
		network_expect(flow->source, &from);
		network_expect(flow->destination, &to);
		EXPECT_STR(live_nth(t, "UDP_FLOW", pid, 3 + i)->udp_flow->end, "closed");
		expect_sums(live_nth(t, "UDP_FLOW", pid, 3 + i)->udp_flow, 0, 0, 3, 1);
	}
}

/* --- other ends */

static void send_and_hand_over(struct live *t, void *arg)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	struct end to = network_loopback(AF_INET);
	int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));

	(void)t;
	to.addr.v4.sin_port = htons(9);
	MUST(sendto(fd, "abc", 3, 0, &to.addr.any, to.len));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	MUST(sendmsg(*(int *)arg, &msg, 0));
}

/* The socket lives on outside; the flow ends with its container. */
LIVE(udp_flow_outlived, LIVE_FIRST)
{
	int pair[2];
	pid_t pid;

	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	pid = live_do(t, send_and_hand_over, &pair[1]);
	live_end(t);
	EXPECT_UINT(live_count(t, "UDP_FLOW", pid), 2);
	EXPECT_STR(live_nth(t, "UDP_FLOW", pid, 1)->udp_flow->end, "container_gone");
}

static void send_and_wait(struct live *t, void *arg)
{
	int *pipes = arg, fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	struct end to = network_loopback(AF_INET);
	char x;

	(void)t;
	to.addr.v4.sin_port = htons(9);
	MUST(sendto(fd, "abc", 3, 0, &to.addr.any, to.len));
	MUST(write(pipes[1], "x", 1));
	MUST(read(pipes[2], &x, 1));
}

static const char *const defaults[] = {NULL};

LIVE(udp_flow_at_end_of_run, LIVE_OWN)
{
	int pipes[4];
	pid_t pid;
	char x;

	MUST(pipe(pipes));
	MUST(pipe(pipes + 2));
	live_own_sensor(t, defaults);
	pid = live_spawn(t, send_and_wait, pipes);
	EXPECT_UINT(read(pipes[0], &x, 1), 1);
	live_sensor_stop(t->sensor);
	MUST(write(pipes[3], "x", 1));
	EXPECT_UINT(live_wait(pid), 0);
	live_collect_all(t);
	EXPECT_UINT(live_count(t, "UDP_FLOW", pid), 2);
	EXPECT_STR(live_nth(t, "UDP_FLOW", pid, 1)->udp_flow->end, "run_end");
}

LIVE_TIMEOUT(udp_flow_idle, LIVE_FIRST, 60)
{
	Varve__V1__UdpFlow *flow;
	int pipes[4];
	pid_t pid;

	MUST(pipe(pipes));
	MUST(pipe(pipes + 2));
	pid = live_spawn(t, send_and_wait, pipes);
	sleep(33);
	MUST(write(pipes[3], "x", 1));
	EXPECT_UINT(live_wait(pid), 0);
	live_end(t);
	EXPECT_UINT(live_count(t, "UDP_FLOW", pid), 2);
	flow = live_nth(t, "UDP_FLOW", pid, 1)->udp_flow;
	EXPECT_STR(flow->end, "idle");
	EXPECT(live_nth(t, "UDP_FLOW", pid, 1)->boot_time_nano - flow->last_boot_time_nano >=
	       30 * NSEC_PER_SEC);
}

/* --- more than there is room for */

#define FLOOD 40000

static void flood(struct live *t, void *arg)
{
	int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0)), i;
	struct end to = network_loopback(AF_INET);

	(void)t, (void)arg;
	to.addr.v4.sin_port = htons(9);
	for (i = 0; i < FLOOD; i++) {
		to.addr.v4.sin_addr.s_addr = htonl(0x7f000001 + i);
		/* What a refusal said of an earlier one does not matter here. */
		while (sendto(fd, "abc", 3, 0, &to.addr.any, to.len) < 0)
			EXPECT(errno == ECONNREFUSED);
	}
}

/* Each flow has its beginning and its end, or is a loss. What waits for a reader that others keep
 * from its work is held back. */
LIVE_TIMEOUT(udp_flow_flood, LIVE_FIRST, 60)
{
	uint64_t held_back;
	size_t i, begun = 0, ended = 0;

	t->loss_expected = true;
	live_do(t, flood, NULL);
	live_end(t);
	for (i = 0; i < t->event_cnt; i++) {
		const Varve__V1__UdpFlow *flow = t->events[i]->udp_flow;

		if (t->events[i]->body_case != VARVE__V1__EVENT__BODY_UDP_FLOW)
			continue;
		begun += !flow->end;
		ended += flow->end != NULL;
	}
	held_back = live_class(t, "network")->suppressed;
	EXPECT_UINT(begun + ended + held_back + 2 * network_lost(t, "map_full"), 2 * FLOOD);
	EXPECT(held_back || begun == ended);
	EXPECT_UINT(live_class(t, "network")->recorded, begun + ended);
}
