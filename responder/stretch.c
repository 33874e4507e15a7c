/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences are exact: a container's records lie between its first one and its account. Times are
 * not: records are written some time after they happen, so what is missing between two records may
 * have happened a while before the earlier one. SLACK_NS allows for that, far beyond what a sensor
 * lags. In a run whose wall clock was set they say nothing: then all of the run counts.
 */
#include "responder/stretch.h"
#include "evidence/base.h"
#include <string.h>

#define SLACK_NS (10 * (int64_t)NSEC_PER_SEC)

static int64_t life_begin(const struct history_stream *s)
{
	return history_start_seen(s) && !s->run->clock_stepped ? s->first_ns : HISTORY_NEVER;
}

static int64_t life_end(const struct history_stream *s)
{
	return s->closed && !s->run->clock_stepped ? s->last_ns : INT64_MAX;
}

bool stretch_init(struct stretch *st, const struct history *h, const struct history_stream *s)
{
	*st = (struct stretch){
		.h = h,
		.s = s,
		.since_ns = MAX(h->window.since_ns, life_begin(s)),
		.until_ns = MIN(h->window.until_ns, life_end(s)),
		.first = s->first,
		.last = s->closed ? s->account : UINT64_MAX,
	};
	/* Records of it that are missing at its front lie before the first one held. */
	if (s->sequences.cnt && s->sequences.v[0].first > s->base)
		st->first = 0;
	return st->since_ns <= st->until_ns;
}

bool stretch_is_there(const struct history *h, const struct history_container *c)
{
	struct stretch st;

	for (const struct history_stream *s = c->streams; s; s = s->next)
		if (stretch_init(&st, h, s))
			return true;
	return false;
}

bool stretch_is_within(const struct history_window *time, const struct history_container *c)
{
	for (const struct history_stream *s = c->streams; s; s = s->next)
		if (life_begin(s) <= time->until_ns && life_end(s) >= time->since_ns)
			return true;
	return false;
}

bool stretch_is_whole(const struct stretch *st)
{
	return st->h->window.since_ns <= st->s->first_ns &&
	       st->h->window.until_ns >= st->s->account_ns;
}

bool stretch_touches(const struct history_window *time, int64_t first_ns, int64_t last_ns)
{
	int64_t first, last;

	if (first_ns == HISTORY_NEVER || __builtin_sub_overflow(first_ns, SLACK_NS, &first))
		first = INT64_MIN;
	if (last_ns == HISTORY_NEVER || __builtin_add_overflow(last_ns, SLACK_NS, &last))
		last = INT64_MAX;
	return first <= time->until_ns && last >= time->since_ns;
}

bool stretch_has_time(const struct stretch *st, int64_t first_ns, int64_t last_ns)
{
	const struct history_window time = {st->since_ns, st->until_ns};

	return stretch_touches(&time, first_ns, last_ns);
}

bool stretch_gap_before(const struct ranges *r, uint64_t base, size_t i,
			struct stretch_gap *ret_gap)
{
	if (i >= r->cnt)
		return false;
	uint64_t first = i ? r->v[i - 1].last + 1 : base;

	if (r->v[i].first <= first)
		return false;
	*ret_gap = (struct stretch_gap){
		.first = first,
		.last = r->v[i].first - 1,
		.before_ns = i ? r->v[i - 1].last_ns : HISTORY_NEVER,
		.after_ns = r->v[i].first_ns,
	};
	return true;
}

bool stretch_run_gap(const struct stretch *st, size_t i, struct stretch_gap *ret_gap)
{
	struct stretch_gap gap;

	if (!stretch_gap_before(&st->s->run->sequences, 0, i, &gap) || gap.last < st->first ||
	    gap.first > st->last || !stretch_has_time(st, gap.before_ns, gap.after_ns))
		return false;
	*ret_gap = gap;
	return true;
}

bool stretch_stream_gap(const struct stretch *st, size_t i, struct stretch_gap *ret_gap)
{
	struct stretch_gap gap;

	if (!stretch_gap_before(&st->s->sequences, st->s->base, i, &gap) ||
	    !stretch_has_time(st, gap.before_ns, gap.after_ns))
		return false;
	*ret_gap = gap;
	return true;
}

bool stretch_has_hole(const struct stretch *st, const struct history_hole *hole)
{
	const struct history_run *run = st->s->run;

	if (hole->before != run && hole->after != run)
		return false;
	if (hole->before == run && hole->before_sequence >= st->last)
		return false;
	if (hole->after == run && hole->after_sequence <= st->first)
		return false;
	return stretch_has_time(st, hole->before_ns, hole->after_ns);
}

/* Whole records that the log or the broker did not keep; they may be here all the same. */
static bool has_lost_records(const struct stretch *st, const struct history_loss *loss)
{
	return !strcmp(loss->lost_run_id, st->s->run->id) && loss->last_sequence >= st->first &&
	       loss->first_sequence <= st->last &&
	       !ranges_has_all(&st->s->run->sequences, loss->first_sequence, loss->last_sequence);
}

bool stretch_has_loss(const struct stretch *st, const struct history_loss *loss)
{
	if (loss->container && loss->container != st->s->container)
		return false;
	if (loss->lost_run_id)
		return has_lost_records(st, loss) &&
		       stretch_has_time(st, loss->first_ns, loss->last_ns);
	if (loss->run != st->s->run)
		return false;
	/* Bounds of when they happened are exact. The container's own count whatever of it is held.
	 */
	int64_t since_ns = loss->container ? st->h->window.since_ns : st->since_ns;
	int64_t until_ns = loss->container ? st->h->window.until_ns : st->until_ns;

	return (loss->first_ns == HISTORY_NEVER || loss->first_ns <= until_ns) &&
	       (loss->last_ns == HISTORY_NEVER || loss->last_ns >= since_ns);
}
