/* SPDX-License-Identifier: Apache-2.0 */
/* More than fits: what is lost is declared, to the last event, and does not crowd out what is
 * decisive. */
#include "tests/live/account.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#define EXEC_CNT 100

struct flood {
	char file[300], program[300];
	unsigned int open_cnt; /* by each of two processes */
};

static void open_often(const struct flood *f)
{
	unsigned int i;

	for (i = 0; i < f->open_cnt; i++)
		close(MUST(open(f->file, O_WRONLY | O_CLOEXEC)));
}

static void exec_often(const char *path)
{
	volatile int i; /* vfork */
	pid_t pid;

	for (i = 0; i < EXEC_CNT; i++) {
		pid = MUST(vfork());
		if (!pid) {
			execl(path, path, NULL);
			_exit(1);
		}
		EXPECT_UINT(live_wait(pid), ACCOUNT_PROGRAM_CODE << 8);
		usleep(1000);
	}
}

static void flood(struct live *t, void *arg)
{
	struct flood *f = arg;
	pid_t a, b;

	(void)t;
	a = MUST(fork());
	if (!a) {
		open_often(f);
		_exit(0);
	}
	b = MUST(fork());
	if (!b) {
		open_often(f);
		_exit(0);
	}
	exec_often(f->program);
	EXPECT_UINT(live_wait(a), 0);
	EXPECT_UINT(live_wait(b), 0);
}

/* Calls of probes that the kernel left out, declared: it does so when it preempts a trampoline's
 * probe for a task that would run the same one. */
static uint64_t not_run(const struct live *t)
{
	struct live all = *t;
	uint64_t sum = 0;
	size_t i;

	all.events = NULL;
	all.event_cnt = all.log_from = 0;
	live_collect_all(&all);
	for (i = 0; i < all.event_cnt; i++) {
		const Varve__V1__Event *ev = all.events[i];

		if (ev->body_case == VARVE__V1__EVENT__BODY_LOSS &&
		    !strcmp(ev->loss->cause, "not_run"))
			sum += ev->loss->count;
		varve__v1__event__free_unpacked(all.events[i], NULL);
	}
	free(all.events);
	return sum;
}

/* All were generated; but for those, if any, of which the kernel did not tell us, and they are
 * declared. */
static void expect_generated(struct live *t, uint64_t opens)
{
	uint64_t generated = live_class(t, "file")->generated, missed = not_run(t);
	size_t n = strlen(t->shared->note);

	if (!missed)
		EXPECT_UINT(generated, opens);
	/* Perf's programs are left out only while a map is changed from user space (DESIGN.md). */
	if (!live_trampolines())
		EXPECT(opens - generated < opens / 100);
	EXPECT(generated <= opens && generated + missed >= opens);
	if (generated < opens)
		snprintf(t->shared->note + n, sizeof(t->shared->note) - n,
			 ", %llu not seen, declared", (unsigned long long)(opens - generated));
}

static void run_flood(struct live *t, const char *const *args)
{
	struct flood f = {.open_cnt = live_times(100000, 10000)};
	struct utsname uts;
	pid_t pid;

	if (live_trampolines() && !uname(&uts) && atoi(uts.release) >= 7)
		live_skip("this kernel preempts programs on functions and leaves them out "
			  "(DESIGN.md)");
	snprintf(f.file, sizeof(f.file), "%s/file", t->dir);
	snprintf(f.program, sizeof(f.program), "%s/program", t->dir);
	close(MUST(open(f.file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
	account_write_program(f.program);
	dup2(MUST(open("/dev/null", O_RDONLY | O_CLOEXEC)), STDIN_FILENO);
	live_own_sensor(t, args);
	pid = live_do(t, flood, &f);
	t->loss_expected = true;
	live_end(t); /* recorded + lost = generated, and so many Loss records, are checked here */
	live_sensor_stop(t->sensor);
	expect_generated(
		t, 4 * f.open_cnt); /* two processes; each open is an OPEN and a CLOSE_WRITE */
	EXPECT_UINT(live_count(t, "OPEN", 0) + live_count(t, "CLOSE_WRITE", 0),
		    live_class(t, "file")->recorded);
	EXPECT_UINT(live_class(t, "process")->lost, 0);
	EXPECT_UINT(live_class(t, "container")->lost, 0);
	EXPECT_UINT(live_count(t, "EXEC", 0), EXEC_CNT);
	EXPECT_UINT(live_count(t, "FORK", 0), EXEC_CNT + 2);
	EXPECT_UINT(live_count(t, "EXIT", 0), EXEC_CNT + 3);
	live_one(t, "EXIT", pid);
}

/* Without shares, of which nothing would be lost: tests/live/limit.c. */
static const char *const tiny[] = {"--ring-size", "4096", "--fair-share", "off", "--heartbeat",
				   "100ms",	  NULL};

LIVE_TIMEOUT(flood_of_tiny_ring, LIVE_OWN, 240)
{
	size_t i;

	run_flood(t, tiny);
	EXPECT(live_class(t, "file")->lost > live_class(t, "file")->generated / 2);
	EXPECT(live_count(t, "LOSS", 0) >= 1);
	for (i = 0; i < live_count(t, "LOSS", 0); i++) {
		const Varve__V1__Loss *loss = live_nth(t, "LOSS", 0, i)->loss;

		EXPECT_STR(loss->event_class, "file");
		EXPECT_STR(loss->cause, "ring_full");
		EXPECT(loss->first_unix_nano <= loss->last_unix_nano);
		EXPECT(loss->first_unix_nano >= t->events[0]->time_unix_nano - 1000000);
	}
}

static const char *const usual[] = {"--heartbeat", "100ms", NULL};

/* Whether something is lost or not: it adds up. */
LIVE_TIMEOUT(flood_of_usual_ring, LIVE_OWN, 240)
{
	run_flood(t, usual);
}

/* --- the decisive ring itself too small */

static void fork_often(struct live *t, void *arg)
{
	volatile int i; /* vfork */
	pid_t pid;

	(void)t;
	(void)arg;
	for (i = 0; i < 5000; i++) {
		pid = MUST(vfork());
		if (!pid)
			_exit(0);
		MUST(waitpid(pid, NULL, 0));
	}
}

static const char *const tiny_decisive[] = {
	"--decisive-ring-size", "4096", "--fair-share", "off", "--heartbeat", "100ms", NULL};

LIVE_TIMEOUT(flood_of_decisive_ring, LIVE_OWN, 240)
{
	live_own_sensor(t, tiny_decisive);
	live_begin(t);
	kill(t->sensor->pid, SIGSTOP);
	live_do(t, fork_often, NULL);
	kill(t->sensor->pid, SIGCONT);
	live_pause_ms(300); /* the ring is empty again when the cgroup goes */
	t->loss_expected = true;
	live_end(t);
	live_sensor_stop(t->sensor);
	EXPECT_UINT(live_class(t, "process")->generated, 10001);
	EXPECT(live_class(t, "process")->lost > 0);
	EXPECT_UINT(live_class(t, "container")->lost, 0);
}

/* --- the very record that ends a container lost */

static void fill_ring(struct live *t, void *arg)
{
	int i;
	pid_t pid;

	(void)t;
	(void)arg;
	for (i = 0; i < 300; i++) {
		pid = MUST(fork());
		if (!pid)
			_exit(0);
		MUST(waitpid(pid, NULL, 0));
	}
}

LIVE_TIMEOUT(flood_loses_stop, LIVE_OWN, 60)
{
	live_own_sensor(t, tiny_decisive);
	live_begin(t);
	kill(t->sensor->pid, SIGSTOP); /* so that the ring is full when the cgroup goes */
	live_do(t, fill_ring, NULL);
	MUST(rmdir(t->cgroup));
	kill(t->sensor->pid, SIGCONT);
	t->loss_expected = true;
	t->wait_s = 40; /* the sensor looks every 30 s for what went unseen */
	live_collect(t, t->id);
	EXPECT_UINT(live_class(t, "container")->lost, 1);
	EXPECT_UINT(live_class(t, "process")->generated, 601);
	live_sensor_stop(t->sensor);
}

/* --- the record that begins it */

static uint64_t lost_of_node(const struct live *t, const char *event_class)
{
	uint64_t lost = 0;
	size_t i;

	for (i = 0; i < t->event_cnt; i++) {
		const Varve__V1__Event *ev = t->events[i];

		if (ev->body_case == VARVE__V1__EVENT__BODY_LOSS && !strcmp(ev->stream, "node") &&
		    ev->loss->event_class && !strcmp(ev->loss->event_class, event_class))
			lost += ev->loss->count;
	}
	return lost;
}

/* Records of the cgroup; each of its own container or, when that is not known, of none. */
static uint64_t records_of(const struct live *t, const char *event_class)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < t->event_cnt; i++) {
		const Varve__V1__Event *ev = t->events[i];

		if (!ev->kernel_number || ev->kernel_number->cgroup_id != t->cgroup_id ||
		    strcmp(ev->kernel_number->event_class, event_class))
			continue;
		EXPECT(!ev->container || !strcmp(ev->container->id, t->id));
		n++;
	}
	return n;
}

/* The sensor finds the container by its other records, and says that it is there. */
static const Varve__V1__Event *await_found(struct live *t)
{
	unsigned int tries;
	size_t i;

	for (tries = 0; tries < 200 * live_slow(); tries++) {
		live_collect_all(t);
		for (i = 0; i < t->event_cnt; i++) {
			if (t->events[i]->container_start && t->events[i]->container &&
			    !strcmp(t->events[i]->container->id, t->id))
				return t->events[i];
		}
		live_pause_ms(100);
	}
	FAIL("no start of %.12s", t->id);
}

/* It is declared, what follows is recorded, and given to no other container. */
LIVE_TIMEOUT(flood_loses_start, LIVE_OWN, 60)
{
	uint64_t sum, starts;
	char first[256];

	live_own_sensor(t, tiny_decisive);
	live_begin(t);
	memcpy(first, t->cgroup, sizeof(first));
	kill(t->sensor->pid, SIGSTOP);
	live_do(t, fill_ring, NULL);
	live_begin(t);
	kill(t->sensor->pid, SIGCONT);
	live_pause_ms(300);
	live_do(t, fill_ring, NULL);
	EXPECT_FIELD(await_found(t)->container_start, from_snapshot, 1);
	MUST(rmdir(first));
	MUST(rmdir(t->cgroup));
	live_pause_ms(300);
	live_sensor_stop(t->sensor);
	t->log_from = 0;
	live_collect_all(t);
	/* The node's losses are also those of other containers that began just then, if there were
	 * any. */
	sum = records_of(t, "process") + lost_of_node(t, "process");
	starts = lost_of_node(t, "container");
	EXPECT(starts >= 1 && sum >= 601);
	if (starts == 1)
		EXPECT_UINT(sum, 601);
	EXPECT_UINT(records_of(t, "container"), 1);
}
