/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The books: numbers taken in a pretended kernel, some delivered, late or never; what the books
 * declare must be exactly what is missing, each once. The kernel's counters are this file's,
 * instead of sensor/probes.c.
 */
#include "sensor/streams.c"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CPU_CNT	   3
#define CGROUP_CNT 4

/* --- the pretended kernel */

struct probes {
	uint64_t cgroup[CGROUP_CNT]; /* ids; 0: the node's account */
	bool there[CGROUP_CNT];	     /* has counters */
	struct ev_account account[CGROUP_CNT][CPU_CNT];
	size_t forgotten;
};

static int index_of(const struct probes *p, uint64_t cgroup_id)
{
	for (int i = 0; i < CGROUP_CNT; i++) {
		if (p->there[i] && p->cgroup[i] == cgroup_id)
			return i;
	}
	return -ENOENT;
}

int probes_account(const struct probes *p, uint64_t cgroup_id, struct ev_account *ret_accounts)
{
	int i = index_of(p, cgroup_id);

	if (i < 0)
		return i;
	memcpy(ret_accounts, p->account[i], sizeof(p->account[i]));
	return 0;
}

int probes_account_next(const struct probes *p, const uint64_t *previous, uint64_t *ret_cgroup_id)
{
	for (int i = previous ? index_of(p, *previous) + 1 : 0; i < CGROUP_CNT; i++) {
		if (p->there[i]) {
			*ret_cgroup_id = p->cgroup[i];
			return 0;
		}
	}
	return -ENOENT;
}

void probes_drop_book(struct probes *p, uint64_t cgroup_id)
{
	(void)p, (void)cgroup_id;
}

void probes_forget(struct probes *p, uint64_t cgroup_id)
{
	int i = index_of(p, cgroup_id);

	if (i < 0)
		return;
	p->there[i] = false;
	p->forgotten++;
}

static const unsigned int kind_of_class[EV_CLASS_CNT] = {
	[EV_CLASS_process] = EV_EXEC,	 [EV_CLASS_file] = EV_OPEN,
	[EV_CLASS_network] = EV_CONNECT, [EV_CLASS_container] = EV_CONTAINER_START,
	[EV_CLASS_kernel] = EV_IO_URING,
};

/* --- what was declared */

struct declared {
	struct streams_finding f[64]; /* the first ones */
	size_t cnt;
	uint64_t lost[CGROUP_CNT][EV_CLASS_CNT];
	uint64_t suppressed[CGROUP_CNT][EV_CLASS_CNT][EV_SUPPRESS_CNT];
};

struct world {
	struct probes probes;
	struct streams *streams;
	struct declared declared;
	uint64_t now_ns;
	bool refuse; /* the log takes nothing */
	struct entry {
		bool is_finding;
		struct ev_hdr hdr;
		struct streams_finding f;
	} log[2000];
	size_t log_cnt;
	struct book *kept[CGROUP_CNT]; /* as of earlier in the log; NULL: none yet */
	uint64_t kept_not;	       /* this cgroup's cannot be; 0: all can */
};

static int on_finding(const struct streams_finding *f, void *ctx)
{
	struct world *w = ctx;

	if (w->refuse)
		return -ENOSPC;
	assert_true(f->count > 0);
	assert_true(f->ev_class < EV_CLASS_CNT);
	assert_true(f->first_ns <= f->last_ns);
	assert_true(f->last_ns <= w->now_ns);
	if (w->declared.cnt < ARRAY_SIZE(w->declared.f))
		w->declared.f[w->declared.cnt] = *f;
	w->declared.cnt++;
	if (w->log_cnt < ARRAY_SIZE(w->log))
		w->log[w->log_cnt++] = (struct entry){.is_finding = true, .f = *f};
	for (int i = 0; i < CGROUP_CNT; i++) {
		if (w->probes.cgroup[i] != f->container)
			continue;
		if (f->suppressed)
			w->declared.suppressed[i][f->ev_class][f->reason] += f->count;
		else
			w->declared.lost[i][f->ev_class] += f->count;
	}
	return 0;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	for (int i = 0; i < CGROUP_CNT; i++)
		w->probes.cgroup[i] = 100 * i;
	*state = w;
	w->now_ns = 1000;
	return streams_new(CPU_CNT, &w->streams);
}

static int teardown(void **state)
{
	struct world *w = *state;

	streams_free(w->streams);
	for (int i = 0; i < CGROUP_CNT; i++)
		free(w->kept[i]);
	free(w);
	return 0;
}

static struct ev_count *count_of(struct world *w, int cgroup, unsigned int cpu, unsigned int c)
{
	w->probes.there[cgroup] = true;
	return &w->probes.account[cgroup][cpu].count[c];
}

/* Takes a number, as record_begin(). */
static struct ev_hdr take(struct world *w, int cgroup, unsigned int cpu, unsigned int c)
{
	return (struct ev_hdr){.kind = kind_of_class[c],
			       .cgroup_id = w->probes.cgroup[cgroup],
			       .cpu = cpu,
			       .number = count_of(w, cgroup, cpu, c)->next++};
}

static void lose(struct world *w, int cgroup, unsigned int cpu, unsigned int c, unsigned int cause)
{
	struct ev_count *count = count_of(w, cgroup, cpu, c);

	take(w, cgroup, cpu, c);
	count->lost[cause]++;
	if (!count->lost_first_ns)
		count->lost_first_ns = w->now_ns;
	count->lost_last_ns = w->now_ns;
}

static void suppress(struct world *w, int cgroup, unsigned int cpu, unsigned int c,
		     enum ev_suppress reason)
{
	struct ev_suppressed *s = &count_of(w, cgroup, cpu, c)->suppressed[reason];

	s->count++;
	if (!s->first_ns)
		s->first_ns = w->now_ns;
	s->last_ns = w->now_ns;
}

static void record(struct world *w, int cgroup, unsigned int cpu, unsigned int c)
{
	struct ev_hdr hdr = take(w, cgroup, cpu, c);

	streams_recorded(w->streams, &hdr);
}

static void settle(struct world *w, bool final)
{
	w->now_ns += 1000;
	streams_snapshot(w->streams, &w->probes, w->now_ns);
	streams_settle(w->streams, final, on_finding, w);
}

static struct streams_sum sum_of(struct world *w, uint64_t container, unsigned int c)
{
	struct streams_sum sums[EV_CLASS_CNT];

	streams_sum(w->streams, container, sums);
	return sums[c];
}

static void expect_sum(struct world *w, uint64_t container, unsigned int c, uint64_t generated,
		       uint64_t recorded, uint64_t lost, uint64_t suppressed)
{
	struct streams_sum sum = sum_of(w, container, c);

	assert_int_equal(sum.generated, generated);
	assert_int_equal(sum.recorded, recorded);
	assert_int_equal(sum.lost, lost);
	assert_int_equal(sum.suppressed, suppressed);
}

/* --- the tests */

static void test_all_came(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 10; i++)
		record(w, 1, i % CPU_CNT, EV_CLASS_file);
	settle(w, false);
	settle(w, true);
	assert_int_equal(w->declared.cnt, 0);
	expect_sum(w, 0, EV_CLASS_file, 10, 10, 0, 0);
	expect_sum(w, 0, EV_CLASS_process, 0, 0, 0, 0);
}

static void test_lost_with_cause(void **state)
{
	struct world *w = *state;

	assert_int_equal(streams_bind(w->streams, 100, 100), 0);
	record(w, 1, 0, EV_CLASS_file);
	lose(w, 1, 0, EV_CLASS_file, EV_CAUSE_RING_FULL);
	lose(w, 1, 1, EV_CLASS_file, EV_CAUSE_RING_FULL);
	lose(w, 1, 2, EV_CLASS_process, EV_CAUSE_SCRATCH_BUSY);
	settle(w, false);
	assert_int_equal(w->declared.cnt, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct streams_finding *f = &w->declared.f[i];
		bool file = f->ev_class == EV_CLASS_file;

		assert_int_equal(f->container, 100);
		assert_false(f->suppressed);
		assert_int_equal(f->cause, file ? EV_CAUSE_RING_FULL : EV_CAUSE_SCRATCH_BUSY);
		assert_int_equal(f->count, file ? 2 : 1);
		assert_int_equal(f->first_ns, 1000);
		assert_int_equal(f->last_ns, 1000);
	}
	settle(w, true);
	assert_int_equal(w->declared.cnt, 2);
	expect_sum(w, 100, EV_CLASS_file, 3, 1, 2, 0);
	expect_sum(w, 100, EV_CLASS_process, 1, 0, 1, 0);
}

/* A probe stands between its number and the ring: a gap then is not a loss yet. */
static void test_late_is_not_lost(void **state)
{
	struct world *w = *state;
	struct ev_hdr late = take(w, 1, 0, EV_CLASS_file);

	record(w, 1, 0, EV_CLASS_file); /* out of order */
	settle(w, false);
	assert_int_equal(w->declared.cnt, 0);
	streams_recorded(w->streams, &late);
	settle(w, false);
	settle(w, true);
	assert_int_equal(w->declared.cnt, 0);
	expect_sum(w, 0, EV_CLASS_file, 2, 2, 0, 0);
}

/* Under load one probe or the other stands there at every settling: none of them is lost. */
static void test_another_late_one_each_time(void **state)
{
	struct world *w = *state;
	struct ev_hdr late = take(w, 1, 0, EV_CLASS_file), next;

	for (int i = 0; i < 5; i++) {
		settle(w, false);
		streams_recorded(w->streams, &late);
		next = take(w, 1, i % CPU_CNT, EV_CLASS_file);
		late = next;
	}
	assert_int_equal(w->declared.cnt, 0);
	streams_recorded(w->streams, &late);
	settle(w, true);
	assert_int_equal(w->declared.cnt, 0);
	expect_sum(w, 0, EV_CLASS_file, 6, 6, 0, 0);
}

static void test_tail_loss_of_unknown_cause(void **state)
{
	struct world *w = *state;

	record(w, 1, 0, EV_CLASS_network);
	settle(w, false); /* all is well until 2000 */
	w->now_ns = 2500;
	take(w, 1, 0, EV_CLASS_network);
	settle(w, false); /* 3500 */
	assert_int_equal(w->declared.cnt, 0);
	settle(w, false);
	assert_int_equal(w->declared.cnt, 1);
	assert_int_equal(w->declared.f[0].cause, STREAMS_CAUSE_UNKNOWN);
	assert_int_equal(w->declared.f[0].count, 1);
	/* Numbered after the settling that missed nothing, before the one that did. */
	assert_true(w->declared.f[0].first_ns <= 2500);
	assert_true(w->declared.f[0].last_ns >= 2500);
	settle(w, true);
	assert_int_equal(w->declared.cnt, 1);
	expect_sum(w, 0, EV_CLASS_network, 2, 1, 1, 0);
}

static void test_final_gives_no_time(void **state)
{
	struct world *w = *state;

	take(w, 1, 0, EV_CLASS_network);
	settle(w, true);
	assert_int_equal(w->declared.cnt, 1);
	assert_int_equal(w->declared.f[0].cause, STREAMS_CAUSE_UNKNOWN);
	expect_sum(w, 0, EV_CLASS_network, 1, 0, 1, 0);
}

static void test_dropped_by_the_sensor(void **state)
{
	struct world *w = *state;
	struct ev_hdr bad = take(w, 1, 0, EV_CLASS_file), unwritten = take(w, 1, 0, EV_CLASS_file);

	streams_dropped(w->streams, &bad, STREAMS_CAUSE_INVALID);
	streams_dropped(w->streams, &unwritten, STREAMS_CAUSE_LOG);
	settle(w, false);
	assert_int_equal(w->declared.cnt, 2);
	assert_int_equal(w->declared.f[0].cause, STREAMS_CAUSE_INVALID);
	assert_int_equal(w->declared.f[1].cause, STREAMS_CAUSE_LOG);
	assert_int_equal(w->declared.f[0].count, 1);
	assert_int_equal(w->declared.f[1].count, 1);
	settle(w, true);
	expect_sum(w, 0, EV_CLASS_file, 2, 0, 2, 0);
}

/* What userspace lost has its own times, as long as it was not declared. */
static void test_dropped_when(void **state)
{
	struct world *w = *state;
	uint64_t began = w->now_ns - 400;
	struct ev_hdr hdr[4];

	for (int i = 0; i < 4; i++) {
		hdr[i] = take(w, 1, i % 2, EV_CLASS_file);
		hdr[i].time_ns = began + 100 * (uint64_t)i;
	}
	for (int i = 0; i < 3; i++)
		streams_dropped(w->streams, &hdr[i], STREAMS_CAUSE_LOG_FULL);
	streams_recorded(w->streams, &hdr[3]);
	settle(w, false);
	assert_int_equal(w->declared.cnt, 1);
	assert_int_equal(w->declared.f[0].cause, STREAMS_CAUSE_LOG_FULL);
	assert_int_equal(w->declared.f[0].count, 3);
	assert_int_equal(w->declared.f[0].first_ns, began);
	assert_int_equal(w->declared.f[0].last_ns, began + 200);
	/* The next ones have theirs. */
	hdr[0] = take(w, 1, 0, EV_CLASS_file);
	hdr[0].time_ns = began + 300;
	streams_dropped(w->streams, &hdr[0], STREAMS_CAUSE_LOG_FULL);
	settle(w, false);
	assert_int_equal(w->declared.f[1].count, 1);
	assert_int_equal(w->declared.f[1].first_ns, began + 300);
	assert_int_equal(w->declared.f[1].last_ns, began + 300);
	assert_string_equal(streams_cause_name(STREAMS_CAUSE_LOG_FULL), "log_full");
}

static void test_suppressed(void **state)
{
	struct world *w = *state;

	suppress(w, 1, 0, EV_CLASS_file, EV_SUPPRESS_READ_OPENS_OFF);
	suppress(w, 1, 1, EV_CLASS_file, EV_SUPPRESS_READ_OPENS_OFF);
	settle(w, false);
	assert_int_equal(w->declared.cnt, 1);
	assert_true(w->declared.f[0].suppressed);
	assert_int_equal(w->declared.f[0].reason, EV_SUPPRESS_READ_OPENS_OFF);
	assert_int_equal(w->declared.f[0].count, 2);
	settle(w, false);
	assert_int_equal(w->declared.cnt, 1);
	suppress(w, 1, 1, EV_CLASS_file, EV_SUPPRESS_READ_OPENS_OFF);
	settle(w, true);
	assert_int_equal(w->declared.cnt, 2);
	assert_int_equal(w->declared.f[1].count, 1);
	expect_sum(w, 0, EV_CLASS_file, 3, 0, 0, 3);
}

/* Several reasons in one class: each has its count and its times. */
static void test_suppressed_for_several_reasons(void **state)
{
	struct world *w = *state;

	suppress(w, 1, 0, EV_CLASS_file, EV_SUPPRESS_READ_OPEN_REPEATED); /* at 1000 */
	w->now_ns = 1100;
	suppress(w, 1, 1, EV_CLASS_file, EV_SUPPRESS_KIND_OFF);
	w->now_ns = 1200;
	suppress(w, 1, 2, EV_CLASS_file, EV_SUPPRESS_KIND_OFF);
	suppress(w, 1, 0, EV_CLASS_network, EV_SUPPRESS_KIND_OFF);
	record(w, 1, 0, EV_CLASS_file);
	w->refuse = true;
	settle(w, false);
	w->refuse = false;
	settle(w, false);
	assert_int_equal(w->declared.cnt, 3);
	for (int i = 0; i < 3; i++) {
		const struct streams_finding *f = &w->declared.f[i];
		bool off = f->reason == EV_SUPPRESS_KIND_OFF, file = f->ev_class == EV_CLASS_file;

		assert_true(f->suppressed);
		assert_int_equal(f->reason,
				 i ? EV_SUPPRESS_KIND_OFF : EV_SUPPRESS_READ_OPEN_REPEATED);
		assert_int_equal(f->count, off && file ? 2 : 1);
		assert_int_equal(f->last_ns, off ? 1200 : 1000);
	}
	settle(w, true);
	assert_int_equal(w->declared.cnt, 3);
	expect_sum(w, 0, EV_CLASS_file, 4, 1, 0, 3);
	expect_sum(w, 0, EV_CLASS_network, 1, 0, 0, 1);
}

/* A CPU that lost something long ago says nothing of when this loss was. */
static void test_bounds_are_not_before_the_last_settling(void **state)
{
	struct world *w = *state;

	lose(w, 1, 0, EV_CLASS_file, EV_CAUSE_RING_FULL); /* at 1000 */
	settle(w, false);
	settle(w, false);
	settle(w, false); /* 4000 */
	w->now_ns = 4500;
	lose(w, 1, 1, EV_CLASS_file, EV_CAUSE_RING_FULL);
	settle(w, false);
	assert_int_equal(w->declared.cnt, 2);
	assert_in_range(w->declared.f[1].first_ns, 4000, 4500);
	assert_int_equal(w->declared.f[1].last_ns, 4500);
}

/* Nested cgroups count as their container's; closing one leaves the others alone. */
static void test_container(void **state)
{
	struct world *w = *state;

	streams_bind(w->streams, 100, 100);
	streams_bind(w->streams, 200, 100);
	streams_bind(w->streams, 300, 300);
	assert_int_equal(streams_container(w->streams, 200), 100);
	assert_int_equal(streams_container(w->streams, 999), 0);
	record(w, 1, 0, EV_CLASS_process);
	record(w, 2, 0, EV_CLASS_process);
	take(w, 2, 0, EV_CLASS_process);
	take(w, 3, 0, EV_CLASS_process);
	w->now_ns = 5000;
	streams_snapshot_container(w->streams, 100, &w->probes, w->now_ns);
	streams_settle_container(w->streams, 100, on_finding, w);
	assert_int_equal(w->declared.cnt, 1);
	assert_int_equal(w->declared.f[0].container, 100);
	assert_int_equal(w->declared.f[0].last_ns, 5000);
	expect_sum(w, 100, EV_CLASS_process, 3, 2, 1, 0);
	expect_sum(w, 300, EV_CLASS_process, 0, 0, 0, 0);

	streams_forget(w->streams, 100, &w->probes);
	assert_int_equal(w->probes.forgotten, 2);
	assert_int_equal(streams_container(w->streams, 200), 0);
	expect_sum(w, 100, EV_CLASS_process, 0, 0, 0, 0);
	expect_sum(w, 0, EV_CLASS_process, 3, 2, 1, 0);
	settle(w, true);
	assert_int_equal(w->declared.cnt, 2);
	expect_sum(w, 0, EV_CLASS_process, 4, 2, 2, 0);
}

/* A cgroup within a container goes: its account is closed, its sums stay in the container's. */
static void test_nested_cgroup_gone(void **state)
{
	struct world *w = *state;

	streams_bind(w->streams, 100, 100);
	streams_bind(w->streams, 200, 100);
	record(w, 1, 0, EV_CLASS_file);
	record(w, 2, 0, EV_CLASS_file);
	take(w, 2, 1, EV_CLASS_file);
	streams_snapshot_cgroup(w->streams, 200, &w->probes, w->now_ns);
	streams_settle_cgroup(w->streams, 200, on_finding, w);
	assert_int_equal(w->declared.cnt, 1);
	assert_int_equal(w->declared.f[0].container, 100);
	streams_forget_cgroup(w->streams, 200, &w->probes);
	assert_int_equal(w->probes.forgotten, 1);
	assert_int_equal(streams_container(w->streams, 200), 0);
	expect_sum(w, 100, EV_CLASS_file, 2, 1, 1, 0);
	settle(w, true);
	assert_int_equal(w->declared.cnt, 1);
	expect_sum(w, 100, EV_CLASS_file, 3, 2, 1, 0);
	expect_sum(w, 0, EV_CLASS_file, 3, 2, 1, 0);
	streams_forget(w->streams, 100, &w->probes);
	expect_sum(w, 0, EV_CLASS_file, 3, 2, 1, 0);
	/* Not there any more: nothing happens. */
	streams_snapshot_cgroup(w->streams, 200, &w->probes, w->now_ns);
	streams_settle_cgroup(w->streams, 200, on_finding, w);
	streams_forget_cgroup(w->streams, 200, &w->probes);
	expect_sum(w, 0, EV_CLASS_file, 3, 2, 1, 0);
}

static void note_other(uint64_t cgroup_id, uint64_t container, void *ctx)
{
	uint64_t *containers = ctx;

	containers[cgroup_id / 100] += container + 1;
}

static void test_others(void **state)
{
	struct world *w = *state;
	uint64_t seen[10] = {};
	struct streams_sum node[EV_CLASS_CNT];

	streams_bind(w->streams, 100, 100);
	streams_bind(w->streams, 200, 100);
	record(w, 0, 0, EV_CLASS_file); /* the node's own */
	record(w, 3, 0, EV_CLASS_file);
	streams_each_other(w->streams, note_other, seen);
	assert_int_equal(seen[0], 0);	/* the node is no cgroup */
	assert_int_equal(seen[1], 0);	/* a container's own */
	assert_int_equal(seen[2], 101); /* in a container */
	assert_int_equal(seen[3], 1);	/* in none */
	streams_snapshot_cgroup(w->streams, 300, &w->probes, w->now_ns);
	streams_settle_cgroup(w->streams, 300, on_finding, w);
	streams_forget_cgroup(w->streams, 300, &w->probes);
	settle(w, true);
	expect_sum(w, 0, EV_CLASS_file, 2, 2, 0, 0);
	streams_sum_cgroup(w->streams, 0, node);
	assert_int_equal(node[EV_CLASS_file].recorded, 1);
	assert_true(streams_knows(w->streams, 0));
	assert_false(streams_knows(w->streams, 300));
}

/* What comes between reading the counters and settling belongs to the next time. */
static void test_records_behind_the_snapshot(void **state)
{
	struct world *w = *state;
	struct ev_hdr before = take(w, 1, 0, EV_CLASS_file), after;

	streams_snapshot(w->streams, &w->probes, w->now_ns);
	after = take(w, 1, 0, EV_CLASS_file);
	streams_recorded(w->streams, &after);
	streams_recorded(w->streams, &before);
	streams_settle(w->streams, true, on_finding, w);
	assert_int_equal(w->declared.cnt, 0);
	expect_sum(w, 0, EV_CLASS_file, 1, 1, 0, 0);
	settle(w, true);
	assert_int_equal(w->declared.cnt, 0);
	expect_sum(w, 0, EV_CLASS_file, 2, 2, 0, 0);
}

static void test_a_cpu_that_cannot_be(void **state)
{
	struct world *w = *state;
	struct ev_hdr hdr = take(w, 1, 0, EV_CLASS_file);

	hdr.cpu = CPU_CNT;
	streams_recorded(w->streams, &hdr);
	hdr.cpu = UINT32_MAX;
	streams_recorded(w->streams, &hdr);
	settle(w, true);
	expect_sum(w, 0, EV_CLASS_file, 1, 0, 1, 0);
}

/* A loss that could not be declared is declared when it can be. */
static void test_declared_later(void **state)
{
	struct world *w = *state;

	lose(w, 1, 0, EV_CLASS_file, EV_CAUSE_RING_FULL);
	take(w, 1, 0, EV_CLASS_file);
	suppress(w, 1, 0, EV_CLASS_file, EV_SUPPRESS_READ_OPEN_REPEATED);
	w->refuse = true;
	settle(w, false);
	settle(w, false);
	expect_sum(w, 0, EV_CLASS_file, 2, 0, 0, 0);
	w->refuse = false;
	settle(w, false);
	assert_int_equal(w->declared.cnt, 3);
	assert_int_equal(w->declared.f[0].cause, EV_CAUSE_RING_FULL);
	assert_int_equal(w->declared.f[0].count, 1);
	assert_int_equal(w->declared.f[1].cause, STREAMS_CAUSE_UNKNOWN);
	assert_int_equal(w->declared.f[1].count, 1);
	assert_true(w->declared.f[2].suppressed);
	for (int i = 0; i < 3; i++)
		assert_true(w->declared.f[i].first_ns <= 1000 && w->declared.f[i].last_ns >= 1000);
	settle(w, true);
	assert_int_equal(w->declared.cnt, 3);
	expect_sum(w, 0, EV_CLASS_file, 3, 0, 2, 1);
}

static void test_cause_names(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < STREAMS_CAUSE_CNT; i++)
		assert_non_null(streams_cause_name(i));
	assert_string_equal(streams_cause_name(EV_CAUSE_RING_FULL), "ring_full");
	assert_string_equal(streams_cause_name(STREAMS_CAUSE_INVALID), "invalid_record");
	assert_string_equal(streams_cause_name(STREAMS_CAUSE_LOG), "log_write");
	assert_string_equal(streams_cause_name(999), "unknown");
	for (unsigned int i = 0; i < EV_SUPPRESS_CNT; i++)
		assert_non_null(streams_reason_name(i));
	assert_string_equal(streams_reason_name(EV_SUPPRESS_READ_OPEN_REPEATED),
			    "read_open_repeated");
	assert_string_equal(streams_reason_name(EV_SUPPRESS_READ_OPENS_OFF), "read_opens_off");
	assert_string_equal(streams_reason_name(EV_SUPPRESS_KIND_OFF), "kind_off");
	assert_string_equal(streams_reason_name(EV_SUPPRESS_RATE_LIMIT), "rate_limit");
	assert_string_equal(streams_reason_name(EV_SUPPRESS_FAIR_SHARE), "fair_share");
	assert_string_equal(streams_reason_name(999), "unknown");
}

/* --- any history adds up */

struct truth {
	uint64_t generated, recorded, lost, suppressed, reason[EV_SUPPRESS_CNT];
};

struct pending {
	struct ev_hdr hdr;
	int cgroup;
	unsigned int c;
	unsigned int age; /* settlings seen */
};

struct history {
	struct world *w;
	struct truth truth[CGROUP_CNT][EV_CLASS_CNT];
	struct truth before[CGROUP_CNT][EV_CLASS_CNT]; /* in earlier runs, as their logs say */
	struct pending pending[32];
	size_t pending_cnt;
	uint64_t seed;
};

static unsigned int pick(struct history *h, unsigned int below)
{
	h->seed = h->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (h->seed >> 33) % below;
}

static void deliver(struct history *h, size_t i)
{
	struct pending *p = &h->pending[i];

	if (pick(h, 8)) {
		streams_recorded(h->w->streams, &p->hdr);
		assert_true(h->w->log_cnt < ARRAY_SIZE(h->w->log));
		h->w->log[h->w->log_cnt++] = (struct entry){.hdr = p->hdr};
		h->truth[p->cgroup][p->c].recorded++;
	} else {
		streams_dropped(h->w->streams, &p->hdr,
				STREAMS_CAUSE_INVALID +
					pick(h, STREAMS_CAUSE_UNKNOWN - STREAMS_CAUSE_INVALID));
		h->truth[p->cgroup][p->c].lost++;
	}
	*p = h->pending[--h->pending_cnt];
}

/* A record that took its number before the last snapshot but one has come, or never does. */
static void history_settle(struct history *h)
{
	struct world *w = h->w;

	for (size_t i = 0; i < h->pending_cnt;) {
		if (h->pending[i].age++ >= 1)
			deliver(h, i);
		else
			i++;
	}
	settle(w, false);
	for (int g = 0; g < CGROUP_CNT; g++) {
		for (unsigned int c = 0; c < EV_CLASS_CNT; c++) {
			struct truth *t = &h->truth[g][c];

			assert_true(w->declared.lost[g][c] <= t->lost);
			assert_memory_equal(w->declared.suppressed[g][c], t->reason,
					    sizeof(t->reason));
		}
	}
}

static int keep(uint64_t cgroup_id, const struct book *book, void *ctx)
{
	struct world *w = ctx;
	int i = index_of(&w->probes, cgroup_id);

	if (i < 0)
		return 0; /* bound, and nothing numbered in it yet */
	if (cgroup_id && cgroup_id == w->kept_not)
		return -E2BIG;
	if (!w->kept[i])
		w->kept[i] = malloc(streams_book_size(CPU_CNT));
	memcpy(w->kept[i], book, streams_book_size(CPU_CNT));
	return 0;
}

static void replay(struct world *w, size_t at)
{
	const struct entry *e = &w->log[at];

	if (e->is_finding)
		streams_replay_finding(w->streams, &e->f, at);
	else
		streams_replay_record(w->streams, e->hdr.cgroup_id, e->hdr.cpu,
				      streams_class_of(&e->hdr), e->hdr.number, at);
}

/* The sensor dies, or ends; another one goes on with the same counters. */
static void next_run(struct history *h, bool in_order)
{
	struct world *w = h->w;

	if (in_order) {
		history_settle(h);
		streams_hand_over(w->streams);
		assert_int_equal(streams_keep(w->streams, w->log_cnt, keep, w), 0);
	}
	streams_free(w->streams);
	assert_int_equal(streams_new(CPU_CNT, &w->streams), 0);
	for (int g = 0; g < CGROUP_CNT; g++)
		if (w->kept[g])
			streams_take_up(w->streams, w->probes.cgroup[g], w->kept[g]);
	for (size_t i = 0; i < w->log_cnt; i++)
		replay(w, i);
	streams_begin(w->streams, &w->probes);
	for (int g = 1; g < CGROUP_CNT; g++)
		streams_bind(w->streams, w->probes.cgroup[g], w->probes.cgroup[g]);
	for (int g = 0; g < CGROUP_CNT; g++) {
		for (unsigned int c = 0; c < EV_CLASS_CNT; c++) {
			struct truth *t = &h->truth[g][c], *before = &h->before[g][c];

			before->recorded = t->recorded;
			before->lost = w->declared.lost[g][c];
			before->suppressed = 0;
			for (int r = 0; r < EV_SUPPRESS_CNT; r++)
				before->suppressed += w->declared.suppressed[g][c][r];
			if (g)
				expect_sum(w, w->probes.cgroup[g], c, 0, 0, 0, 0);
		}
	}
}

static void step(struct history *h)
{
	int g = pick(h, CGROUP_CNT);
	unsigned int cpu = pick(h, CPU_CNT), c = pick(h, EV_CLASS_CNT), what = pick(h, 100);
	struct truth *t = &h->truth[g][c];
	struct world *w = h->w;

	w->now_ns++;
	if (what < 60 && h->pending_cnt < ARRAY_SIZE(h->pending)) {
		h->pending[h->pending_cnt++] = (struct pending){take(w, g, cpu, c), g, c, 0};
		t->generated++;
	} else if (what < 75) {
		lose(w, g, cpu, c, pick(h, EV_CAUSE_CNT));
		t->generated++, t->lost++;
	} else if (what < 80) {
		take(w, g, cpu, c); /* vanishes without a word */
		t->generated++, t->lost++;
	} else if (what < 90) {
		unsigned int reason = pick(h, EV_SUPPRESS_CNT);

		suppress(w, g, cpu, c, reason);
		t->generated++, t->suppressed++, t->reason[reason]++;
	} else if (what < 93) {
		history_settle(h);
		if (pick(h, 2))
			streams_keep(w->streams, w->log_cnt, keep, w);
	} else if (what < 94) {
		next_run(h, pick(h, 2));
	}
	while (h->pending_cnt && pick(h, 3))
		deliver(h, pick(h, h->pending_cnt));
}

static void check_history(struct history *h)
{
	struct world *w = h->w;

	while (h->pending_cnt)
		deliver(h, 0);
	settle(w, true);
	settle(w, true); /* says nothing twice */
	for (int g = 0; g < CGROUP_CNT; g++) {
		for (unsigned int c = 0; c < EV_CLASS_CNT; c++) {
			struct truth *t = &h->truth[g][c], *before = &h->before[g][c];

			assert_int_equal(t->generated, t->recorded + t->lost + t->suppressed);
			assert_int_equal(w->declared.lost[g][c], t->lost);
			assert_memory_equal(w->declared.suppressed[g][c], t->reason,
					    sizeof(t->reason));
			if (g)
				expect_sum(w, w->probes.cgroup[g], c,
					   t->generated - before->recorded - before->lost -
						   before->suppressed,
					   t->recorded - before->recorded, t->lost - before->lost,
					   t->suppressed - before->suppressed);
		}
	}
}

static void test_any_history_adds_up(void **state)
{
	void *w = NULL;

	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct history h = {.seed = seed};

		assert_int_equal(setup(&w), 0);
		h.w = w;
		for (int g = 1; g < CGROUP_CNT; g++)
			streams_bind(h.w->streams, h.w->probes.cgroup[g], h.w->probes.cgroup[g]);
		for (int i = 0; i < 500; i++)
			step(&h);
		check_history(&h);
		teardown(&w);
	}
}

/* A book that cannot be kept does not hold up the others, and is kept when it can be. */
static void test_a_book_is_not_kept(void **state)
{
	struct world *w = *state;
	int not_kept, g;

	for (not_kept = 1; not_kept < CGROUP_CNT; not_kept++) {
		for (g = 1; g < CGROUP_CNT; g++)
			lose(w, g, 0, EV_CLASS_file, EV_CAUSE_RING_FULL);
		settle(w, false);
		w->kept_not = w->probes.cgroup[not_kept];
		assert_int_equal(streams_keep(w->streams, 10 * not_kept, keep, w), -E2BIG);
		for (g = 1; g < CGROUP_CNT; g++)
			assert_int_equal(g == not_kept,
					 !w->kept[g] || w->kept[g]->log_index != 10ULL * not_kept);
		w->kept_not = 0;
		assert_int_equal(streams_keep(w->streams, 10 * not_kept + 1, keep, w), 0);
		for (g = 1; g < CGROUP_CNT; g++)
			assert_int_equal(w->kept[g]->log_index, 10 * not_kept + (g == not_kept));
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_all_came),
		T(test_lost_with_cause),
		T(test_late_is_not_lost),
		T(test_another_late_one_each_time),
		T(test_tail_loss_of_unknown_cause),
		T(test_final_gives_no_time),
		T(test_dropped_by_the_sensor),
		T(test_dropped_when),
		T(test_suppressed),
		T(test_suppressed_for_several_reasons),
		T(test_bounds_are_not_before_the_last_settling),
		T(test_container),
		T(test_nested_cgroup_gone),
		T(test_others),
		T(test_records_behind_the_snapshot),
		T(test_a_cpu_that_cannot_be),
		T(test_declared_later),
		T(test_cause_names),
		T(test_a_book_is_not_kept),
		cmocka_unit_test(test_any_history_adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
