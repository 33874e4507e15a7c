/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a container's records back, and holds them against the laws. */
#include "tests/live/harness.h"
#include "evidence/event.h"
#include "evidence/log.h"
#include <sys/utsname.h>

#define CLASS_CNT 5

/* --- reading */

static void keep(struct live *t, Varve__V1__Event *ev, size_t *room)
{
	if (t->event_cnt == *room) {
		*room = *room ? 2 * *room : 256;
		t->events = realloc(t->events, *room * sizeof(*t->events));
		EXPECT(t->events);
	}
	t->events[t->event_cnt++] = ev;
}

/* Everything up to now from the stream (NULL: any); true at the closed account, or at the log's
 * end. */
static bool read_some(struct live *t, struct log_reader *reader, const char *stream, size_t *room)
{
	const uint8_t *payload;
	Varve__V1__Event *ev;
	struct log_pos pos;
	size_t len;
	int err;

	while ((err = log_reader_next(reader, &payload, &len, &pos)) == 1) {
		ev = event_decode(payload, len);
		if (!ev)
			FAIL("record %llu does not decode", (unsigned long long)pos.index);
		if (stream && strcmp(ev->stream, stream)) {
			varve__v1__event__free_unpacked(ev, NULL);
			continue;
		}
		keep(t, ev, room);
		if (stream && ev->body_case == VARVE__V1__EVENT__BODY_ACCOUNT &&
		    ev->account->closed)
			return true;
	}
	if (err)
		FAIL("cannot read the log: %s", strerror(-err));
	return !stream;
}

/* --- the laws */

static bool is_numbered(const Varve__V1__Event *ev)
{
	return ev->kernel_number;
}

static void check_envelope(const Varve__V1__Event *ev, uint64_t stream_sequence)
{
	EXPECT(ev->kind && ev->run_id && ev->stream && ev->has_sequence);
	EXPECT_STR(ev->node_name, "live-node");
	EXPECT_STR(event_kind_name(ev->body_case), ev->kind);
	EXPECT_FIELD(ev, stream_sequence, stream_sequence);
	EXPECT_FIELD(ev, schema_version, VARVE_SCHEMA_VERSION);
	EXPECT(ev->has_boot_time_nano && ev->has_time_unix_nano && ev->container);
}

/*
 * Numbers of one series are 0 .. n-1, each once; if some were lost, some are not there. In any
 * order: on a kernel that preempts probes, one may be numbered before another and recorded after
 * it.
 */
static uint64_t check_series(const struct live *t, uint64_t cgroup_id, uint32_t cpu,
			     const char *event_class)
{
	_cleanup_free_ uint8_t *seen = NULL;
	uint64_t n = 0, room = 0;
	size_t i;

	for (i = 0; i < t->event_cnt; i++) {
		const Varve__V1__KernelNumber *k = t->events[i]->kernel_number;

		if (!k || k->cgroup_id != cgroup_id || k->cpu != cpu ||
		    strcmp(k->event_class, event_class))
			continue;
		while (k->number >= room) {
			seen = realloc(seen, 2 * room + 4096);
			EXPECT(seen);
			memset(seen + room, 0, room + 4096);
			room = 2 * room + 4096;
		}
		if (seen[k->number]++)
			FAIL("cgroup %llu cpu %u class %s: number %llu comes twice",
			     (unsigned long long)cgroup_id, cpu, event_class,
			     (unsigned long long)k->number);
		n++;
	}
	if (!t->loss_expected && n && memchr(seen, 0, n))
		FAIL("cgroup %llu cpu %u class %s: number %zu of %llu is missing",
		     (unsigned long long)cgroup_id, cpu, event_class,
		     (uint8_t *)memchr(seen, 0, n) - seen, (unsigned long long)n);
	return n;
}

/* Each series once, at its first record. */
static uint64_t check_numbers(const struct live *t, const char *event_class)
{
	uint64_t sum = 0;
	size_t i, j;

	for (i = 0; i < t->event_cnt; i++) {
		const Varve__V1__KernelNumber *k = t->events[i]->kernel_number;

		if (!k || strcmp(k->event_class, event_class))
			continue;
		for (j = 0; j < i; j++) {
			const Varve__V1__KernelNumber *o = t->events[j]->kernel_number;

			if (o && o->cgroup_id == k->cgroup_id && o->cpu == k->cpu &&
			    !strcmp(o->event_class, event_class))
				break;
		}
		if (j == i)
			sum += check_series(t, k->cgroup_id, k->cpu, event_class);
	}
	return sum;
}

static void declared(const struct live *t, const char *event_class, uint64_t *ret_lost,
		     uint64_t *ret_suppressed)
{
	size_t i;

	for (i = 0; i < t->event_cnt; i++) {
		const Varve__V1__Event *ev = t->events[i];

		if (ev->body_case == VARVE__V1__EVENT__BODY_LOSS &&
		    !strcmp(ev->loss->event_class, event_class))
			*ret_lost += ev->loss->count;
		if (ev->body_case == VARVE__V1__EVENT__BODY_SUPPRESSION &&
		    !strcmp(ev->suppression->event_class, event_class))
			*ret_suppressed += ev->suppression->count;
	}
}

/* "12 OPEN, 1 EXEC, 3 of file suppressed" */
static void note_what_it_had(const struct live *t)
{
	char *had = t->shared->had;
	const size_t size = sizeof(t->shared->had);
	size_t i, j, n, len = 0;

	for (i = 0; i < t->event_cnt && len < size; i++) {
		const Varve__V1__Event *ev = t->events[i];

		for (j = 0; j < i && strcmp(t->events[j]->kind, ev->kind); j++)
			;
		if (j < i)
			continue;
		for (n = 0; j < t->event_cnt; j++)
			n += !strcmp(t->events[j]->kind, ev->kind);
		len += snprintf(had + len, size - len, "%s%zu %s", len ? ", " : "", n, ev->kind);
	}
	for (i = 0; i < t->event_cnt && len < size; i++) {
		const Varve__V1__Event *ev = t->events[i];

		if (ev->body_case == VARVE__V1__EVENT__BODY_SUPPRESSION)
			len += snprintf(had + len, size - len, ", %llu of %s suppressed: %s",
					(unsigned long long)ev->suppression->count,
					ev->suppression->event_class, ev->suppression->reason);
	}
}

static void check_class(const struct live *t, const Varve__V1__ClassCount *c)
{
	uint64_t lost = 0, suppressed = 0;

	if (c->generated != c->recorded + c->lost + c->suppressed)
		FAIL("class %s: %llu recorded + %llu lost + %llu suppressed is not %llu generated",
		     c->event_class, (unsigned long long)c->recorded, (unsigned long long)c->lost,
		     (unsigned long long)c->suppressed, (unsigned long long)c->generated);
	declared(t, c->event_class, &lost, &suppressed);
	EXPECT_UINT(check_numbers(t, c->event_class), c->recorded);
	EXPECT_UINT(lost, c->lost);
	EXPECT_UINT(suppressed, c->suppressed);
	if (!t->loss_expected)
		EXPECT_UINT(c->lost, 0);
}

static void check_laws(const struct live *t)
{
	const Varve__V1__Account *account;
	size_t i;

	note_what_it_had(t);
	for (i = 0; i < t->event_cnt; i++) {
		check_envelope(t->events[i], i);
		/* Whose a socket is may not be known. */
		if (t->events[i]->body_case == VARVE__V1__EVENT__BODY_UDP_FLOW ||
		    t->events[i]->body_case == VARVE__V1__EVENT__BODY_DNS)
			continue;
		if (is_numbered(t->events[i]) && strcmp(t->events[i]->kind, "CONTAINER_START"))
			EXPECT(t->events[i]->process && t->events[i]->process->process_uid);
	}
	account = t->events[t->event_cnt - 1]->account;
	EXPECT_UINT(account->n_counts, CLASS_CNT);
	for (i = 0; i < account->n_counts; i++)
		check_class(t, account->counts[i]);
}

/* --- for tests */

static void forget(struct live *t)
{
	while (t->event_cnt)
		varve__v1__event__free_unpacked(t->events[--t->event_cnt], NULL);
	free(t->events);
	t->events = NULL;
}

void live_collect(struct live *t, const char *id)
{
	struct log_reader *reader;
	int tries, wait_s = (t->wait_s ? t->wait_s : 10) * live_slow();
	size_t room = 0;

	forget(t);
	if (log_reader_open(t->sensor->log_dir, t->log_from, &reader))
		FAIL("cannot open the log in %s", t->sensor->log_dir);
	for (tries = 0; !read_some(t, reader, id, &room); tries++) {
		if (tries >= 200 * wait_s)
			FAIL("no closed account of %.12s within %d s, %zu records", id, wait_s,
			     t->event_cnt);
		usleep(5000);
	}
	log_reader_close(reader);
	check_laws(t);
}

void live_collect_all(struct live *t)
{
	struct log_reader *reader;
	size_t room = 0;

	forget(t);
	if (log_reader_open(t->sensor->log_dir, t->log_from, &reader))
		FAIL("cannot open the log in %s", t->sensor->log_dir);
	read_some(t, reader, NULL, &room);
	log_reader_close(reader);
}

void live_end(struct live *t)
{
	unsigned int tries;

	EXPECT(t->id[0]);
	/* A process counts until it has been reaped. */
	for (tries = 0; rmdir(t->cgroup); tries++) {
		if (errno != EBUSY || tries == 500 * live_slow())
			FAIL("cannot remove %s: %s", t->cgroup, strerror(errno));
		usleep(2000);
	}
	live_collect(t, t->id);
}

static bool matches(const Varve__V1__Event *ev, const char *kind, pid_t pid)
{
	return !strcmp(ev->kind, kind) &&
	       (!pid || (ev->process && ev->process->pid == (uint32_t)pid));
}

size_t live_count(const struct live *t, const char *kind, pid_t pid)
{
	size_t i, n = 0;

	for (i = 0; i < t->event_cnt; i++)
		n += matches(t->events[i], kind, pid);
	return n;
}

Varve__V1__Event *live_nth(const struct live *t, const char *kind, pid_t pid, size_t n)
{
	size_t i, left = n;

	for (i = 0; i < t->event_cnt; i++) {
		if (matches(t->events[i], kind, pid) && !left--)
			return t->events[i];
	}
	FAIL("%zu records of %s by %d, not more than %zu, among %zu", live_count(t, kind, pid),
	     kind, pid, n, t->event_cnt);
}

Varve__V1__Event *live_one(const struct live *t, const char *kind, pid_t pid)
{
	size_t n = live_count(t, kind, pid);

	if (n != 1)
		FAIL("%zu records of %s by %d, not one", n, kind, pid);
	return live_nth(t, kind, pid, 0);
}

const Varve__V1__ClassCount *live_class(const struct live *t, const char *event_class)
{
	const Varve__V1__Account *account = live_one(t, "ACCOUNT", 0)->account;
	size_t i;

	for (i = 0; i < account->n_counts; i++) {
		if (!strcmp(account->counts[i]->event_class, event_class))
			return account->counts[i];
	}
	FAIL("the account has no class %s", event_class);
}

void live_expect_name(const Varve__V1__File *file)
{
	live_expect_name_since(file, 0);
}

void live_expect_name_since(const Varve__V1__File *file, int minor)
{
	int major = 0, running = 0;
	bool kernel_copy;
	struct utsname u;

	uname(&u);
	sscanf(u.release, "%d.%d", &major, &running);
	kernel_copy = live_trampolines() && (major > 5 || running >= minor);
	EXPECT_UINT(file->has_path_user_memory && file->path_user_memory, !kernel_copy);
}
