/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One noisy container blinds nobody: what it makes beyond its share of a full ring, or beyond its
 * rate, is counted to the last event; the quiet one beside it loses nothing.
 */
#include "tests/live/account.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define NOISY_CNT 10000
#define QUIET_CNT 20
#define FORK_CNT  20

struct part {
	char id[65], cgroup[256];
};

static void begin(struct live *t, struct part *p)
{
	live_begin(t);
	memcpy(p->id, t->id, sizeof(p->id));
	memcpy(p->cgroup, t->cgroup, sizeof(p->cgroup));
}

static void end(struct live *t, const struct part *p)
{
	unsigned int tries;

	for (tries = 0; rmdir(p->cgroup); tries++) {
		if (errno != EBUSY || tries == 500 * live_slow())
			FAIL("cannot remove %s: %s", p->cgroup, strerror(errno));
		usleep(2000);
	}
	t->log_from = 0;
	live_collect(t, p->id); /* recorded + lost + suppressed = generated; nothing lost */
}

/* Limits are by CPU: where one has to be met exactly, there is but one. */
static void stay_on_one_cpu(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	CPU_ZERO(&set);
	CPU_SET(MAX(cpu, 0), &set);
	MUST(sched_setaffinity(0, sizeof(set), &set));
}

static void unlink_times(unsigned int cnt)
{
	while (cnt--)
		EXPECT(unlink("/nowhere") < 0 && errno == ENOENT);
}

static void fork_times(unsigned int cnt)
{
	volatile unsigned int i; /* vfork */
	pid_t pid;

	for (i = 0; i < cnt; i++) {
		pid = MUST(vfork());
		if (!pid)
			_exit(0);
		MUST(waitpid(pid, NULL, 0));
	}
}

static void open_times(const struct live *t, const char *name, int flags, unsigned int cnt)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	while (cnt--)
		close(MUST(open(path, flags | O_CLOEXEC, 0644)));
}

/* Of the class, all of this reason. */
static void expect_suppressed(struct live *t, const char *event_class, const char *reason)
{
	uint64_t sum = 0;
	size_t i, cnt = live_count(t, "SUPPRESSION", 0);

	for (i = 0; i < cnt; i++) {
		const Varve__V1__Suppression *s = live_nth(t, "SUPPRESSION", 0, i)->suppression;

		EXPECT(s->first_unix_nano <= s->last_unix_nano);
		if (strcmp(s->event_class, event_class))
			continue;
		EXPECT_STR(s->reason, reason);
		sum += s->count;
	}
	EXPECT(sum);
	EXPECT_UINT(live_class(t, event_class)->suppressed, sum);
}

static void expect_whole(struct live *t, const char *event_class, uint64_t cnt)
{
	EXPECT_FIELD(live_class(t, event_class), generated, cnt);
	EXPECT_FIELD(live_class(t, event_class), recorded, cnt);
}

/* --- a full ring */

static const char *const small[] = {"--ring-size", "1M",	   "--decisive-ring-size",
				    "256K",	   "--read-opens", "all",
				    "--heartbeat", "100ms",	   NULL};

static void noisy_unlinks(struct live *t, void *arg)
{
	(void)t;
	(void)arg;
	unlink_times(NOISY_CNT);
}

static void quiet_unlinks(struct live *t, void *arg)
{
	(void)arg;
	unlink_times(QUIET_CNT);
	open_times(t, "read", O_RDONLY, QUIET_CNT);
}

/* The one and then the other, while the sensor stands still; the quiet one is at its end then. */
static void act_while_stopped(struct live *t, struct part *noisy, live_fn noise, struct part *quiet,
			      live_fn rest)
{
	open_times(t, "read", O_WRONLY | O_CREAT, 1);
	live_own_sensor(t, small);
	begin(t, noisy);
	kill(t->sensor->pid, SIGSTOP);
	live_do(t, noise, NULL);
	begin(t, quiet);
	live_do(t, rest, NULL);
	kill(t->sensor->pid, SIGCONT);
	live_pause_ms(100);
	end(t, quiet);
}

LIVE_TIMEOUT(limit_share_of_files, LIVE_OWN, 60)
{
	struct part noisy, quiet;

	act_while_stopped(t, &noisy, noisy_unlinks, &quiet, quiet_unlinks);
	expect_whole(t, "file", 2 * QUIET_CNT);
	end(t, &noisy);
	EXPECT_FIELD(live_class(t, "file"), generated, NOISY_CNT);
	EXPECT_UINT(live_count(t, "UNLINK", 0), live_class(t, "file")->recorded);
	/* The ring was well used, for all that. */
	EXPECT(live_class(t, "file")->recorded > (1 << 20) / 8 * 5 / 1024);
	expect_suppressed(t, "file", "fair_share");
	expect_whole(t, "process", live_class(t, "process")->generated);
	live_sensor_stop(t->sensor);
}

static void read_then_write(struct live *t, void *arg)
{
	(void)arg;
	open_times(t, "read", O_RDONLY, NOISY_CNT);
	open_times(t, "written", O_WRONLY | O_CREAT, QUIET_CNT);
	fork_times(FORK_CNT);
}

static size_t opens_of(struct live *t, const char *name)
{
	size_t i, cnt = live_count(t, "OPEN", 0), n = 0;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	for (i = 0; i < cnt; i++)
		n += !strcmp(live_nth(t, "OPEN", 0, i)->open->file->path, path);
	return n;
}

/* What reads waits before what writes, and before what runs. */
LIVE_TIMEOUT(limit_share_reads_first, LIVE_OWN, 60)
{
	struct part p;

	open_times(t, "read", O_WRONLY | O_CREAT, 1);
	live_own_sensor(t, small);
	begin(t, &p);
	kill(t->sensor->pid, SIGSTOP);
	live_do(t, read_then_write, NULL);
	kill(t->sensor->pid, SIGCONT);
	live_pause_ms(100);
	end(t, &p);
	EXPECT_FIELD(live_class(t, "file"), generated, NOISY_CNT + 2 * QUIET_CNT);
	EXPECT_UINT(opens_of(t, "written"), QUIET_CNT);
	EXPECT_UINT(live_count(t, "CLOSE_WRITE", 0), QUIET_CNT);
	EXPECT_UINT(opens_of(t, "read"), live_class(t, "file")->recorded - 2 * QUIET_CNT);
	expect_suppressed(t, "file", "fair_share");
	expect_whole(t, "process", 2 * FORK_CNT + 1);
	live_sensor_stop(t->sensor);
}

static void fork_then_read(struct live *t, void *arg)
{
	(void)arg;
	stay_on_one_cpu();
	fork_times(2000);
	open_times(t, "read", O_RDONLY, QUIET_CNT);
}

static void quiet_forks(struct live *t, void *arg)
{
	(void)arg;
	fork_times(FORK_CNT);
	open_times(t, "read", O_RDONLY, QUIET_CNT);
}

/* Of the decisive ring as well; and who has had that has nothing recorded of what he reads. */
LIVE_TIMEOUT(limit_share_of_processes, LIVE_OWN, 60)
{
	struct part noisy, quiet;

	act_while_stopped(t, &noisy, fork_then_read, &quiet, quiet_forks);
	expect_whole(t, "process", 2 * FORK_CNT + 1);
	expect_whole(t, "file", QUIET_CNT);
	end(t, &noisy);
	EXPECT_FIELD(live_class(t, "process"), generated, 4001);
	expect_suppressed(t, "process", "fair_share");
	EXPECT_FIELD(live_class(t, "file"), generated, QUIET_CNT);
	EXPECT_FIELD(live_class(t, "file"), recorded, 0);
	expect_suppressed(t, "file", "fair_share");
	live_sensor_stop(t->sensor);
}

/* --- a rate */

#define RATE	 10
#define RATE_CNT 2000

static uint64_t boot_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void unlink_in_a_time(struct live *t, void *arg)
{
	uint64_t began = boot_ns();

	(void)arg;
	stay_on_one_cpu();
	unlink_times(RATE_CNT);
	t->shared->value[0] += boot_ns() - began;
	fork_times(FORK_CNT);
}

/* In the log while the container lives on, though no heartbeat is due. */
static uint64_t await_suppression(struct live *t)
{
	unsigned int tries;

	for (tries = 0; tries < 200 * live_slow(); tries++) {
		size_t i;

		live_collect_all(t);
		for (i = 0; i < live_count(t, "SUPPRESSION", 0); i++) {
			const Varve__V1__Event *ev = live_nth(t, "SUPPRESSION", 0, i);

			if (ev->container && !strcmp(ev->container->id, t->id))
				return ev->suppression->count;
		}
		usleep(50000);
	}
	FAIL("no suppression of %.12s is told before its end", t->id);
}

LIVE_TIMEOUT(limit_rate_of_files, LIVE_OWN, 60)
{
	static const char *const args[] = {"--rate-limits", "file:10", "--heartbeat", "60m", NULL};
	const Varve__V1__Coverage *c;
	uint64_t recorded, told;
	struct part p;

	live_own_sensor(t, args);
	begin(t, &p);
	t->log_from = 0;
	live_do(t, unlink_in_a_time, NULL);
	told = await_suppression(t);
	EXPECT(told <= RATE_CNT);
	live_do(t, unlink_in_a_time, NULL);
	end(t, &p);
	recorded = live_class(t, "file")->recorded;
	EXPECT_FIELD(live_class(t, "file"), generated, 2 * RATE_CNT);
	/* A second's worth at once, then at that rate; by each of the two, on a CPU of its own. */
	EXPECT(recorded >= RATE);
	EXPECT(recorded <= 2 * (RATE + 1) + t->shared->value[0] * RATE / 1000000000);
	EXPECT_UINT(live_count(t, "UNLINK", 0), recorded);
	expect_suppressed(t, "file", "rate_limit");
	EXPECT(live_count(t, "SUPPRESSION", 0) >= 2);
	expect_whole(t, "process", 2 * (2 * FORK_CNT + 1));
	live_sensor_stop(t->sensor);
	t->log_from = 0;
	live_collect_all(t);
	c = live_one(t, "COVERAGE", 0)->coverage;
	EXPECT_UINT(c->n_rate_limits, 1);
	EXPECT_STR(c->rate_limits[0], "file:10");
	EXPECT_FIELD(c, fair_share, 1);
	EXPECT(c->ring_bytes >= 8 << 20 && c->ring_bytes <= 64 << 20);
	EXPECT(c->decisive_ring_bytes >= 4 << 20 && c->decisive_ring_bytes <= 16 << 20);
}

static void open_by_and_by(struct live *t, void *arg)
{
	char missing[512];

	(void)arg;
	stay_on_one_cpu();
	unlink_times(RATE_CNT);
	snprintf(missing, sizeof(missing), "%s/missing", t->dir);
	for (int i = 0; i < 20; i++) {
		open_times(t, "read", O_RDONLY, 1);
		EXPECT(open(missing, O_RDONLY) < 0 && errno == ENOENT);
		usleep(100000); /* by and by there is one due */
	}
}

/* What was held back the first time is recorded when it comes again, and then no more. */
LIVE_TIMEOUT(limit_rate_then_open, LIVE_OWN, 60)
{
	static const char *const args[] = {"--rate-limits", "file:10", NULL};
	struct part p;

	open_times(t, "read", O_WRONLY | O_CREAT, 1);
	live_own_sensor(t, args);
	begin(t, &p);
	live_do(t, open_by_and_by, NULL);
	end(t, &p);
	EXPECT_UINT(opens_of(t, "read"), 1);
	EXPECT_UINT(opens_of(t, "missing"), 1);
	EXPECT_FIELD(live_class(t, "file"), generated, RATE_CNT + 2 * 20);
	EXPECT_UINT(live_class(t, "file")->recorded, live_count(t, "UNLINK", 0) + 2);
	live_sensor_stop(t->sensor);
}

static void unlink_some(struct live *t, void *arg)
{
	(void)t;
	(void)arg;
	unlink_times(100);
}

static size_t heartbeats(struct live *t)
{
	t->log_from = 0;
	live_collect_all(t);
	return live_count(t, "HEARTBEAT", 0);
}

/* Two that take turns in being held back do not have all accounts settled each time. */
LIVE_TIMEOUT(limit_taking_turns, LIVE_OWN, 60)
{
	static const char *const args[] = {"--rate-limits", "file:10", "--heartbeat", "60m", NULL};
	struct part part[2];
	uint64_t began;
	size_t before;

	stay_on_one_cpu();
	live_own_sensor(t, args);
	begin(t, &part[0]);
	begin(t, &part[1]);
	before = heartbeats(t);
	began = boot_ns();
	for (int i = 0; i < 12; i++) {
		memcpy(t->cgroup, part[i % 2].cgroup, sizeof(t->cgroup));
		live_do(t, unlink_some, NULL);
		usleep(600000);
	}
	EXPECT(heartbeats(t) > before);
	/* Else 6 or more. One may have been on its way when they were counted first. */
	EXPECT(heartbeats(t) - before <= 2 + (boot_ns() - began) / (10 * NSEC_PER_SEC));
	for (int i = 0; i < 2; i++) {
		end(t, &part[i]);
		expect_suppressed(t, "file", "rate_limit");
	}
	live_sensor_stop(t->sensor);
}
