/* SPDX-License-Identifier: Apache-2.0 */
/* The head of each strand is held, and the one that comes first is given. */
#include "responder/merge.h"
#include "evidence/base.h"
#include "evidence/peek.h"
#include "responder/memory.h"
#include <string.h>

#define ID_MAX	 255 /* of a run or node; longer ones are none of ours */
#define RUNS_MAX 262144

void merge_init(struct merge *m, size_t cnt,
		int (*next)(void *ctx, size_t strand, struct source_item *ret_item), void *ctx)
{
	*m = (struct merge){.cnt = cnt, .next = next, .ctx = ctx};
	m->heads = memory_zalloc(cnt * sizeof(*m->heads));
	m->run = memory_grow(NULL, 0, &m->run_cap, sizeof(*m->run));
	m->run[0] = (struct merge_run){};
}

void merge_fini(struct merge *m)
{
	strmap_fini(&m->runs);
	strmap_fini(&m->nodes);
	free(m->run);
	free(m->heads);
	*m = (struct merge){};
}

void merge_rewind(struct merge *m)
{
	memset(m->heads, 0, m->cnt * sizeof(*m->heads));
	for (size_t i = 0; i <= m->runs.cnt; i++)
		m->run[i].home = m->run[i].next = 0;
	m->skipped = 0;
}

/* 0: there was no room for it; *ret_is_new: it was not there. */
static size_t index_of(struct strmap *map, const struct peek_text *id, bool *ret_is_new)
{
	char key[ID_MAX + 1];
	size_t index;

	snprintf(key, sizeof(key), "%.*s", (int)MIN(id->len, (size_t)ID_MAX), id->at);
	index = (uintptr_t)strmap_find(map, key);
	*ret_is_new = !index && map->cnt < RUNS_MAX;
	if (*ret_is_new) {
		index = map->cnt + 1;
		strmap_add(map, key, (void *)(uintptr_t)index);
	}
	return index;
}

static size_t run_index(struct merge *m, const struct peek *p)
{
	bool is_new, is_new_node;
	size_t index = index_of(&m->runs, &p->run_id, &is_new);

	if (!is_new)
		return index;
	m->run = memory_grow(m->run, index, &m->run_cap, sizeof(*m->run));
	m->run[index] = (struct merge_run){};
	if (p->node_name.at)
		m->run[index].node = index_of(&m->nodes, &p->node_name, &is_new_node);
	return index;
}

/* A hash stands for the next record of the run before it. */
static bool take_key(struct merge *m, struct merge_head *h)
{
	struct peek p;

	if (h->item.what == SOURCE_LEAF && h->run) {
		h->sequence++;
		return true;
	}
	if (h->item.what != SOURCE_RECORD || !event_peek(h->item.payload, h->item.len, &p))
		return false;
	h->run = run_index(m, &p);
	h->sequence = p.sequence;
	/* One that has no time is of the time of the one before it. */
	if (p.has_time)
		h->ns = p.time_unix_nano;
	return true;
}

/* Of one run; what is whole comes before its hash. */
static bool is_before(const struct merge_head *a, const struct merge_head *b)
{
	if (a->sequence != b->sequence)
		return a->sequence < b->sequence;
	return a->item.what == SOURCE_RECORD && b->item.what == SOURCE_LEAF;
}

/* By time; then, of that one's run, the one with the lowest number: clocks are set, numbers not. */
static struct merge_head *choose(struct merge *m)
{
	struct merge_head *first = NULL, *best;

	for (size_t i = 0; i < m->cnt; i++)
		if (m->heads[i].is_held && (!first || m->heads[i].ns < first->ns))
			first = &m->heads[i];
	best = first;
	for (size_t i = 0; best && best->run && i < m->cnt; i++)
		if (m->heads[i].is_held && m->heads[i].run == first->run &&
		    is_before(&m->heads[i], best))
			best = &m->heads[i];
	return best;
}

/*
 * Some of its run is missing before it. The strand that had the last ones may have those behind
 * records of other nodes; not behind a later run's of the same node. NULL: it has not.
 */
static struct merge_head *find_home(struct merge *m, const struct merge_head *h)
{
	const struct merge_run *run = &m->run[h->run];
	struct merge_head *home = run->home ? &m->heads[run->home - 1] : NULL;

	if (!home || h->sequence <= run->next || home == h || !home->is_held ||
	    m->run[home->run].node == run->node)
		return NULL;
	return home;
}

static struct merge_head *choose_in_order(struct merge *m)
{
	struct merge_head *h = choose(m), *home;

	/* There may be no end to it: each waits for another. */
	for (size_t i = 0; h && i < m->cnt && (home = find_home(m, h)); i++)
		h = home;
	return h;
}

static void give(struct merge *m, struct merge_head *h)
{
	struct merge_run *run = &m->run[h->run];

	h->is_held = 0;
	if (!h->run || h->sequence < run->next)
		return;
	run->home = h - m->heads + 1;
	run->next = h->sequence + 1;
}

/* 1: the strand's next item is no record, and goes out at once. */
static int fill(struct merge *m, struct merge_head *h)
{
	int err = m->next(m->ctx, h - m->heads, &h->item);

	if (err)
		return err;
	if (h->item.what == SOURCE_END) {
		h->is_over = 1;
		m->skipped += h->item.skipped;
		return 0;
	}
	h->is_held = m->cnt == 1 || take_key(m, h);
	return !h->is_held;
}

int merge_next(struct merge *m, struct source_item *ret_item, size_t *ret_strand)
{
	struct merge_head *h;

	for (size_t i = 0; i < m->cnt; i++) {
		int got = m->heads[i].is_held || m->heads[i].is_over ? 0 : fill(m, &m->heads[i]);

		if (got < 0)
			return got;
		if (got) {
			*ret_item = m->heads[i].item;
			*ret_strand = i;
			return 0;
		}
	}
	h = choose_in_order(m);
	if (!h) {
		*ret_item = (struct source_item){.what = SOURCE_END, .skipped = m->skipped};
		return 0;
	}
	give(m, h);
	*ret_item = h->item;
	*ret_strand = h - m->heads;
	return 0;
}
