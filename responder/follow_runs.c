/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/follow_runs.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/memory.h"
#include "responder/tell.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

static void tell_gap(struct follow_runs *runs, const struct follow_run *r, struct follow_gap *gap)
{
	uint64_t cnt = gap->last - gap->first + 1;

	if (gap->is_told)
		return;
	gap->is_told = true;
	runs->gap_cnt++;
	runs->missing_cnt += cnt;
	log_warn("%" PRIu64 " record%s of node %s %s missing (sequence %" PRIu64 " to %" PRIu64
		 " of run %s)",
		 cnt, tell_plural(cnt), r->node, cnt == 1 ? "is" : "are", gap->first, gap->last,
		 r->id);
}

void follow_runs_fini(struct follow_runs *runs)
{
	for (struct follow_run *r = runs->first, *next; r; r = next) {
		next = r->next_run;
		free(r->gaps);
		free(r);
	}
	for (size_t i = 0; i < runs->nodes.size; i++)
		free(runs->nodes.slots[i].value);
	strmap_fini(&runs->nodes);
	strmap_fini(&runs->ids);
	*runs = (struct follow_runs){};
}

void follow_runs_tell(struct follow_runs *runs, int64_t now_ms, bool all)
{
	for (struct follow_run *r = runs->first; r; r = r->next_run)
		for (size_t k = 0; k < r->gap_cnt; k++)
			if (all || now_ms - r->gaps[k].since_ms >= FOLLOW_WAIT_MS)
				tell_gap(runs, r, &r->gaps[k]);
}

static void remove_gap(struct follow_run *r, size_t i)
{
	r->gap_cnt--;
	memmove(&r->gaps[i], &r->gaps[i + 1], (r->gap_cnt - i) * sizeof(r->gaps[0]));
}

/* What came before the reading gives way last: a record of it would be taken as one that came. */
static void make_room(struct follow_runs *runs, struct follow_run *r)
{
	size_t i = 0;

	while (i + 1 < r->gap_cnt && r->gaps[i].is_before)
		i++;
	tell_gap(runs, r, &r->gaps[i]);
	remove_gap(r, i);
}

static void add_gap(struct follow_runs *runs, struct follow_run *r, const struct follow_gap *gap)
{
	if (r->gap_cnt == FOLLOW_GAPS_MAX)
		make_room(runs, r);
	r->gaps = memory_grow(r->gaps, r->gap_cnt, &r->gap_cap, sizeof(*r->gaps));
	r->gaps[r->gap_cnt++] = *gap;
}

static void open_gap(struct follow_runs *runs, struct follow_run *r, uint64_t first, uint64_t last,
		     int64_t now_ms)
{
	add_gap(runs, r, &(struct follow_gap){.first = first, .last = last, .since_ms = now_ms});
}

/* True: it was missing. What is left of the gap stays one, or becomes two. */
static bool fill_gap(struct follow_runs *runs, struct follow_run *r, uint64_t sequence)
{
	for (size_t i = 0; i < r->gap_cnt; i++) {
		struct follow_gap *gap = &r->gaps[i], rest = *gap;

		if (sequence < gap->first || sequence > gap->last)
			continue;
		runs->missing_cnt -= gap->is_told && !gap->is_before;
		gap->last = sequence - 1;
		rest.first = sequence + 1;
		if (sequence == gap->first && sequence == rest.last)
			remove_gap(r, i);
		else if (sequence == gap->first)
			*gap = rest;
		else if (sequence != rest.last)
			add_gap(runs, r, &rest);
		return true;
	}
	return false;
}

static struct follow_run *find(const struct follow_runs *runs, const char *id)
{
	return id ? strmap_find(&runs->ids, id) : NULL;
}

static struct follow_node *get_node(struct follow_runs *runs, const char *name)
{
	struct follow_node *n = strmap_find(&runs->nodes, name);

	if (!n) {
		n = memory_zalloc(sizeof(*n));
		strmap_add(&runs->nodes, name, n);
	}
	return n;
}

static struct follow_run *add_run(struct follow_runs *runs, const Varve__V1__Event *ev)
{
	struct follow_run *r = memory_zalloc(sizeof(*r));

	strmap_add(&runs->ids, ev->run_id, r);
	r->id = strmap_keep(&runs->ids, ev->run_id);
	r->node = strmap_keep(&runs->nodes, ev->node_name);
	r->next = ev->sequence;
	r->next_run = runs->first;
	runs->first = r;
	return r;
}

/* The first record of a run that comes: its beginning, unless the reading began in the middle. */
static struct follow_run *add(struct follow_runs *runs, const Varve__V1__Event *ev, int64_t now_ms)
{
	if (runs->ids.cnt >= FOLLOW_RUNS_MAX || strlen(ev->run_id) > FOLLOW_NAME_MAX ||
	    strlen(ev->node_name) > FOLLOW_NAME_MAX)
		return NULL;
	struct follow_node *node = get_node(runs, ev->node_name);
	bool is_later =
		node->last && ev->has_time_unix_nano && ev->time_unix_nano >= node->last->last_ns;
	struct follow_run *r = add_run(runs, ev);

	if (ev->sequence)
		add_gap(runs, r,
			&(struct follow_gap){.last = ev->sequence - 1,
					     .since_ms = now_ms,
					     .is_told = !is_later,
					     .is_before = !is_later});
	if (is_later || !node->last)
		node->last = r;
	return r;
}

static void tell_start(struct follow_runs *runs, const Varve__V1__Event *ev, int64_t now_ms)
{
	const Varve__V1__RunStart *b = ev->run_start;
	struct follow_run *before = find(runs, b->previous_run_id);
	_cleanup_free_ char *span = NULL;

	if (before && b->has_previous_last_sequence && before->next <= b->previous_last_sequence &&
	    !(b->previous_last_sequence >> 63)) {
		open_gap(runs, before, before->next, b->previous_last_sequence, now_ms);
		before->next = b->previous_last_sequence + 1;
	}
	if (b->has_not_watched_since_unix_nano && b->has_watched_since_unix_nano)
		span = tell_span(b->not_watched_since_unix_nano, b->watched_since_unix_nano);
	log_warn("the sensor of node %s has started (run %s)%s%s", ev->node_name, ev->run_id,
		 span ? "; not watched " : "", span ? span : "");
}

bool follow_runs_take(struct follow_runs *runs, const Varve__V1__Event *ev, int64_t now_ms,
		      bool is_new)
{
	struct follow_run *r = find(runs, ev->run_id);

	if (!r)
		r = add(runs, ev, now_ms);
	if (!r) {
		runs->left_out_cnt++;
		return true;
	}
	if (ev->sequence < r->next && !fill_gap(runs, r, ev->sequence)) {
		runs->again_cnt++;
		return false;
	}
	if (ev->sequence > r->next)
		open_gap(runs, r, r->next, ev->sequence - 1, now_ms);
	r->next = MAX(r->next, ev->sequence + 1);
	if (ev->has_time_unix_nano)
		r->last_ns = MAX(r->last_ns, ev->time_unix_nano);
	if (is_new && ev->body_case == VARVE__V1__EVENT__BODY_RUN_START)
		tell_start(runs, ev, now_ms);
	return true;
}
