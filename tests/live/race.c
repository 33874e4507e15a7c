/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second thread rewrites a name or an address while the first is in the call. What is recorded is
 * what the kernel acted on, by an account that does not come from the buffer: the inode behind the
 * descriptor, which name is gone, who was connected to. Where only user memory was to be had, the
 * record may say otherwise, and is marked.
 *
 * How often the other thread was in time is said, and depends on the machine; what is expected does
 * not.
 */
#include "tests/live/network.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define ROUND_MAX 1000
#define RACE_NS	  (1200 * NSEC_PER_MSEC)
#define SPIN_MAX  5000 /* for the other thread to be seen running */

/* One byte, so that it is never half rewritten. */
struct flip {
	pthread_t thread;
	volatile uint8_t *byte[2];
	uint8_t value[2][2]; /* of each byte */
	volatile unsigned int turn;
	volatile bool stop;
};

/* One call, as the first thread saw it. */
struct round {
	uint64_t ino;
	uint8_t acted[2]; /* which of the two the kernel took, of each name */
	uint8_t after;	  /* what the first buffer held when the call had returned */
	uint8_t err;
};

struct rounds {
	uint32_t cnt;
	struct round round[ROUND_MAX];
};

static struct rounds *rounds_of(struct live *t)
{
	_Static_assert(sizeof(struct rounds) <= sizeof(t->shared->text), "they are kept there");
	return (struct rounds *)t->shared->text;
}

/* --- the second thread */

static void *flip_on(void *arg)
{
	struct flip *f = arg;
	unsigned int i, k, n;

	for (n = 0; !f->stop; n++) {
		for (k = 0; k < 2 && f->byte[k]; k++)
			*f->byte[k] = f->value[k][n & 1];
		f->turn = n;
		for (i = 0; i < (n & 63); i++) /* now faster, now slower than a call */
			__asm__ volatile("pause");
	}
	return NULL;
}

/* The n-th processor that may be used, if there are two; else the scheduler often gives both
 * threads one. */
static void stay_on(pthread_t thread, int nth)
{
	cpu_set_t may, one;
	int cpu;

	MUST(sched_getaffinity(getppid(), sizeof(may), &may));
	if (CPU_COUNT(&may) < 2)
		return;
	for (cpu = 0; !CPU_ISSET(cpu, &may) || nth--; cpu++)
		;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	EXPECT(!pthread_setaffinity_np(thread, sizeof(one), &one));
}

static void flip_start(struct flip *f)
{
	EXPECT(!pthread_create(&f->thread, NULL, flip_on, f));
	stay_on(pthread_self(), 0);
	stay_on(f->thread, 1);
}

static void flip_stop(struct flip *f)
{
	f->stop = true;
	EXPECT(!pthread_join(f->thread, NULL));
}

/* Name k ends in one of two letters. */
static void flip_name(struct flip *f, int k, char *path, char first, char second)
{
	f->byte[k] = (uint8_t *)path + strlen(path) - 1;
	f->value[k][0] = first;
	f->value[k][1] = second;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* Begins when the other thread has just rewritten, unless it does not get to run. */
static void meet(const struct flip *f)
{
	unsigned int i, turn = f->turn;

	for (i = 0; i < SPIN_MAX && f->turn == turn; i++)
		__asm__ volatile("pause");
}

/* Calls one round after the other for a bounded time. */
static void race(struct live *t, struct flip *f,
		 void (*call)(struct flip *, struct round *, void *), void *arg)
{
	struct rounds *rs = rounds_of(t);
	uint64_t end = now_ns() + RACE_NS;

	flip_start(f);
	while (rs->cnt < ROUND_MAX && now_ns() < end) {
		meet(f);
		call(f, &rs->round[rs->cnt++], arg);
	}
	flip_stop(f);
}

static uint8_t after(const struct flip *f)
{
	return *f->byte[0] == f->value[0][1];
}

/* --- the verdict */

struct verdict {
	size_t hits;	  /* the buffer held something else at the end of the call */
	size_t disagreed; /* the record says the other name, and is marked */
	size_t flagged;
};

/* Path is DIR/x, of the letters; the one that was acted on, or marked. */
static void expect_name_of(const Varve__V1__File *file, const char *dir, const char letters[2],
			   uint8_t acted, struct verdict *v)
{
	bool flagged = file && file->has_path_user_memory;
	size_t len = strlen(dir);

	EXPECT(file && file->path);
	EXPECT(strlen(file->path) == len + 2 && !strncmp(file->path, dir, len));
	v->flagged += flagged;
	if (file->path[len + 1] == letters[acted])
		return;
	if (!flagged)
		FAIL("%s is recorded as the kernel's, but it acted on %c", file->path,
		     letters[acted]);
	EXPECT(file->path[len + 1] == letters[!acted]);
	v->disagreed++;
}

static void tell(struct live *t, const char *what, struct verdict *v)
{
	struct rounds *rs = rounds_of(t);
	size_t i;

	EXPECT(rs->cnt);
	for (i = 0; i < rs->cnt; i++)
		v->hits += rs->round[i].after != rs->round[i].acted[0];
	printf("# race of %s: %u calls, rewritten during %zu of them; %zu names from user memory, "
	       "%zu of them not what the kernel acted on\n",
	       what, rs->cnt, v->hits, v->flagged, v->disagreed);
	fflush(stdout);
}

/* Runs the rounds in the container; each has made one record of the kind. */
static struct rounds *rounds_recorded(struct live *t, live_fn fn, const char *kind, pid_t *ret_pid)
{
	struct rounds *rs = rounds_of(t);

	*ret_pid = live_do(t, fn, NULL);
	live_end(t);
	EXPECT_UINT(live_count(t, kind, 0), rs->cnt);
	return rs;
}

/* --- open */

static void open_one(struct flip *f, struct round *r, void *arg)
{
	char link[64], path[512];
	int fd = MUST(open(arg, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	struct stat st;
	ssize_t n;

	r->after = after(f);
	MUST(fstat(fd, &st));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = MUST(readlink(link, path, sizeof(path)));
	r->ino = st.st_ino;
	r->acted[0] = path[n - 1] == f->value[0][1];
	close(fd);
}

static void opens(struct live *t, void *arg)
{
	struct flip f = {};
	char path[300];

	(void)arg;
	snprintf(path, sizeof(path), "%s/a", t->dir);
	flip_name(&f, 0, path, 'a', 'b');
	race(t, &f, open_one, path);
}

/* Whatever was asked for: the record is of the file that was opened, in both sets. */
LIVE_TIMEOUT(race_of_open, LIVE_FIRST, 60)
{
	pid_t pid;
	struct rounds *rs = rounds_recorded(t, opens, "OPEN", &pid);
	struct verdict v = {};
	size_t i;

	for (i = 0; i < rs->cnt; i++) {
		const Varve__V1__Open *o = live_nth(t, "OPEN", pid, i)->open;

		expect_name_of(o->file, t->dir, "ab", rs->round[i].acted[0], &v);
		EXPECT_FIELD(o->file, inode, rs->round[i].ino);
	}
	EXPECT_UINT(v.flagged, 0);
	tell(t, "open", &v);
}

/* --- an open that fails: a is a directory, b a socket; the error says which it was */

static void open_fails(struct flip *f, struct round *r, void *arg)
{
	EXPECT(open(arg, O_WRONLY) < 0 && (errno == EISDIR || errno == ENXIO));
	r->err = errno;
	r->after = after(f);
	r->acted[0] = r->err == ENXIO;
}

static void failing_opens(struct live *t, void *arg)
{
	struct flip f = {};
	char path[300];

	(void)arg;
	snprintf(path, sizeof(path), "%s/b", t->dir);
	MUST(mknod(path, S_IFSOCK | 0600, 0));
	snprintf(path, sizeof(path), "%s/a", t->dir);
	MUST(mkdir(path, 0700));
	flip_name(&f, 0, path, 'a', 'b');
	race(t, &f, open_fails, path);
}

LIVE_TIMEOUT(race_of_failing_open, LIVE_FIRST, 60)
{
	pid_t pid;
	struct rounds *rs = rounds_recorded(t, failing_opens, "OPEN", &pid);
	struct verdict v = {};
	size_t i;

	for (i = 0; i < rs->cnt; i++) {
		const Varve__V1__Open *o = live_nth(t, "OPEN", pid, i)->open;

		EXPECT_FIELD(o, call_errno, rs->round[i].err);
		expect_name_of(o->file, t->dir, "ab", rs->round[i].acted[0], &v);
		live_expect_name(o->file);
	}
	tell(t, "failing open", &v);
}

/* --- names that go; they are made again by symlink(2), which is no open */

static bool is_there(const char *dir, char letter)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%c", dir, letter);
	return !lstat(path, &st);
}

static void put(const char *dir, char letter)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%c", dir, letter);
	MUST(symlink("nothing", path));
}

struct names {
	const char *dir;
	char from[300], to[300];
};

static void names_init(struct names *n, struct live *t, struct flip *f)
{
	n->dir = t->dir;
	snprintf(n->from, sizeof(n->from), "%s/a", t->dir);
	snprintf(n->to, sizeof(n->to), "%s/x", t->dir);
	flip_name(f, 0, n->from, 'a', 'b');
	put(n->dir, 'a');
	put(n->dir, 'b');
}

static void unlink_one(struct flip *f, struct round *r, void *arg)
{
	struct names *n = arg;

	MUST(unlink(n->from));
	r->after = after(f);
	r->acted[0] = is_there(n->dir, 'a');
	EXPECT(is_there(n->dir, 'b') != is_there(n->dir, 'a'));
	put(n->dir, "ab"[r->acted[0]]);
}

static void unlinks(struct live *t, void *arg)
{
	struct flip f = {};
	struct names n;

	(void)arg;
	names_init(&n, t, &f);
	race(t, &f, unlink_one, &n);
}

LIVE_TIMEOUT(race_of_unlink, LIVE_FIRST, 60)
{
	pid_t pid;
	struct rounds *rs = rounds_recorded(t, unlinks, "UNLINK", &pid);
	struct verdict v = {};
	size_t i;

	for (i = 0; i < rs->cnt; i++) {
		const Varve__V1__File *file = live_nth(t, "UNLINK", pid, i)->unlink->file;

		expect_name_of(file, t->dir, "ab", rs->round[i].acted[0], &v);
	}
	EXPECT_UINT(v.flagged, live_trampolines() ? 0 : rs->cnt);
	tell(t, "unlink", &v);
}

/* --- a name that comes */

static void mkdir_one(struct flip *f, struct round *r, void *arg)
{
	struct names *n = arg;
	char path[300];

	MUST(mkdir(n->from, 0700));
	r->after = after(f);
	r->acted[0] = is_there(n->dir, 'b');
	EXPECT(is_there(n->dir, 'b') != is_there(n->dir, 'a'));
	snprintf(path, sizeof(path), "%s/%c", n->dir, "ab"[r->acted[0]]);
	MUST(rmdir(path));
}

static void mkdirs(struct live *t, void *arg)
{
	struct names n = {.dir = t->dir};
	struct flip f = {};

	(void)arg;
	snprintf(n.from, sizeof(n.from), "%s/a", t->dir);
	flip_name(&f, 0, n.from, 'a', 'b');
	race(t, &f, mkdir_one, &n);
}

/* Before 5.15 the function behind mkdir has the name in user memory still: marked in both sets. */
LIVE_TIMEOUT(race_of_mkdir, LIVE_FIRST, 60)
{
	pid_t pid;
	struct rounds *rs = rounds_recorded(t, mkdirs, "MKDIR", &pid);
	struct verdict v = {};
	size_t i;

	for (i = 0; i < rs->cnt; i++) {
		const Varve__V1__File *file = live_nth(t, "MKDIR", pid, i)->mkdir->file;

		expect_name_of(file, t->dir, "ab", rs->round[i].acted[0], &v);
	}
	tell(t, "mkdir", &v);
}

/* Both names are rewritten; what is renamed goes away again by a name that nobody rewrites. */
static void rename_one(struct flip *f, struct round *r, void *arg)
{
	struct names *n = arg;
	char path[300];

	MUST(rename(n->from, n->to));
	r->after = after(f);
	r->acted[0] = is_there(n->dir, 'a');
	r->acted[1] = is_there(n->dir, 'y');
	EXPECT(is_there(n->dir, 'b') != is_there(n->dir, 'a'));
	EXPECT(is_there(n->dir, 'x') != is_there(n->dir, 'y'));
	put(n->dir, "ab"[r->acted[0]]);
	snprintf(path, sizeof(path), "%s/%c", n->dir, "xy"[r->acted[1]]);
	MUST(unlink(path));
}

static void renames(struct live *t, void *arg)
{
	struct flip f = {};
	struct names n;

	(void)arg;
	names_init(&n, t, &f);
	flip_name(&f, 1, n.to, 'x', 'y');
	race(t, &f, rename_one, &n);
}

/* On Linux before 5.12 the function behind rename has the names in user memory still: flagged in
 * both sets. */
static void expect_renamed(struct live *t, const Varve__V1__File *file, const char letters[2],
			   uint8_t acted, struct verdict *v)
{
	expect_name_of(file, t->dir, letters, acted, v);
	if (!live_trampolines())
		live_expect_name(file);
}

LIVE_TIMEOUT(race_of_rename, LIVE_FIRST, 60)
{
	pid_t pid;
	struct rounds *rs = rounds_recorded(t, renames, "RENAME", &pid);
	struct verdict v = {};
	size_t i;

	for (i = 0; i < rs->cnt; i++) {
		const Varve__V1__Rename *ren = live_nth(t, "RENAME", pid, i)->rename;

		expect_renamed(t, ren->old_file, "ab", rs->round[i].acted[0], &v);
		expect_renamed(t, ren->new_file, "xy", rs->round[i].acted[1], &v);
	}
	tell(t, "rename", &v);
}

/* --- connect: two listeners whose ports differ in one bit of the lower byte */

struct listeners {
	int fd[2];
	struct end end[2];
};

static bool second_listener(struct listeners *l)
{
	l->end[1] = l->end[0];
	l->end[1].addr.v4.sin_port ^= htons(1);
	l->fd[1] = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	if (bind(l->fd[1], &l->end[1].addr.any, l->end[1].len)) {
		EXPECT(errno == EADDRINUSE);
		close(l->fd[1]);
		return false;
	}
	MUST(listen(l->fd[1], 16));
	return true;
}

static void listeners_init(struct listeners *l)
{
	int tries;

	for (tries = 0; tries < 50; tries++) {
		l->end[0] = network_loopback(AF_INET);
		l->fd[0] = network_listen(&l->end[0], 16);
		if (second_listener(l)) {
			MUST(fcntl(l->fd[0], F_SETFL, O_NONBLOCK));
			return;
		}
		close(l->fd[0]);
	}
	FAIL("no two ports");
}

struct connecting {
	struct listeners *listeners;
	struct end to; /* rewritten */
};

/* The one who has the connection in its queue is whom it was made to. */
static void connect_one(struct flip *f, struct round *r, void *arg)
{
	struct connecting *c = arg;
	struct linger now = {.l_onoff = 1};
	int fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), got, i;
	uint16_t peer;

	MUST(connect(fd, &c->to.addr.any, c->to.len));
	r->after = after(f);
	peer = network_peer(fd).addr.v4.sin_port;
	r->acted[0] = peer == c->listeners->end[1].addr.v4.sin_port;
	for (i = 0; i < 2; i++) {
		got = accept(c->listeners->fd[i], NULL, NULL);
		EXPECT((got >= 0) == (i == r->acted[0]));
		if (got >= 0)
			close(got);
	}
	MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
	close(fd);
}

static void connects(struct live *t, void *arg)
{
	struct connecting c = {.listeners = arg, .to = c.listeners->end[0]};
	uint8_t *port = (uint8_t *)&c.to.addr.v4.sin_port;
	struct flip f = {.byte[0] = &port[1], .value[0] = {port[1], port[1] ^ 1}};

	race(t, &f, connect_one, &c);
}

LIVE_TIMEOUT(race_of_connect, LIVE_FIRST, 60)
{
	struct listeners l;
	struct verdict v = {};
	struct rounds *rs = rounds_of(t);
	pid_t pid;
	size_t i;

	listeners_init(&l);
	pid = live_do(t, connects, &l);
	live_end(t);
	EXPECT_UINT(live_count(t, "CONNECT", 0), rs->cnt);
	for (i = 0; i < rs->cnt; i++) {
		const Varve__V1__Connect *c = live_nth(t, "CONNECT", pid, i)->connect;

		EXPECT_STR(c->outcome, "connected");
		EXPECT(!c->has_destination_user_memory);
		network_expect(c->destination, &l.end[rs->round[i].acted[0]]);
	}
	tell(t, "connect", &v);
}
