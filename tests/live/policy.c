/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the options leave out, and what they never do: files that always count, kinds that are off,
 * reading in and out of containers. All of it has to be in the account.
 */
#include "tests/live/network.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define READ_CNT 5

static const char *path_in(const struct live *t, const char *name)
{
	static char path[4][512];
	static unsigned int i;

	i = (i + 1) % ARRAY_SIZE(path);
	snprintf(path[i], sizeof(path[i]), "%s/%s", t->dir, name);
	return path[i];
}

static void make(const char *path)
{
	close(MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
}

static void read_times(const char *path, int cnt)
{
	while (cnt--)
		close(MUST(open(path, O_RDONLY | O_CLOEXEC)));
}

/* OPEN records of a process with this path. */
static size_t count_opens(const struct live *t, pid_t pid, const char *path)
{
	size_t i, cnt = live_count(t, "OPEN", pid), found = 0;

	for (i = 0; i < cnt; i++)
		found += !strcmp(live_nth(t, "OPEN", pid, i)->open->file->path, path);
	return found;
}

/* Sum of the SUPPRESSION records of the class and reason. */
static uint64_t suppressed(const struct live *t, const char *event_class, const char *reason)
{
	size_t i, cnt = live_count(t, "SUPPRESSION", 0);
	uint64_t sum = 0;

	for (i = 0; i < cnt; i++) {
		const Varve__V1__Suppression *s = live_nth(t, "SUPPRESSION", 0, i)->suppression;

		EXPECT(s->first_unix_nano <= s->last_unix_nano);
		if (!strcmp(s->event_class, event_class) && !strcmp(s->reason, reason))
			sum += s->count;
	}
	return sum;
}

/* --- files that always count */

#define PATTERNS "/etc/shadow,*/policy_always_*/secret*end,*/policy_always_*/sub/exact"

static void read_all(struct live *t, void *arg)
{
	static const char *const names[] = {"secret-of-the-end", "secret-of-the-en", "sub/exact",
					    "sub/exactly"};
	size_t i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		read_times(path_in(t, names[i]), READ_CNT);
}

static void make_files(struct live *t)
{
	MUST(mkdir(path_in(t, "sub"), 0755));
	make(path_in(t, "secret-of-the-end"));
	make(path_in(t, "secret-of-the-en"));
	make(path_in(t, "sub/exact"));
	make(path_in(t, "sub/exactly"));
}

static void expect_always(struct live *t, const char *const *args, size_t ordinary,
			  const char *reason)
{
	pid_t pid;

	live_own_sensor(t, args);
	make_files(t);
	pid = live_do(t, read_all, NULL);
	live_end(t);
	EXPECT_UINT(count_opens(t, pid, path_in(t, "secret-of-the-end")), READ_CNT);
	EXPECT_UINT(count_opens(t, pid, path_in(t, "sub/exact")), READ_CNT);
	EXPECT_UINT(count_opens(t, pid, path_in(t, "secret-of-the-en")), ordinary);
	EXPECT_UINT(count_opens(t, pid, path_in(t, "sub/exactly")), ordinary);
	EXPECT_UINT(live_class(t, "file")->recorded, 2 * READ_CNT + 2 * ordinary);
	EXPECT_UINT(live_class(t, "file")->suppressed, 2 * (READ_CNT - ordinary));
	EXPECT_UINT(suppressed(t, "file", reason), 2 * (READ_CNT - ordinary));
	live_sensor_stop(t->sensor);
}

LIVE_TIMEOUT(policy_always_first, LIVE_OWN, 90)
{
	static const char *const args[] = {"--read-opens", "first", "--read-opens-always", PATTERNS,
					   NULL};

	expect_always(t, args, 1, "read_open_repeated");
}

LIVE_TIMEOUT(policy_always_off, LIVE_OWN, 90)
{
	static const char *const args[] = {"--read-opens", "off", "--read-opens-always", PATTERNS,
					   NULL};

	expect_always(t, args, 0, "read_opens_off");
}

static void read_by_other_names(struct live *t, void *arg)
{
	(void)arg;
	read_times(path_in(t, "ordinary"), READ_CNT);
	read_times(path_in(t, "secret-end"), READ_CNT);
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount(path_in(t, "ordinary"), path_in(t, "secret-bound-end"), NULL, MS_BIND, NULL));
	read_times(path_in(t, "secret-bound-end"), READ_CNT);
}

/* One file, an ordinary name first: a link, and where it is mounted, have verdicts of their own. */
LIVE_TIMEOUT(policy_always_by_other_names, LIVE_OWN, 90)
{
	static const char *const args[] = {"--read-opens", "off", "--read-opens-always", PATTERNS,
					   NULL};
	struct stat a, b;
	pid_t pid;

	snprintf(t->dir + strlen(t->dir), sizeof(t->dir) - strlen(t->dir), "/policy_always_");
	MUST(mkdir(t->dir, 0755));
	live_own_sensor(t, args);
	make(path_in(t, "ordinary"));
	make(path_in(t, "secret-bound-end"));
	MUST(link(path_in(t, "ordinary"), path_in(t, "secret-end")));
	MUST(stat(path_in(t, "ordinary"), &a) | stat(path_in(t, "secret-end"), &b));
	EXPECT(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	pid = live_do(t, read_by_other_names, NULL);
	live_end(t);
	EXPECT_UINT(count_opens(t, pid, path_in(t, "ordinary")), 0);
	EXPECT_UINT(count_opens(t, pid, path_in(t, "secret-end")), READ_CNT);
	EXPECT_UINT(count_opens(t, pid, path_in(t, "secret-bound-end")), READ_CNT);
	EXPECT_UINT(suppressed(t, "file", "read_opens_off"), READ_CNT);
	live_sensor_stop(t->sensor);
}

static void read_credentials(struct live *t, void *arg)
{
	char environ[64];

	(void)arg;
	snprintf(environ, sizeof(environ), "/proc/%d/environ", getpid());
	read_times(environ, READ_CNT);
	read_times("/proc/self/environ", READ_CNT);
	read_times("/proc/self/status", READ_CNT);
	read_times(path_in(t, ".ssh/id"), READ_CNT);
}

/* Without a word about it: the places where credentials usually are. */
LIVE(policy_always_by_default, LIVE_OFF)
{
	char environ[64];
	pid_t pid;

	MUST(mkdir(path_in(t, ".ssh"), 0755));
	make(path_in(t, ".ssh/id"));
	pid = live_do(t, read_credentials, NULL);
	live_end(t);
	snprintf(environ, sizeof(environ), "/proc/%d/environ", pid);
	EXPECT_UINT(count_opens(t, pid, environ), 2 * READ_CNT);
	EXPECT_UINT(count_opens(t, pid, path_in(t, ".ssh/id")), READ_CNT);
	EXPECT_UINT(live_class(t, "file")->recorded, 3 * READ_CNT);
	EXPECT_UINT(suppressed(t, "file", "read_opens_off"), READ_CNT);
}

/* --- kinds that are off */

static void do_several(struct live *t, void *arg)
{
	struct end *to = arg;
	int i, fd;

	make(path_in(t, "a"));
	MUST(rename(path_in(t, "a"), path_in(t, "b")));
	MUST(rename(path_in(t, "b"), path_in(t, "c")));
	EXPECT(rename(path_in(t, "nowhere"), path_in(t, "c")) < 0);
	read_times(path_in(t, "c"), READ_CNT);
	MUST(unlink(path_in(t, "c")));
	for (i = 0; i < 2; i++) {
		fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
		MUST(connect(fd, &to->addr.any, to->len));
		close(fd);
	}
}

/* Sums of a class that the account gives. */
static void expect_class(struct live *t, const char *event_class, uint64_t recorded,
			 uint64_t left_out)
{
	const Varve__V1__ClassCount *n = live_class(t, event_class);

	EXPECT_FIELD(n, recorded, recorded);
	EXPECT_FIELD(n, suppressed, left_out);
	EXPECT_FIELD(n, lost, 0);
	EXPECT_FIELD(n, generated, recorded + left_out);
}

static const Varve__V1__Coverage *coverage_of(struct live *t)
{
	live_sensor_stop(t->sensor);
	t->log_from = 0;
	live_collect_all(t);
	return live_one(t, "COVERAGE", 0)->coverage;
}

static bool has(char *const *list, size_t cnt, const char *word)
{
	while (cnt--)
		if (!strcmp(list[cnt], word))
			return true;
	return false;
}

LIVE_TIMEOUT(policy_kinds_off, LIVE_OWN, 90)
{
	static const char *const args[] = {"--events", "all,-rename,-network", NULL};
	const Varve__V1__Coverage *c;
	struct end to = network_loopback(AF_INET);
	int listener = network_listen(&to, 8);
	pid_t pid;

	live_own_sensor(t, args);
	pid = live_do(t, do_several, &to);
	close(listener);
	live_end(t);
	EXPECT_UINT(live_count(t, "RENAME", 0) + live_count(t, "CONNECT", 0), 0);
	EXPECT_UINT(count_opens(t, pid, path_in(t, "a")), 1);
	live_one(t, "UNLINK", pid);
	EXPECT_UINT(suppressed(t, "file", "kind_off"), 3);
	EXPECT_UINT(suppressed(t, "file", "read_open_repeated"), READ_CNT - 1);
	EXPECT_UINT(suppressed(t, "network", "kind_off"), live_class(t, "network")->generated);
	EXPECT(live_class(t, "network")->generated >= 2);
	EXPECT_FIELD(live_class(t, "network"), recorded, 0);
	EXPECT_FIELD(live_class(t, "file"), suppressed, 3 + READ_CNT - 1);
	c = coverage_of(t);
	EXPECT(has(c->kinds_off, c->n_kinds_off, "RENAME"));
	EXPECT(has(c->kinds_off, c->n_kinds_off, "CONNECT"));
	EXPECT(has(c->kinds_off, c->n_kinds_off, "ACCEPT"));
	EXPECT(!has(c->kinds_off, c->n_kinds_off, "OPEN"));
	EXPECT(has(c->read_opens_always, c->n_read_opens_always, "*/.ssh/*"));
	EXPECT(has(c->exclusions, c->n_exclusions, "the sensor's own process"));
	EXPECT(!c->read_opens_host);
}

static void open_and_read(struct live *t, void *arg)
{
	(void)arg;
	make(path_in(t, "secret-end"));
	read_times(path_in(t, "secret-end"), READ_CNT);
	EXPECT(open(path_in(t, "nowhere"), O_RDONLY) < 0);
}

/* Of a kind that is off that alone is the reason, whatever else would leave it out or keep it. */
LIVE_TIMEOUT(policy_open_off, LIVE_OWN, 90)
{
	static const char *const args[] = {
		"--events", "all,-open", "--read-opens", "first", "--read-opens-always", "*", NULL};

	live_own_sensor(t, args);
	live_do(t, open_and_read, NULL);
	live_end(t);
	EXPECT_UINT(live_count(t, "OPEN", 0), 0);
	expect_class(t, "file", 0, READ_CNT + 2);
	EXPECT_UINT(suppressed(t, "file", "kind_off"), READ_CNT + 2);
	live_sensor_stop(t->sensor);
}

/* --- in and out of containers */

static void expect_host(struct live *t, const char *const *args, size_t inside, size_t outside,
			const char *host)
{
	const Varve__V1__Coverage *c;
	pid_t pid;

	make_files(t);
	make(path_in(t, "file"));
	live_own_sensor(t, args);
	read_times(path_in(t, "file"), READ_CNT);
	pid = live_do(t, read_all, NULL);
	live_end(t);
	EXPECT_UINT(count_opens(t, pid, path_in(t, "sub/exact")), inside);
	c = coverage_of(t);
	EXPECT_STR(c->read_opens_host, host);
	EXPECT_UINT(count_opens(t, getpid(), path_in(t, "file")), outside);
}

LIVE_TIMEOUT(policy_host_off, LIVE_OWN, 90)
{
	static const char *const args[] = {
		"--scope", "all", "--read-opens", "all", "--read-opens-host", "off", NULL};

	expect_host(t, args, READ_CNT, 0, "off");
}

LIVE_TIMEOUT(policy_host_first, LIVE_OWN, 90)
{
	static const char *const args[] = {
		"--scope", "all", "--read-opens", "off", "--read-opens-host", "first", NULL};

	expect_host(t, args, 0, 1, "first");
}

LIVE_TIMEOUT(policy_host_same, LIVE_OWN, 90)
{
	static const char *const args[] = {"--scope", "all", NULL};

	expect_host(t, args, 1, 1, "first");
}
