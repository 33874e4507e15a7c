/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct name {
	struct sockaddr_un addr;
	socklen_t len;
	int type;
};

static struct name name_of(const char *path, size_t len, int type)
{
	struct name n = {.addr.sun_family = AF_UNIX, .type = type};

	EXPECT(len <= sizeof(n.addr.sun_path));
	memcpy(n.addr.sun_path, path, len);
	n.len = offsetof(struct sockaddr_un, sun_path) + len;
	return n;
}

/* Bound and, if it is of such a type, listening, in the test's own process. */
static int serve(const struct name *n)
{
	int fd = MUST(socket(AF_UNIX, n->type | SOCK_CLOEXEC, 0));

	MUST(bind(fd, (const void *)&n->addr, n->len));
	if (n->type != SOCK_DGRAM)
		MUST(listen(fd, 4));
	return fd;
}

static void try(struct live *t, void *arg)
{
	struct name *n = arg;
	int fd = MUST(socket(AF_UNIX, n->type, 0));

	t->shared->value[0] = connect(fd, (void *)&n->addr, n->len) ? errno : 0;
}

static const Varve__V1__UnixConnect *only(struct live *t, pid_t pid, uint32_t err)
{
	const Varve__V1__UnixConnect *ev;

	EXPECT_UINT(t->shared->value[0], err);
	live_end(t);
	EXPECT_UINT(live_count(t, "UNIX_CONNECT", 0), 1);
	EXPECT_UINT(live_count(t, "CONNECT", 0), 0);
	ev = live_one(t, "UNIX_CONNECT", pid)->unix_connect;
	EXPECT_UINT(ev->has_call_errno ? ev->call_errno : 0, err);
	EXPECT_FIELD(ev, requested_user_memory, 1);
	return ev;
}

/* A runtime's socket by its path: its file, and who listens there. */
static void expect_path(struct live *t, int type)
{
	const Varve__V1__UnixConnect *ev;
	char path[300];
	struct name n;
	struct stat st;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/docker.sock", t->dir);
	n = name_of(path, strlen(path), type);
	serve(&n);
	MUST(stat(path, &st));
	pid = live_do(t, try, &n);
	ev = only(t, pid, 0);
	EXPECT_STR(ev->requested, path);
	EXPECT_STR(ev->peer_name, path);
	EXPECT_STR(ev->file->path, path);
	EXPECT_FIELD(ev->file, inode, st.st_ino);
	EXPECT_FIELD(ev, type, type);
	if (type == SOCK_DGRAM) {
		EXPECT(!ev->has_peer_pid && !ev->has_peer_uid);
		return;
	}
	EXPECT_FIELD(ev, peer_pid, getpid());
	EXPECT_FIELD(ev, peer_uid, geteuid());
	EXPECT_FIELD(ev, peer_gid, getegid());
}

LIVE(unix_connect_stream, LIVE_FIRST)
{
	expect_path(t, SOCK_STREAM);
}

LIVE(unix_connect_seqpacket, LIVE_FIRST)
{
	expect_path(t, SOCK_SEQPACKET);
}

LIVE(unix_connect_datagram, LIVE_FIRST)
{
	expect_path(t, SOCK_DGRAM);
}

LIVE(unix_connect_abstract, LIVE_FIRST)
{
	const Varve__V1__UnixConnect *ev;
	char text[64];
	struct name n;
	pid_t pid;

	text[0] = '\0';
	snprintf(text + 1, sizeof(text) - 1, "varve-%d", getpid());
	n = name_of(text, 1 + strlen(text + 1), SOCK_STREAM);
	serve(&n);
	pid = live_do(t, try, &n);
	ev = only(t, pid, 0);
	text[0] = '@';
	EXPECT_STR(ev->requested, text);
	EXPECT_STR(ev->peer_name, text);
	EXPECT(!ev->file);
}

/* By another way than the one it was bound by: both show. */
static void by_another_name(struct live *t, void *arg)
{
	struct name n = name_of("alias", 5, SOCK_STREAM);

	(void)arg;
	MUST(chdir(t->dir));
	try(t, &n);
}

LIVE(unix_connect_by_symlink, LIVE_FIRST)
{
	const Varve__V1__UnixConnect *ev;
	char path[300], alias[300];
	struct name n;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/containerd.sock", t->dir);
	snprintf(alias, sizeof(alias), "%s/alias", t->dir);
	n = name_of(path, strlen(path), SOCK_STREAM);
	serve(&n);
	MUST(symlink(path, alias));
	pid = live_do(t, by_another_name, NULL);
	ev = only(t, pid, 0);
	EXPECT_STR(ev->requested, "alias");
	EXPECT_STR(ev->peer_name, path);
	EXPECT_STR(ev->file->path, path);
}

LIVE(unix_connect_nobody, LIVE_FIRST)
{
	const Varve__V1__UnixConnect *ev;
	char path[300];
	struct name n;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/none", t->dir);
	n = name_of(path, strlen(path), SOCK_STREAM);
	pid = live_do(t, try, &n);
	ev = only(t, pid, ENOENT);
	EXPECT_STR(ev->requested, path);
	EXPECT(!ev->peer_name && !ev->file && !ev->has_peer_pid);
}

/* Bound, but nobody listens any more. */
LIVE(unix_connect_refused, LIVE_FIRST)
{
	const Varve__V1__UnixConnect *ev;
	char path[300];
	struct name n;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/old", t->dir);
	n = name_of(path, strlen(path), SOCK_STREAM);
	close(serve(&n));
	pid = live_do(t, try, &n);
	ev = only(t, pid, ECONNREFUSED);
	EXPECT_STR(ev->requested, path);
	EXPECT(!ev->file);
}

/* In a mount namespace of its own, with the directory mounted elsewhere, as in a container. */
static void from_inside(struct live *t, void *arg)
{
	struct name n = name_of("/run/docker.sock", 16, SOCK_STREAM);
	char dir[300];

	(void)arg;
	snprintf(dir, sizeof(dir), "%s/root/run", t->dir);
	if (unshare(CLONE_NEWNS)) {
		t->shared->value[1] = errno;
		return;
	}
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount(t->dir, dir, NULL, MS_BIND, NULL));
	dir[strlen(dir) - 4] = '\0';
	MUST(chroot(dir));
	try(t, &n);
}

LIVE(unix_connect_from_container, LIVE_FIRST)
{
	const Varve__V1__UnixConnect *ev;
	char path[300];
	struct name n;
	struct stat st;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/root", t->dir);
	MUST(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%s/root/run", t->dir);
	MUST(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%s/docker.sock", t->dir);
	n = name_of(path, strlen(path), SOCK_STREAM);
	serve(&n);
	MUST(stat(path, &st));
	pid = live_do(t, from_inside, NULL);
	if (t->shared->value[1])
		live_skip("mount namespaces: %s", strerror(t->shared->value[1]));
	ev = only(t, pid, 0);
	EXPECT_STR(ev->requested, "/run/docker.sock");
	EXPECT_STR(ev->peer_name, path);
	EXPECT_STR(ev->file->path, path);
	EXPECT_FIELD(ev->file, path_unreachable, 1);
	EXPECT_FIELD(ev->file, inode, st.st_ino);
}

static void dissolve(struct live *t, void *arg)
{
	struct sockaddr unspec = {.sa_family = AF_UNSPEC};
	int pair[2];

	(void)t;
	(void)arg;
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	MUST(connect(pair[0], &unspec, sizeof(unspec)));
}

LIVE(unix_connect_not_of_pairs, LIVE_FIRST)
{
	live_do(t, dissolve, NULL);
	live_end(t);
	EXPECT_UINT(live_class(t, "network")->generated, 0);
}
