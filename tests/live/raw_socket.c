/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

static void make(struct live *t, void *arg)
{
	(void)arg;
	t->shared->value[0] = MUST(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
	t->shared->value[1] = MUST(socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL)));
}

LIVE(raw_socket_made, LIVE_FIRST)
{
	pid_t pid = live_do(t, make, NULL);
	const Varve__V1__RawSocket *ev;

	live_end(t);
	EXPECT_UINT(live_count(t, "RAW_SOCKET", 0), 2);
	ev = live_nth(t, "RAW_SOCKET", pid, 0)->raw_socket;
	EXPECT_FIELD(ev, family, AF_INET);
	EXPECT_FIELD(ev, type, SOCK_RAW);
	EXPECT_FIELD(ev, protocol, IPPROTO_ICMP);
	EXPECT_FIELD(ev, fd, t->shared->value[0]);
	EXPECT(!ev->has_call_errno);
	ev = live_nth(t, "RAW_SOCKET", pid, 1)->raw_socket;
	EXPECT_FIELD(ev, family, AF_PACKET);
	EXPECT_FIELD(ev, type, SOCK_DGRAM);
	EXPECT_FIELD(ev, protocol, ETH_P_ALL);
	EXPECT_FIELD(ev, fd, t->shared->value[1]);
	EXPECT_STR(live_nth(t, "RAW_SOCKET", pid, 0)->kernel_number->event_class, "network");
}

/* Without privilege: the attempt matters. */
static void refused(struct live *t, void *arg)
{
	(void)t;
	(void)arg;
	MUST(setgid(65534));
	MUST(setuid(65534));
	EXPECT(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6) < 0 && errno == EPERM);
	EXPECT(socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EPERM);
}

LIVE(raw_socket_refused, LIVE_FIRST)
{
	pid_t pid = live_do(t, refused, NULL);
	const Varve__V1__RawSocket *ev;

	live_end(t);
	EXPECT_UINT(live_count(t, "RAW_SOCKET", 0), 2);
	ev = live_nth(t, "RAW_SOCKET", pid, 0)->raw_socket;
	EXPECT_FIELD(ev, family, AF_INET6);
	EXPECT_FIELD(ev, call_errno, EPERM);
	EXPECT(!ev->has_fd);
	EXPECT_UINT(live_nth(t, "RAW_SOCKET", pid, 0)->process->euid, 65534);
	EXPECT_FIELD(live_nth(t, "RAW_SOCKET", pid, 1)->raw_socket, call_errno, EPERM);
}

static void none(struct live *t, void *arg)
{
	(void)t;
	(void)arg;
	MUST(socket(AF_NETLINK, SOCK_RAW, 0));
	MUST(socket(AF_UNIX, SOCK_RAW, 0));
	MUST(socket(AF_INET, SOCK_DGRAM, 0));
	MUST(socket(AF_INET, SOCK_STREAM, 0));
}

LIVE(raw_socket_not_of_others, LIVE_FIRST)
{
	live_do(t, none, NULL);
	live_end(t);
	EXPECT_UINT(live_class(t, "network")->generated, 0);
}
