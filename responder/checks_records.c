/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is each record there? Numbers that never came, places that cannot be read, and the end of a run
 * that only the next one tells.
 */
#include "responder/checks.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include "responder/tell.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

static void tell_gap(const struct checks_subject *sub, const struct stretch_gap *gap,
		     bool of_stream)
{
	_cleanup_free_ char *span = tell_span(gap->before_ns, gap->after_ns);
	uint64_t cnt = gap->last - gap->first + 1;

	if (of_stream)
		tell(sub, VERDICT_REASON_INCOMPLETE,
		     "%" PRIu64 " record%s of the container missing (stream_sequence %" PRIu64
		     " to %" PRIu64 " of run %s) %s",
		     cnt, tell_plural(cnt), gap->first, gap->last, sub->s->run->id, span);
	else
		tell_node(sub, VERDICT_REASON_INCOMPLETE,
			  "%" PRIu64 " record%s of the node missing (sequence %" PRIu64
			  " to %" PRIu64 " of run %s) %s",
			  cnt, tell_plural(cnt), gap->first, gap->last, sub->s->run->id, span);
}

static void check_gaps_of(const struct checks_subject *sub, bool of_stream)
{
	const struct ranges *r = of_stream ? &sub->s->sequences : &sub->s->run->sequences;
	struct stretch_gap gap;
	uint64_t told = 0, more = 0;

	for (size_t i = 0; i <= r->cnt; i++) {
		if (of_stream ? !stretch_stream_gap(&sub->stretch, i, &gap)
			      : !stretch_run_gap(&sub->stretch, i, &gap))
			continue;
		if (told++ < TELL_MAX)
			tell_gap(sub, &gap, of_stream);
		else
			more += gap.last - gap.first + 1;
	}
	if (told > TELL_MAX)
		tell(sub, VERDICT_REASON_INCOMPLETE,
		     "%" PRIu64 " records are missing in %" PRIu64 " more gaps", more,
		     told - TELL_MAX);
}

void check_gaps(const struct checks_subject *sub)
{
	check_gaps_of(sub, true);
	check_gaps_of(sub, false);
	if (sub->s->run->broken)
		tell_node(sub, VERDICT_REASON_INCOMPLETE,
			  "run %s has more gaps than can be counted", sub->s->run->id);
}

/* The run's last records are told by the run that came after it. */
void check_tail(const struct checks_subject *sub)
{
	const struct history_run *run = sub->s->run, *next = history_next_run(run);

	if (!next || !next->has_previous_last || !next->previous_id ||
	    strcmp(next->previous_id, run->id) || !run->sequences.cnt)
		return;
	uint64_t last = run->sequences.v[run->sequences.cnt - 1].last;

	if (next->previous_last > last && sub->stretch.last > last &&
	    stretch_has_time(&sub->stretch, run->last_ns, next->first_ns))
		tell_node(sub, VERDICT_REASON_INCOMPLETE,
			  "the last %" PRIu64 " records of run %s are missing",
			  next->previous_last - last, run->id);
}

/* What comes last may be of any container. Of one that has stopped something is missing still. */
static void tell_torn(const struct checks_subject *sub, const struct history_hole *hole)
{
	_cleanup_free_ char *span = tell_span(hole->before_ns, hole->after_ns);

	tell(sub, sub->s->stopped ? VERDICT_REASON_INCOMPLETE : VERDICT_REASON_UNKNOWN,
	     "the end of the log cannot be read (%s), %s", hole->where, span);
}

static void tell_hole(const struct checks_subject *sub, const struct history_hole *hole)
{
	_cleanup_free_ char *span = tell_span(hole->before_ns, hole->after_ns);

	if (hole->payload_cnt)
		tell_node(sub, VERDICT_REASON_INCOMPLETE, "%" PRIu64 " payload%s not a record, %s",
			  hole->payload_cnt, tell_plural(hole->payload_cnt), span);
	else if (hole->at_tail && !hole->after)
		tell_torn(sub, hole);
	else
		tell_node(sub, VERDICT_REASON_INCOMPLETE, "the log is damaged (%s), %s",
			  hole->where, span);
}

void check_holes(const struct checks_subject *sub)
{
	const struct history *h = sub->h;
	uint64_t cnt = 0;

	for (size_t i = 0; i < h->hole_cnt; i++)
		if (stretch_has_hole(&sub->stretch, &h->holes[i]) && cnt++ < TELL_MAX)
			tell_hole(sub, &h->holes[i]);
	/* Where those lay that were not kept is not known. */
	cnt += h->holes_left_out;
	if (cnt > TELL_MAX)
		tell_node(sub, VERDICT_REASON_INCOMPLETE, "%" PRIu64 " more places cannot be read",
			  cnt - TELL_MAX);
	else if (h->holes_left_out)
		tell_node(sub, VERDICT_REASON_INCOMPLETE, "%" PRIu64 " places cannot be read", cnt);
}
