/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/network.h"
#include <fcntl.h>
#include <sys/un.h>

struct seen {
	struct end address;
	uint64_t cookie;
};

static struct seen *seen_of(struct live *t)
{
	return (struct seen *)t->shared->text[0];
}

/* True if /proc/net/tcp of this process has the port as a listening one (state 0A). */
static bool listens(uint16_t port)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/net/tcp", "re");
	unsigned int local, state;
	char line[256];

	EXPECT(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " %*u: %*x:%x %*x:%*x %x", &local, &state) == 2 && local == port &&
		    state == 0x0a)
			return true;
	return false;
}

/* Not bound before: listen itself takes a port. */
static void listen_unbound(struct live *t, void *arg)
{
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));

	(void)arg;
	MUST(listen(fd, 7));
	seen_of(t)->address = network_name(fd);
	seen_of(t)->cookie = network_cookie(fd);
	EXPECT(listens(network_port(&seen_of(t)->address)));
}

LIVE(listen_tcp_unbound, LIVE_FIRST)
{
	pid_t pid = live_do(t, listen_unbound, NULL);
	const Varve__V1__Listen *ev;

	live_end(t);
	EXPECT_UINT(live_count(t, "BIND", 0), 0);
	EXPECT_UINT(live_count(t, "LISTEN", 0), 1);
	ev = live_one(t, "LISTEN", pid)->listen;
	EXPECT_STR(ev->protocol, "tcp");
	network_expect(ev->address, &seen_of(t)->address);
	EXPECT(ev->address->port);
	EXPECT_FIELD(ev, backlog, 7);
	EXPECT(!ev->has_call_errno && !ev->unix_path);
}

static void listen_bound(struct live *t, void *arg)
{
	struct end *e = arg;
	int fd = MUST(socket(e->addr.any.sa_family, SOCK_STREAM, 0));

	if (bind(fd, &e->addr.any, e->len)) {
		t->shared->value[0] = errno;
		return;
	}
	MUST(listen(fd, -1));
	seen_of(t)->address = network_name(fd);
	seen_of(t)->cookie = network_cookie(fd);
}

/* After bind: one socket, one cookie, one address. */
LIVE(listen_tcp_v6, LIVE_FIRST)
{
	struct end e = network_loopback(AF_INET6);
	pid_t pid = live_do(t, listen_bound, &e);
	const Varve__V1__Listen *ev;

	if (t->shared->value[0])
		live_skip("no IPv6 loopback: %s", strerror(t->shared->value[0]));
	live_end(t);
	ev = live_one(t, "LISTEN", pid)->listen;
	network_expect(ev->address, &seen_of(t)->address);
	EXPECT_FIELD(ev, socket_cookie, seen_of(t)->cookie);
	EXPECT_UINT(live_one(t, "BIND", pid)->bind->socket_cookie, ev->socket_cookie);
	EXPECT(ev->has_backlog && ev->backlog == -1);
}

static void fails(struct live *t, void *arg)
{
	int udp = MUST(socket(AF_INET, SOCK_DGRAM, 0)), un = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	(void)t;
	(void)arg;
	EXPECT(listen(udp, 1) < 0 && errno == EOPNOTSUPP);
	EXPECT(listen(un, 1) < 0 && errno == EINVAL);
	EXPECT(listen(12345, 1) < 0 && errno == EBADF);
}

LIVE(listen_failure, LIVE_FIRST)
{
	pid_t pid = live_do(t, fails, NULL);
	const Varve__V1__Listen *ev;

	live_end(t);
	EXPECT_UINT(live_count(t, "LISTEN", 0), 2);
	ev = live_nth(t, "LISTEN", pid, 0)->listen;
	EXPECT_FIELD(ev, call_errno, EOPNOTSUPP);
	EXPECT_STR(ev->protocol, "udp");
	ev = live_nth(t, "LISTEN", pid, 1)->listen;
	EXPECT_FIELD(ev, call_errno, EINVAL);
	EXPECT(!ev->unix_path && !ev->address);
}

/* The path's line in /proc/net/unix: flags 10000 say that it listens. */
static bool listens_at(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/net/unix", "re");
	char line[512];

	EXPECT(f);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strlen(line) > strlen(path) &&
		    !strcmp(line + strlen(line) - strlen(path), path))
			return strstr(line, " 00010000 ");
	}
	return false;
}

static void listen_unix(struct live *t, void *arg)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	memcpy(a.sun_path, arg, strlen(arg));
	MUST(bind(fd, (void *)&a, sizeof(a)));
	MUST(listen(fd, 3));
	EXPECT(listens_at(arg));
	(void)t;
}

LIVE(listen_unix_path, LIVE_FIRST)
{
	char path[300];
	const Varve__V1__Listen *ev;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/door", t->dir);
	pid = live_do(t, listen_unix, path);
	live_end(t);
	ev = live_one(t, "LISTEN", pid)->listen;
	EXPECT_STR(ev->unix_path, path);
	EXPECT_FIELD(ev, backlog, 3);
	EXPECT(!ev->address && !ev->protocol && !ev->has_call_errno);
}
