/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A topic may be filled from several logs in any order, so the order in which runs appear says
 * nothing. What has the same time stays in the order in which it appeared.
 */
#include "responder/order.h"
#include "evidence/base.h"
#include "responder/history.h"
#include "responder/memory.h"
#include <string.h>

struct entry {
	int64_t ns;
	size_t index;
	void *item;
};

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

struct entries {
	struct entry *v;
	size_t cnt, cap;
};

static void add(struct entries *e, void *item, int64_t ns)
{
	e->v = memory_grow(e->v, e->cnt, &e->cap, sizeof(*e->v));
	e->v[e->cnt] = (struct entry){.ns = ns, .index = e->cnt, .item = item};
	e->cnt++;
}

static void sort(struct entries *e)
{
	if (e->cnt)
		qsort(e->v, e->cnt, sizeof(*e->v), compare);
}

static void order_runs(struct history *h)
{
	struct entries e = {};

	for (struct history_run *r = h->runs; r; r = r->next)
		add(&e, r, r->first_ns);
	sort(&e);
	h->runs = h->last_run = NULL;
	for (size_t i = 0; i < e.cnt; i++) {
		struct history_run *r = e.v[i].item;

		r->next = NULL;
		if (h->last_run)
			h->last_run->next = r;
		else
			h->runs = r;
		h->last_run = r;
	}
	free(e.v);
}

static void order_streams(struct history_container *c)
{
	struct entries e = {};

	for (struct history_stream *s = c->streams; s; s = s->next)
		add(&e, s, s->run->first_ns);
	sort(&e);
	c->streams = c->last_stream = NULL;
	for (size_t i = 0; i < e.cnt; i++) {
		struct history_stream *s = e.v[i].item;

		s->next = NULL;
		if (c->last_stream)
			c->last_stream->next = s;
		else
			c->streams = s;
		c->last_stream = s;
	}
	free(e.v);
}

/* By time; but a run that names the one before it knows better. */
static void link_runs(struct history *h)
{
	struct strmap nodes = {}; /* a slot with each node's last run */

	for (struct history_run *r = h->runs; r; r = r->next) {
		struct history_run *previous =
			r->previous_id ? history_find_run(h, r->previous_id) : NULL;
		struct history_run **last = strmap_find(&nodes, r->node);

		if (previous && previous != r && !previous->successor &&
		    !strcmp(previous->node, r->node))
			previous->successor = r;
		if (last) {
			r->earlier = *last;
			(*last)->later = r;
		} else {
			last = memory_zalloc(sizeof(struct history_run *));
			strmap_add(&nodes, r->node, last);
		}
		*last = r;
	}
	for (size_t i = 0; i < nodes.size; i++)
		if (nodes.slots[i].key)
			free(nodes.slots[i].value);
	strmap_fini(&nodes);
}

static int compare_coverages(const void *a, const void *b)
{
	const struct history_coverage *x = a, *y = b;

	return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

/* By number, which no clock changes; what says the same as the one before it is left out. */
static void order_coverages(struct history_run *run)
{
	struct history_coverage *v = run->coverages;
	size_t kept = 0;

	if (run->coverage_cnt)
		qsort(v, run->coverage_cnt, sizeof(*v), compare_coverages);
	for (size_t i = 0; i < run->coverage_cnt; i++) {
		if (kept && !strcmp(v[kept - 1].unhooked, v[i].unhooked))
			free(v[i].unhooked);
		else
			v[kept++] = v[i];
	}
	run->coverage_cnt = kept;
}

/* Before the first heartbeat, or before one that is not known. */
static void fill_blinds(struct history_run *run)
{
	for (size_t i = 0; i < run->blind_cnt; i++)
		if (run->blinds[i].since_ns == HISTORY_NEVER)
			run->blinds[i].since_ns = MIN(run->first_ns, run->blinds[i].until_ns);
}

void order_by_time(struct history *h)
{
	for (struct history_run *run = h->runs; run; run = run->next) {
		order_coverages(run);
		fill_blinds(run);
	}
	order_runs(h);
	link_runs(h);
	for (struct history_container *c = h->containers; c; c = c->next)
		if (c->streams != c->last_stream)
			order_streams(c);
}
