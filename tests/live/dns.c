/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lookups against a small DNS server, in a network of the test's own, as port 53 may be somebody's.
 * What is expected is what the two ends said to each other, read from their own buffers.
 */
#include "tests/live/network.h"
#include <netinet/tcp.h>

#define NAME	"\3www\7example\3com"
#define IP_TEXT "192.0.2.7"

/* --- both ends */

/* A query for an A record; returns its length. */
static size_t make_query(uint8_t *msg, uint16_t id)
{
	static const uint8_t rest[] = {1, 0, 0, 1, 0, 0, 0, 0, 0, 0};

	msg[0] = id >> 8;
	msg[1] = id;
	memcpy(msg + 2, rest, sizeof(rest));
	memcpy(msg + 12, NAME "\0\0\1\0\1", sizeof(NAME) + 4);
	return 12 + sizeof(NAME) + 4;
}

/* The answer to it, with one address. */
static size_t make_answer(uint8_t *msg, const uint8_t *query, size_t len)
{
	static const uint8_t answer[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0x2c, 0, 4, 192, 0, 2, 7};

	memcpy(msg, query, len);
	msg[2] = 0x85;
	msg[3] = 0x80;
	msg[7] = 1;
	memcpy(msg + len, answer, sizeof(answer));
	return len + sizeof(answer);
}

static struct end port53(int family)
{
	struct end e = network_loopback(family);

	e.addr.v4.sin_port = htons(53); /* the same place in IPv6 */
	return e;
}

static void read_all(int fd, void *buf, size_t len)
{
	size_t n;
	ssize_t r;

	for (n = 0; n < len; n += r) {
		r = MUST(read(fd, (char *)buf + n, len - n));
		EXPECT(r > 0);
	}
}

/* In parts of so many bytes, each a segment of its own. */
static void write_parts(int fd, const uint8_t *data, size_t len, size_t part)
{
	size_t n;

	for (; len; data += n, len -= n) {
		n = MIN(len, part);
		EXPECT_UINT(write(fd, data, n), n);
		usleep(1000);
	}
}

static void serve_udp(int fd, unsigned int cnt)
{
	uint8_t query[512], answer[600];
	struct end from;
	size_t len;

	while (cnt--) {
		from.len = sizeof(from.addr);
		len = MUST(recvfrom(fd, query, sizeof(query), 0, &from.addr.any, &from.len));
		len = make_answer(answer, query, len);
		MUST(sendto(fd, answer, len, 0, &from.addr.any, from.len));
	}
}

/* Takes queries, then answers all of them in one write. */
static void serve_tcp(int listener, unsigned int cnt)
{
	int fd = MUST(accept(listener, NULL, NULL));
	uint8_t query[512], answer[1200], *at = answer;
	size_t len;

	while (cnt--) {
		read_all(fd, query, 2);
		len = query[0] << 8 | query[1];
		EXPECT(len <= sizeof(query));
		read_all(fd, query, len);
		len = make_answer(at + 2, query, len);
		at[0] = len >> 8;
		at[1] = len;
		at += 2 + len;
	}
	MUST(write(fd, answer, at - answer));
	EXPECT_UINT(read(fd, query, 1), 0);
	close(fd);
}

/* What the client says of itself. */
struct said {
	struct end local;
	uint64_t cookie;
};

static struct said *said(struct live *t)
{
	return (void *)t->shared->text[0];
}

static void say(struct live *t, int fd)
{
	said(t)->local = network_name(fd);
	said(t)->cookie = network_cookie(fd);
}

static void ask_udp(struct live *t, int family, bool connected)
{
	int fd = MUST(socket(family, SOCK_DGRAM, 0));
	struct end to = port53(family), from = {.len = sizeof(from.addr)};
	uint8_t msg[512];
	size_t len = make_query(msg, 0xabcd);

	if (connected)
		MUST(connect(fd, &to.addr.any, to.len));
	MUST(sendto(fd, msg, len, 0, connected ? NULL : &to.addr.any, connected ? 0 : to.len));
	EXPECT_UINT(recvfrom(fd, msg, sizeof(msg), 0, &from.addr.any, &from.len), len + 16);
	/* A socket that is not bound to an address has that of its answer's destination: loopback.
	 */
	say(t, fd);
	if (!connected)
		said(t)->local.addr.v4.sin_addr = to.addr.v4.sin_addr;
	EXPECT(!close(fd));
}

static void ask_v4(struct live *t, void *arg)
{
	(void)arg;
	ask_udp(t, AF_INET, false);
}

static void ask_v6(struct live *t, void *arg)
{
	(void)arg;
	ask_udp(t, AF_INET6, true);
}

/* --- what is expected */

static const Varve__V1__Dns *dns(struct live *t, pid_t pid, size_t n)
{
	return live_nth(t, "DNS", pid, n)->dns;
}

static void expect_ends(struct live *t, const Varve__V1__Dns *d, const char *direction,
			const struct end *peer)
{
	bool sent = !strcmp(direction, "sent");

	EXPECT_STR(d->direction, direction);
	network_expect(d->source, sent ? &said(t)->local : peer);
	network_expect(d->destination, sent ? peer : &said(t)->local);
	EXPECT_FIELD(d, socket_cookie, said(t)->cookie);
}

static void expect_query(const Varve__V1__DnsMessage *m, uint16_t id)
{
	EXPECT(!m->malformed && !m->has_captured_length);
	EXPECT_FIELD(m, id, id);
	EXPECT_FIELD(m, response, 0);
	EXPECT_STR(m->opcode, "QUERY");
	EXPECT_FIELD(m, recursion_desired, 1);
	EXPECT_UINT(m->n_questions, 1);
	EXPECT_STR(m->questions[0]->name, "www.example.com");
	EXPECT_STR(m->questions[0]->type, "A");
	EXPECT_UINT(m->n_answers, 0);
}

static void expect_answer(const Varve__V1__DnsMessage *m, uint16_t id)
{
	EXPECT(!m->malformed && !m->has_captured_length);
	EXPECT_FIELD(m, id, id);
	EXPECT_FIELD(m, response, 1);
	EXPECT_STR(m->rcode, "NOERROR");
	EXPECT_FIELD(m, authoritative, 1);
	EXPECT_UINT(m->n_answers, 1);
	EXPECT_STR(m->answers[0]->name, "www.example.com");
	EXPECT_STR(m->answers[0]->data, IP_TEXT);
	EXPECT_FIELD(m->answers[0], ttl, 300);
}

static void expect_lookup(struct live *t, int family, live_fn fn, const char *by)
{
	struct end at = port53(family);
	int server;
	pid_t pid;

	network_own();
	server = network_bound(&at, SOCK_DGRAM);
	pid = live_spawn(t, fn, NULL);
	serve_udp(server, 1);
	EXPECT_UINT(live_wait(pid), 0);
	live_end(t);
	EXPECT_UINT(live_count(t, "DNS", 0), 2);
	expect_ends(t, dns(t, pid, 0), "sent", &at);
	expect_ends(t, dns(t, pid, 1), "received", &at);
	EXPECT_STR(dns(t, pid, 0)->protocol, "udp");
	EXPECT_STR(dns(t, pid, 0)->process_by, by);
	EXPECT_UINT(dns(t, pid, 0)->n_messages, 1);
	expect_query(dns(t, pid, 0)->messages[0], 0xabcd);
	EXPECT_UINT(dns(t, pid, 1)->n_messages, 1);
	expect_answer(dns(t, pid, 1)->messages[0], 0xabcd);
	EXPECT_FIELD(dns(t, pid, 1), payload_length, 12 + sizeof(NAME) + 4 + 16);
	EXPECT(!dns(t, pid, 1)->has_captured_length);
	EXPECT_UINT(live_count(t, "UDP_FLOW", pid), 2);
}

LIVE(dns_udp_v4, LIVE_FIRST)
{
	expect_lookup(t, AF_INET, ask_v4, "send");
}

LIVE(dns_udp_v6_connected, LIVE_FIRST)
{
	expect_lookup(t, AF_INET6, ask_v6, "connect");
}

/* --- TCP */

static void ask_tcp(struct live *t, void *arg)
{
	unsigned int cnt = 3, i;
	size_t part = *(size_t *)arg, len;
	struct end to = port53(AF_INET);
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0)), one = 1;
	uint8_t msg[512];

	MUST(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
	MUST(connect(fd, &to.addr.any, to.len));
	say(t, fd);
	for (i = 0; i < cnt; i++) {
		len = make_query(msg + 2, 100 + i);
		msg[0] = len >> 8;
		msg[1] = len;
		write_parts(fd, msg, 2 + len, part);
	}
	for (i = 0; i < cnt; i++) {
		read_all(fd, msg, 2);
		read_all(fd, msg + 2, msg[0] << 8 | msg[1]);
	}
	EXPECT(!close(fd));
}

/* All messages of one direction, in order; each segment says what waits after it. */
static void expect_stream(struct live *t, pid_t pid, const char *direction, size_t segments)
{
	void (*expect)(const Varve__V1__DnsMessage *, uint16_t) =
		strcmp(direction, "sent") ? expect_answer : expect_query;
	uint32_t offset = 0, waits = 0;
	struct end at = port53(AF_INET);
	size_t i, k, seen = 0, n = 0;

	for (i = 0; i < live_count(t, "DNS", pid); i++) {
		const Varve__V1__Dns *d = dns(t, pid, i);

		if (strcmp(d->direction, direction))
			continue;
		EXPECT_STR(d->protocol, "tcp");
		expect_ends(t, d, direction, &at);
		EXPECT_FIELD(d, stream_offset, offset);
		offset += d->payload_length;
		waits += d->payload_length;
		for (k = 0; k < d->n_messages; k++) {
			expect(d->messages[k], 100 + seen++);
			waits -= 2 + d->messages[k]->length;
		}
		EXPECT_UINT(d->pending_captured, waits);
		if (waits)
			EXPECT_STR(d->incomplete, "more_to_come");
		else
			EXPECT(!d->incomplete);
		if (waits >= 2)
			EXPECT(d->has_pending_length);
		n++;
	}
	EXPECT_UINT(seen, 3);
	EXPECT_UINT(n, segments);
}

static void expect_tcp(struct live *t, size_t part)
{
	size_t whole = 2 + 12 + sizeof(NAME) + 4;
	struct end at = port53(AF_INET);
	int listener;
	pid_t pid;

	network_own();
	listener = network_listen(&at, 8);
	pid = live_spawn(t, ask_tcp, &part);
	serve_tcp(listener, 3);
	EXPECT_UINT(live_wait(pid), 0);
	live_end(t);
	expect_stream(t, pid, "sent", 3 * ((whole + part - 1) / part));
	expect_stream(t, pid, "received", 1);
}

LIVE(dns_tcp_whole, LIVE_FIRST)
{
	expect_tcp(t, 1000);
}

LIVE(dns_tcp_split, LIVE_FIRST)
{
	expect_tcp(t, 10);
}

LIVE(dns_tcp_by_bytes, LIVE_FIRST)
{
	expect_tcp(t, 1);
}

/* --- a server in the container */

static void be_server(struct live *t, void *arg)
{
	int ready = *(int *)arg, udp, listener;
	struct end at = port53(AF_INET);

	udp = network_bound(&at, SOCK_DGRAM);
	listener = network_listen(&at, 8);
	MUST(write(ready, "x", 1));
	serve_udp(udp, 1);
	serve_tcp(listener, 3);
	(void)t;
}

/* What the connections of a listening socket get is the process's that bound it. */
LIVE(dns_server, LIVE_FIRST)
{
	size_t part = 1000, i, messages = 0;
	int ready[2];
	pid_t pid;
	char x;

	network_own();
	MUST(pipe(ready));
	pid = live_spawn(t, be_server, &ready[1]);
	EXPECT_UINT(read(ready[0], &x, 1), 1);
	ask_udp(t, AF_INET, false);
	ask_tcp(t, &part);
	EXPECT_UINT(live_wait(pid), 0);
	live_end(t);
	EXPECT_UINT(live_count(t, "DNS", pid), live_count(t, "DNS", 0));
	EXPECT_STR(dns(t, pid, 0)->direction, "received");
	expect_query(dns(t, pid, 0)->messages[0], 0xabcd);
	EXPECT_STR(dns(t, pid, 1)->direction, "sent");
	expect_answer(dns(t, pid, 1)->messages[0], 0xabcd);
	for (i = 2; i < live_count(t, "DNS", pid); i++) {
		EXPECT_STR(dns(t, pid, i)->process_by, "bind");
		EXPECT(!dns(t, pid, i)->incomplete);
		messages += dns(t, pid, i)->n_messages;
	}
	EXPECT_UINT(messages, 6);
}

/* Data come with the handshake's last packet, to the listening socket. */
static void be_deferred_server(struct live *t, void *arg)
{
	int ready = *(int *)arg, listener, seconds = 5;
	struct end at = port53(AF_INET);

	(void)t;
	listener = network_listen(&at, 8);
	MUST(setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)));
	MUST(write(ready, "x", 1));
	serve_tcp(listener, 3);
}

LIVE(dns_server_deferred, LIVE_FIRST)
{
	size_t part = 10, i, messages = 0;
	int ready[2];
	pid_t pid;
	char x;

	network_own();
	MUST(pipe(ready));
	pid = live_spawn(t, be_deferred_server, &ready[1]);
	EXPECT_UINT(read(ready[0], &x, 1), 1);
	ask_tcp(t, &part);
	EXPECT_UINT(live_wait(pid), 0);
	live_end(t);
	for (i = 0; i < live_count(t, "DNS", pid); i++)
		messages += dns(t, pid, i)->n_messages;
	EXPECT_UINT(messages, 6);
}

/* --- hostile ones */

static void send_bad(struct live *t, void *arg)
{
	static const uint8_t loop[] = {0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1};
	int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	struct end to = port53(AF_INET);
	uint8_t big[9000] = {};

	(void)t, (void)arg;
	MUST(connect(fd, &to.addr.any, to.len));
	MUST(send(fd, loop, sizeof(loop), 0));
	MUST(send(fd, "", 0, 0));
	MUST(send(fd, "\x1b[2J", 4, 0));
	make_query(big, 8);
	MUST(send(fd, big, sizeof(big), 0));
}

LIVE(dns_malformed, LIVE_FIRST)
{
	struct end at = port53(AF_INET);
	const Varve__V1__Dns *d;
	pid_t pid;

	network_own();
	network_bound(&at, SOCK_DGRAM);
	pid = live_do(t, send_bad, NULL);
	live_end(t);
	EXPECT_UINT(live_count(t, "DNS", pid), 4);
	EXPECT_STR(dns(t, pid, 0)->messages[0]->malformed, "bad_pointer");
	EXPECT_FIELD(dns(t, pid, 0)->messages[0], id, 7);
	EXPECT_STR(dns(t, pid, 1)->messages[0]->malformed, "short_header");
	EXPECT_FIELD(dns(t, pid, 1), payload_length, 0);
	EXPECT_STR(dns(t, pid, 2)->messages[0]->malformed, "short_header");
	EXPECT_FIELD(dns(t, pid, 2), payload_length, 4);
	d = dns(t, pid, 3);
	EXPECT_FIELD(d, payload_length, 9000);
	EXPECT_FIELD(d, captured_length, 4096);
	EXPECT_FIELD(d->messages[0], length, 9000);
	EXPECT_FIELD(d->messages[0], captured_length, 4096);
	EXPECT_STR(d->messages[0]->questions[0]->name, "www.example.com");
}

/* Other ports are none of DNS's. */
static void send_elsewhere(struct live *t, void *arg)
{
	int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	struct end to = port53(AF_INET);
	uint8_t msg[512];

	(void)t, (void)arg;
	to.addr.v4.sin_port = htons(54);
	MUST(sendto(fd, msg, make_query(msg, 1), 0, &to.addr.any, to.len));
}

LIVE(dns_not_of_other_ports, LIVE_FIRST)
{
	pid_t pid;

	network_own();
	pid = live_do(t, send_elsewhere, NULL);
	live_end(t);
	EXPECT_UINT(live_count(t, "DNS", 0), 0);
	EXPECT_UINT(live_count(t, "UDP_FLOW", pid), 2);
}
