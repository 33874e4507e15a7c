/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outline has each container's start, stop and account, and each run's start, end, coverage and
 * losses, of all of the log. What else the verdict looks at is what is missing while the container,
 * or its pod, lived; so the segments of that time are read whole, with a margin. Whatever is odd, a
 * gap, damage, a clock that was set back, makes all be read.
 */
#include "responder/part.h"
#include "evidence/base.h"
#include "responder/checks.h"
#include "responder/history.h"
#include "responder/missing.h"

/* Records are written a while after they happen; the checks allow for 10 s (stretch.c). */
#define MARGIN_NS (60 * (int64_t)NSEC_PER_SEC)

static void find_odd(const struct missing *m, void *ctx)
{
	const struct history *h = *(const struct history **)ctx;
	/* What came before the node's oldest record that is there; and what is declared: both are
	 * known. */
	bool is_front = h && m->what == MISSING_FRONT && !history_find_run(h, m->run_id)->earlier;

	if (h && !is_front && m->what != MISSING_LOSS)
		*(const struct history **)ctx = NULL;
}

/* Segments of one partition stand in their order, whatever others come in between. */
static bool is_out_of_order(const struct history *h)
{
	for (size_t i = 1; i < h->segment_cnt; i++) {
		const struct history_segment *s = &h->segments[i];
		size_t k = i;

		while (k > 0 && h->segments[k - 1].partition != s->partition)
			k--;
		if (k > 0 && s->first_ns < h->segments[k - 1].first_ns)
			return true;
	}
	return false;
}

static bool is_odd(const struct history *h)
{
	const struct history_window always = {INT64_MIN, INT64_MAX};
	const struct history *left = h;

	if (h->hole_cnt || h->duplicate_cnt || !h->segment_cnt)
		return true;
	if (is_out_of_order(h))
		return true;
	for (const struct history_run *run = h->runs; run; run = run->next)
		if (run->clock_stepped)
			return true;
	missing_each(h, NULL, &always, find_odd, &left);
	return !left;
}

static void add(struct history_window *time, int64_t since_ns, int64_t until_ns)
{
	time->since_ns = MIN(time->since_ns, since_ns);
	time->until_ns = MAX(time->until_ns, until_ns);
}

/* If its start was not seen, all of the run before it counts; if its end was not, all behind it. */
static void add_life(struct history_window *time, const struct history_stream *s)
{
	add(time, history_start_seen(s) ? s->first_ns : s->run->first_ns,
	    s->closed ? MAX(s->last_ns, s->account_ns) : INT64_MAX);
}

static int64_t minus(int64_t ns, int64_t by)
{
	return __builtin_sub_overflow(ns, by, &ns) ? (by > 0 ? INT64_MIN : INT64_MAX) : ns;
}

/* The next segment of the partition, behind index i or at it; or segment_cnt. */
static size_t segment_at(const struct history *h, unsigned int partition, size_t i)
{
	while (i < h->segment_cnt && h->segments[i].partition != partition)
		i++;
	return i;
}

static void find_segments(const struct history *h, const struct history_window *time,
			  unsigned int partition, struct log_range *part)
{
	int64_t since_ns = minus(time->since_ns, MARGIN_NS);
	int64_t until_ns = minus(time->until_ns, -MARGIN_NS);
	size_t first = segment_at(h, partition, 0), from = first, to = first, next;

	while ((next = segment_at(h, partition, from + 1)) < h->segment_cnt &&
	       h->segments[next].first_ns <= since_ns && h->segments[next].id <= part->from)
		from = next;
	for (to = from; to < h->segment_cnt; to = segment_at(h, partition, to + 1))
		if (h->segments[to].id > part->to && h->segments[to].first_ns > until_ns)
			break;
	part->from = from > first ? h->segments[from].id : 0;
	/* The newest one grows. */
	part->to = to < h->segment_cnt ? h->segments[to].id - 1 : UINT64_MAX;
}

static bool is_several(const struct history *h)
{
	for (size_t i = 1; i < h->segment_cnt; i++)
		if (h->segments[i].partition != h->segments[0].partition)
			return true;
	return false;
}

bool part_find(const struct history *h, unsigned int *ret_partition, struct log_range *ret_part)
{
	struct history_window time = {INT64_MAX, INT64_MIN}, pod;
	struct log_range part = {UINT64_MAX, 0};
	const struct history_container *first = NULL;

	if (is_odd(h))
		return false;
	for (const struct history_container *c = h->containers; c; c = c->next) {
		if (!c->selected)
			continue;
		first = first ? first : c;
		if (c->is_scattered || c->partition != first->partition)
			return false;
		part.from = MIN(part.from, c->first_segment);
		part.to = MAX(part.to, c->last_segment);
		for (const struct history_stream *s = c->streams; s; s = s->next)
			add_life(&time, s);
	}
	if (h->by_pod && checks_pod_time(h, &pod))
		add(&time, pod.since_ns, pod.until_ns);
	*ret_partition = first ? first->partition : 0;
	find_segments(h, &time, *ret_partition, &part);
	*ret_part = part;
	return is_several(h) || part.from || part.to != UINT64_MAX;
}
