/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at runs, holes and losses of the node; nothing here knows of containers. */
#include "responder/missing.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/memory.h"
#include "responder/stretch.h"
#include "responder/tell.h"
#include <inttypes.h>
#include <string.h>

struct search {
	const struct history *h;
	const char *node;
	const struct history_window *time;
	missing_fn fn;
	void *ctx;
};

static void give(const struct search *s, const struct missing *m)
{
	if (stretch_touches(s->time, m->before_ns, m->after_ns))
		s->fn(m, s->ctx);
}

static bool is_of_node(const struct search *s, const struct history_run *run)
{
	return run && (!s->node || !strcmp(run->node, s->node));
}

static void search_gaps(const struct search *s, const struct history_run *run)
{
	struct stretch_gap gap;

	for (size_t i = 0; i < run->sequences.cnt; i++) {
		if (!stretch_gap_before(&run->sequences, 0, i, &gap))
			continue;
		/* What is missing at the front came behind the run before. */
		if (!i && run->earlier)
			gap.before_ns = run->earlier->last_ns;
		give(s, &(struct missing){
				.what = i ? MISSING_GAP : MISSING_FRONT,
				.node = run->node,
				.cnt = gap.last - gap.first + 1,
				.before_ns = gap.before_ns,
				.after_ns = gap.after_ns,
				.run_id = run->id,
				.first = gap.first,
				.last = gap.last,
			});
	}
}

/* The run's last records are told by the run that came after it. */
static void search_tail(const struct search *s, const struct history_run *run)
{
	const struct history_run *next = run->successor;
	uint64_t last = run->sequences.cnt ? run->sequences.v[run->sequences.cnt - 1].last : 0;

	if (!next || !next->has_previous_last || next->previous_last <= last)
		return;
	give(s, &(struct missing){
			.what = MISSING_GAP,
			.node = run->node,
			.cnt = next->previous_last - last,
			.before_ns = run->last_ns,
			.after_ns = next->first_ns,
			.run_id = run->id,
			.first = last + 1,
			.last = next->previous_last,
		});
}

static void search_runs(const struct search *s)
{
	for (const struct history_run *run = s->h->runs; run; run = run->next) {
		if (!is_of_node(s, run))
			continue;
		search_gaps(s, run);
		search_tail(s, run);
		if (run->broken)
			give(s, &(struct missing){.what = MISSING_BROKEN,
						  .node = run->node,
						  .before_ns = HISTORY_NEVER,
						  .after_ns = HISTORY_NEVER});
	}
}

/* What lay there is held all the same: another copy of it could be read. */
static bool is_filled(const struct history_hole *hole)
{
	const struct ranges *held = hole->before ? &hole->before->sequences : NULL;
	uint64_t next = hole->before_sequence + 1;

	if (!held || (hole->after && hole->after != hole->before))
		return false;
	if (!hole->after)
		return hole->at_tail && ranges_has(held, next);
	return hole->after_sequence > next && ranges_has_all(held, next, hole->after_sequence - 1);
}

enum missing_unplaced missing_find_unplaced(const struct history *h)
{
	enum missing_unplaced found = MISSING_NONE_UNPLACED;

	for (size_t i = 0; i < h->hole_cnt; i++)
		if (!h->holes[i].before && !h->holes[i].after)
			found = MAX(found, h->holes[i].payload_cnt ? MISSING_PAYLOADS_UNPLACED
								   : MISSING_ALL_UNPLACED);
	return found;
}

static void search_holes(const struct search *s)
{
	const struct history *h = s->h;

	for (size_t i = 0; i < h->hole_cnt; i++) {
		const struct history_hole *hole = &h->holes[i];

		if ((!is_of_node(s, hole->before) && !is_of_node(s, hole->after)) ||
		    is_filled(hole))
			continue;
		give(s, &(struct missing){
				.what = MISSING_HOLE,
				.node = hole->before ? hole->before->node : hole->after->node,
				.cnt = hole->payload_cnt,
				.before_ns = hole->before_ns,
				.after_ns = hole->after_ns,
			});
	}
	/* Where those lay that were not kept is not known. */
	if (h->holes_left_out || (!s->node && missing_find_unplaced(h)))
		give(s, &(struct missing){.what = MISSING_HOLE,
					  .node = s->node,
					  .before_ns = HISTORY_NEVER,
					  .after_ns = HISTORY_NEVER});
}

/* They may be here all the same: Kafka lacks them, this log does not. */
static bool is_held(const struct history *h, const struct history_loss *loss)
{
	const struct history_run *run =
		loss->lost_run_id ? history_find_run(h, loss->lost_run_id) : NULL;

	return run && ranges_has_all(&run->sequences, loss->first_sequence, loss->last_sequence);
}

static void search_losses(const struct search *s)
{
	const struct history *h = s->h;

	for (size_t i = 0; i < h->loss_cnt; i++) {
		const struct history_loss *loss = &h->losses[i];

		if (!loss->of_records || loss->container || !is_of_node(s, loss->run) ||
		    is_held(h, loss))
			continue;
		give(s, &(struct missing){
				.what = MISSING_LOSS,
				.node = loss->run->node,
				.cnt = loss->count,
				.before_ns = loss->first_ns,
				.after_ns = loss->last_ns,
			});
	}
}

void missing_each(const struct history *h, const char *node, const struct history_window *time,
		  missing_fn fn, void *ctx)
{
	const struct search s = {.h = h, .node = node, .time = time, .fn = fn, .ctx = ctx};

	search_runs(&s);
	search_holes(&s);
	search_losses(&s);
}

char *missing_text(const struct missing *m)
{
	_cleanup_free_ char *span = tell_span(m->before_ns, m->after_ns);

	if (m->what == MISSING_BROKEN)
		return memory_printf("more gaps of node %s than can be counted", m->node);
	if (!m->node)
		return memory_strdup("what cannot be read, of a node and time that are not known");
	if (!m->cnt)
		return memory_printf("what cannot be read of node %s, %s", m->node, span);
	return memory_printf("%" PRIu64 " record%s of node %s that %s %s", m->cnt,
			     tell_plural(m->cnt), m->node,
			     m->what == MISSING_HOLE   ? "cannot be decoded,"
			     : m->what == MISSING_LOSS ? "were declared lost,"
			     : m->cnt == 1	       ? "is missing"
						       : "are missing",
			     span);
}

static void warn_gap(const struct missing *m, void *ctx)
{
	size_t *told = ctx;

	if (m->what != MISSING_GAP && m->what != MISSING_BROKEN)
		return;
	_cleanup_free_ char *text = missing_text(m);

	if ((*told)++ >= 20)
		return;
	if (m->what == MISSING_GAP)
		log_warn("%s (sequence %" PRIu64 " to %" PRIu64 " of run %s)", text, m->first,
			 m->last, m->run_id);
	else
		log_warn("%s", text);
}

bool missing_warn_gaps(const struct history *h)
{
	const struct history_window always = {INT64_MIN, INT64_MAX};
	size_t told = 0;

	missing_each(h, NULL, &always, warn_gap, &told);
	if (told > 20)
		log_warn("%zu more gaps", told - 20);
	return told;
}

static void tell_among(const struct missing *m, void *ctx)
{
	size_t *told = ctx;
	_cleanup_free_ char *text = missing_text(m);

	if ((*told)++ < TELL_MAX)
		diag(DIAG_ERROR, "it may have been among %s", text);
}

bool missing_tell_among(const struct history *h)
{
	size_t told = 0;

	missing_each(h, NULL, &h->window, tell_among, &told);
	if (told > TELL_MAX)
		diag(DIAG_ERROR, "it may have been among what is missing in %zu more places",
		     told - TELL_MAX);
	return told;
}
