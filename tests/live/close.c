/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends are here; the numbers are those that read(2) and write(2) returned. */
#include "tests/live/network.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

/* More than a socket's buffers take at once. */
#define SENT	 (3u << 20 | 13)
#define RECEIVED 700001u

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void send_all(int fd, size_t len)
{
	static char buf[65536];

	while (len)
		len -= MUST(send(fd, buf, len < sizeof(buf) ? len : sizeof(buf), MSG_NOSIGNAL));
}

/* Up to the end of the stream, or len bytes. */
static size_t receive(int fd, size_t len)
{
	static char buf[65536];
	size_t got = 0;
	ssize_t n;

	while (got < len && (n = MUST(recv(fd, buf, sizeof(buf), 0))) > 0)
		got += n;
	return got;
}

static void linger_zero(int fd)
{
	struct linger none = {.l_onoff = 1};

	MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)));
}

struct side {
	struct end to;
	struct end seen[2]; /* source, destination */
	uint64_t cookie;
	uint64_t took_ns;
	bool nonblocking;
	void (*then)(int fd);
};

/* In memory that the child shares. */
static struct side *side_of(struct live *t)
{
	return (struct side *)t->shared->text[0];
}

static void await_connection(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	EXPECT(errno == EINPROGRESS);
	EXPECT(poll(&p, 1, 10000) == 1);
	MUST(fcntl(fd, F_SETFL, 0));
}

static void as_client(struct live *t, void *arg)
{
	struct side *s = side_of(t);
	int type = SOCK_STREAM | (s->nonblocking ? SOCK_NONBLOCK : 0);
	int fd = MUST(socket(s->to.addr.any.sa_family, type, 0));
	uint64_t began;

	(void)arg;
	if (connect(fd, &s->to.addr.any, s->to.len))
		await_connection(fd);
	began = now_ns();
	s->seen[0] = network_name(fd);
	s->seen[1] = network_peer(fd);
	s->cookie = network_cookie(fd);
	s->then(fd);
	close(fd);
	s->took_ns = now_ns() - began;
}

/* The peer closes first, so that the end is here when the process's is. */
static void talk(int fd)
{
	send_all(fd, SENT);
	MUST(shutdown(fd, SHUT_WR));
	EXPECT_UINT(receive(fd, SIZE_MAX), RECEIVED);
}

static void talk_back(int fd)
{
	EXPECT_UINT(receive(fd, SIZE_MAX), SENT);
	send_all(fd, RECEIVED);
}

static Varve__V1__Event *expect_close(struct live *t, pid_t pid, const char *role, const char *how)
{
	Varve__V1__Event *ev = live_one(t, "CLOSE", pid);
	struct side *s = side_of(t);

	EXPECT_STR(ev->close->role, role);
	EXPECT_STR(ev->close->how, how);
	EXPECT_STR(ev->close->protocol, "tcp");
	network_expect(ev->close->source, &s->seen[0]);
	network_expect(ev->close->destination, &s->seen[1]);
	EXPECT(!ev->close->has_former_cgroup_id);
	return ev;
}

static void expect_counts(const Varve__V1__Close *c, uint64_t sent, uint64_t received)
{
	EXPECT_FIELD(c, bytes_sent, sent);
	EXPECT_FIELD(c, bytes_received, received);
	EXPECT(!c->has_error);
}

/* The client is in the container; the server, outside, does `serve`, and closes. */
static Varve__V1__Event *run_client(struct live *t, int listener, void (*then)(int fd),
				    void (*serve)(int fd), const char *how)
{
	pid_t pid;
	int fd;

	side_of(t)->then = then;
	pid = live_spawn(t, as_client, NULL);
	fd = MUST(accept(listener, NULL, NULL));
	serve(fd);
	close(fd);
	EXPECT_UINT(live_wait(pid), 0);
	live_end(t);
	return expect_close(t, pid, "client", how);
}

static void check_client(struct live *t, int family, bool nonblocking)
{
	struct side *s = side_of(t);
	Varve__V1__Event *ev;
	int listener;

	s->to = network_loopback(family);
	s->nonblocking = nonblocking;
	listener = network_listen(&s->to, 5);
	ev = run_client(t, listener, talk, talk_back, "orderly");
	expect_counts(ev->close, SENT, RECEIVED);
	EXPECT_FIELD(ev->close, socket_cookie, s->cookie);
	EXPECT(ev->close->has_duration_nano && ev->close->duration_nano > 0);
	/* From inside connect(2) to at most after close(2), but for what comes before our first
	 * look. */
	EXPECT(ev->close->duration_nano < s->took_ns + 1000000000);
	EXPECT_STR(ev->process->process_uid, live_nth(t, "CONNECT", 0, 0)->process->process_uid);
}

LIVE(close_client_v4, LIVE_FIRST)
{
	check_client(t, AF_INET, false);
}

LIVE(close_client_v6, LIVE_FIRST)
{
	check_client(t, AF_INET6, false);
}

LIVE(close_client_nonblocking, LIVE_FIRST)
{
	check_client(t, AF_INET, true);
}

static void as_server(struct live *t, void *arg)
{
	struct side *s = side_of(t);
	int *listener = arg, fd = MUST(accept(*listener, NULL, NULL));

	s->seen[0] = network_peer(fd);
	s->seen[1] = network_name(fd);
	talk_back(fd);
	MUST(shutdown(fd, SHUT_WR));
	EXPECT_UINT(receive(fd, SIZE_MAX), 0);
	close(fd);
}

LIVE(close_server, LIVE_FIRST)
{
	struct side *s = side_of(t);
	Varve__V1__Event *ev;
	int listener, fd;
	pid_t pid;

	s->to = network_loopback(AF_INET);
	listener = network_listen(&s->to, 5);
	pid = live_spawn(t, as_server, &listener);
	fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(connect(fd, &s->to.addr.any, s->to.len));
	talk(fd);
	close(fd);
	EXPECT_UINT(live_wait(pid), 0);
	live_end(t);
	ev = expect_close(t, pid, "server", "orderly");
	expect_counts(ev->close, RECEIVED, SENT);
	EXPECT_STR(live_one(t, "ACCEPT", pid)->process->process_uid, ev->process->process_uid);
}

static void read_reset(int fd)
{
	char byte;

	EXPECT(recv(fd, &byte, 1, 0) < 0 && errno == ECONNRESET);
}

static void send_and_read_reset(int fd)
{
	send_all(fd, 1);
	read_reset(fd);
}

static void reset_when_heard(int fd)
{
	EXPECT_UINT(receive(fd, 1), 1);
	linger_zero(fd);
}

LIVE(close_reset_by_peer, LIVE_FIRST)
{
	Varve__V1__Event *ev;
	int listener;

	side_of(t)->to = network_loopback(AF_INET);
	listener = network_listen(&side_of(t)->to, 5);
	ev = run_client(t, listener, send_and_read_reset, reset_when_heard, "reset");
	EXPECT_FIELD(ev->close, error, ECONNRESET);
	EXPECT_FIELD(ev->close, bytes_sent, 1);
}

static void send_a_little(int fd)
{
	send_all(fd, 100);
	read_reset(fd);
}

static void receive_a_little(int fd)
{
	EXPECT_UINT(receive(fd, 100), 100);
	linger_zero(fd);
}

LIVE(close_aborted, LIVE_FIRST)
{
	Varve__V1__Event *ev;
	int listener;

	side_of(t)->to = network_loopback(AF_INET);
	listener = network_listen(&side_of(t)->to, 5);
	ev = run_client(t, listener, receive_a_little, send_a_little, "aborted");
	expect_counts(ev->close, 0, 100);
}

static void wait_for_unread(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	EXPECT(poll(&p, 1, 10000) == 1);
}

/* Data that came and was never read is in the count, and makes the close an abort. */
LIVE(close_with_data_unread, LIVE_FIRST)
{
	Varve__V1__Event *ev;
	int listener;

	side_of(t)->to = network_loopback(AF_INET);
	listener = network_listen(&side_of(t)->to, 5);
	ev = run_client(t, listener, wait_for_unread, send_a_little, "aborted");
	expect_counts(ev->close, 0, 100);
}

/* A child has the socket to its end: it is still the connection of who connected. */
static void leave_to_child(int fd)
{
	if (MUST(fork())) /* our own end waits for it: the parent is not to go first */
		return;
	talk(fd);
	_exit(0);
}

LIVE(close_by_child, LIVE_FIRST)
{
	Varve__V1__Event *ev;
	int listener;

	side_of(t)->to = network_loopback(AF_INET);
	listener = network_listen(&side_of(t)->to, 5);
	ev = run_client(t, listener, leave_to_child, talk_back, "orderly");
	expect_counts(ev->close, SENT, RECEIVED);
}

/* The process, and its container, are gone before the peer has what was sent. */
static void send_what_fits(int fd)
{
	static char buf[65536];

	while (send(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	EXPECT(errno == EAGAIN);
}

/* Of no container's stream: it is looked for in the whole log. */
static Varve__V1__Event *find_late(struct live *t)
{
	size_t i;
	int tries;

	for (tries = 0; tries < 1000; tries++) {
		live_collect_all(t);
		for (i = 0; i < t->event_cnt; i++) {
			Varve__V1__Event *ev = t->events[i];

			if (!strcmp(ev->kind, "CLOSE") && ev->close->has_former_cgroup_id &&
			    ev->close->former_cgroup_id == t->cgroup_id)
				return ev;
		}
		usleep(5000);
	}
	FAIL("no CLOSE of the cgroup that has gone");
}

LIVE(close_outlives_container, LIVE_FIRST)
{
	struct side *s = side_of(t);
	Varve__V1__Event *ev;
	char uid[64];
	int listener, fd;
	size_t got;
	pid_t pid;

	s->to = network_loopback(AF_INET);
	listener = network_listen(&s->to, 5);
	s->then = send_what_fits;
	pid = live_spawn(t, as_client, NULL);
	fd = MUST(accept(listener, NULL, NULL));
	EXPECT_UINT(live_wait(pid), 0);
	live_end(t);
	EXPECT_UINT(live_count(t, "CLOSE", 0), 0);
	snprintf(uid, sizeof(uid), "%s", live_one(t, "CONNECT", pid)->process->process_uid);
	got = receive(fd, SIZE_MAX);
	EXPECT(got > 65536);
	close(fd);
	ev = find_late(t);
	EXPECT_STR(ev->stream, "node");
	EXPECT(!ev->container);
	EXPECT_UINT(ev->process->pid, pid);
	EXPECT_STR(ev->process->process_uid, uid);
	expect_counts(ev->close, got, 0);
	EXPECT_STR(ev->close->how, "orderly");
	network_expect(ev->close->source, &s->seen[0]);
}
