/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/network.h"
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/un.h>

/* What the child saw; in the test's shared memory. */
struct seen {
	struct end asked, bound;
	uint64_t cookie;
	uint32_t call_errno;
};

struct attempt {
	int type;
	struct end to;
};

static struct seen *seen_of(struct live *t)
{
	return (struct seen *)t->shared->text[0];
}

static void try(struct live *t, void *arg)
{
	struct seen *seen = seen_of(t);
	struct attempt *a = arg;
	int fd = MUST(socket(a->to.addr.any.sa_family, a->type, 0));

	seen->call_errno = bind(fd, &a->to.addr.any, a->to.len) ? errno : 0;
	seen->bound = network_name(fd);
	seen->cookie = network_cookie(fd);
}

/* The port that the kernel chose is told by getsockname. */
static void expect_bound(struct live *t, int family, int type, const char *protocol)
{
	struct attempt a = {type, network_loopback(family)};
	pid_t pid = live_do(t, try, &a);
	const Varve__V1__Bind *ev;

	if (seen_of(t)->call_errno == EADDRNOTAVAIL)
		live_skip("no loopback address of family %d here", family);
	live_end(t);
	EXPECT_UINT(live_count(t, "BIND", 0), 1);
	ev = live_one(t, "BIND", pid)->bind;
	EXPECT_STR(ev->protocol, protocol);
	network_expect(ev->requested, &a.to);
	EXPECT(ev->requested->port == 0 && network_port(&seen_of(t)->bound));
	network_expect(ev->address, &seen_of(t)->bound);
	EXPECT_FIELD(ev, socket_cookie, seen_of(t)->cookie);
	EXPECT(!ev->has_call_errno && !ev->has_requested_user_memory && !ev->unix_path);
	EXPECT_UINT(live_class(t, "network")->generated, 1);
}

LIVE(bind_tcp_v4, LIVE_FIRST)
{
	expect_bound(t, AF_INET, SOCK_STREAM, "tcp");
}

LIVE(bind_tcp_v6, LIVE_FIRST)
{
	expect_bound(t, AF_INET6, SOCK_STREAM, "tcp");
}

LIVE(bind_udp_v4, LIVE_FIRST)
{
	expect_bound(t, AF_INET, SOCK_DGRAM, "udp");
}

/* Taken: the kernel had copied what was asked for. */
LIVE(bind_in_use, LIVE_FIRST)
{
	struct attempt a = {SOCK_STREAM, network_loopback(AF_INET)};
	const Varve__V1__Bind *ev;
	pid_t pid;

	network_listen(&a.to, 1);
	pid = live_do(t, try, &a);
	EXPECT_UINT(seen_of(t)->call_errno, EADDRINUSE);
	live_end(t);
	ev = live_one(t, "BIND", pid)->bind;
	EXPECT_FIELD(ev, call_errno, EADDRINUSE);
	network_expect(ev->requested, &a.to);
	EXPECT(!ev->address && !ev->has_requested_user_memory);
}

/* Refused before it was copied. */
LIVE(bind_wrong_length, LIVE_FIRST)
{
	struct attempt a = {SOCK_STREAM, network_loopback(AF_INET)};
	const Varve__V1__Bind *ev;
	pid_t pid;

	a.to.addr.v4.sin_port = htons(4242);
	a.to.len = 10;
	pid = live_do(t, try, &a);
	EXPECT_UINT(seen_of(t)->call_errno, EINVAL);
	live_end(t);
	ev = live_one(t, "BIND", pid)->bind;
	EXPECT_FIELD(ev, call_errno, EINVAL);
	EXPECT_FIELD(ev, requested_user_memory, 1);
	network_expect(ev->requested, &a.to);
	EXPECT(!ev->address);
}

/* --- unix */

static socklen_t un(struct sockaddr_un *a, const char *path, size_t len)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path, path, len);
	return offsetof(struct sockaddr_un, sun_path) + len;
}

static void in_directory(struct live *t, void *arg)
{
	struct sockaddr_un a;
	socklen_t len = un(&a, "door", 4);
	int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	(void)arg;
	MUST(chdir(t->dir));
	MUST(bind(fd, (void *)&a, len));
	fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	EXPECT(bind(fd, (void *)&a, len) < 0 && errno == EADDRINUSE);
}

/* The name as it was given, and the file that came of it. */
LIVE(bind_unix_path, LIVE_FIRST)
{
	pid_t pid = live_do(t, in_directory, NULL);
	const Varve__V1__Bind *ev;
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "%s/door", t->dir);
	MUST(stat(path, &st));
	live_end(t);
	EXPECT_UINT(live_count(t, "BIND", 0), 2);
	ev = live_nth(t, "BIND", pid, 0)->bind;
	EXPECT_STR(ev->unix_path, "door");
	EXPECT_STR(ev->file->path, path);
	EXPECT_FIELD(ev->file, inode, st.st_ino);
	EXPECT(!ev->requested && !ev->address && !ev->protocol && !ev->has_call_errno);
	EXPECT(!ev->has_requested_user_memory && !ev->file->has_path_user_memory);
	ev = live_nth(t, "BIND", pid, 1)->bind;
	EXPECT_STR(ev->unix_path, "door");
	EXPECT_FIELD(ev, call_errno, EADDRINUSE);
	EXPECT_FIELD(ev, requested_user_memory, 1);
	EXPECT(!ev->file);
}

static const char hidden[] = "\0varve-test\0\xff";

static void abstract(struct live *t, void *arg)
{
	struct sockaddr_un a;
	socklen_t len = un(&a, hidden, sizeof(hidden) - 1);
	int fd;

	(void)t;
	(void)arg;
	MUST(unshare(CLONE_NEWNET));
	fd = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
	MUST(bind(fd, (void *)&a, len));
	len = sizeof(a);
	MUST(getsockname(fd, (void *)&a, &len));
	EXPECT_UINT(len, offsetof(struct sockaddr_un, sun_path) + sizeof(hidden) - 1);
}

/* An abstract name is any bytes. */
LIVE(bind_unix_abstract, LIVE_FIRST)
{
	pid_t pid = live_do(t, abstract, NULL);
	const Varve__V1__Bind *ev;

	live_end(t);
	ev = live_one(t, "BIND", pid)->bind;
	EXPECT_STR(ev->unix_path, "@varve-test\xef\xbf\xbd\xef\xbf\xbd");
	EXPECT_UINT(ev->unix_path_raw.len, sizeof(hidden) - 1);
	EXPECT(!memcmp(ev->unix_path_raw.data + 1, hidden + 1, sizeof(hidden) - 2));
	EXPECT(!ev->file);
}

static void longest(struct live *t, void *arg)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	(void)arg;
	MUST(chdir(t->dir));
	memset(a.sun_path, 'n', sizeof(a.sun_path)); /* no NUL */
	MUST(bind(fd, (void *)&a, sizeof(a)));
}

LIVE(bind_unix_longest, LIVE_FIRST)
{
	pid_t pid = live_do(t, longest, NULL);
	const Varve__V1__Bind *ev;

	live_end(t);
	ev = live_one(t, "BIND", pid)->bind;
	EXPECT_UINT(strlen(ev->unix_path), 108);
	EXPECT_UINT(strspn(ev->unix_path, "n"), 108);
	EXPECT_UINT(strlen(ev->file->path), strlen(t->dir) + 1 + 108);
}

static void none(struct live *t, void *arg)
{
	struct sockaddr_un a;
	socklen_t len = un(&a, "x", 1);

	(void)t;
	(void)arg;
	EXPECT(bind(12345, (void *)&a, len) < 0 && errno == EBADF);
	EXPECT(bind(STDIN_FILENO, (void *)&a, len) < 0 && errno == ENOTSOCK);
}

LIVE(bind_not_of_no_socket, LIVE_FIRST)
{
	dup2(MUST(open("/dev/null", O_RDONLY)), STDIN_FILENO);
	live_do(t, none, NULL);
	live_end(t);
	EXPECT_UINT(live_class(t, "network")->generated, 0);
}
