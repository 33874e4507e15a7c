/* SPDX-License-Identifier: Apache-2.0 */
/* The head of each strand is held, and the one that comes first is given. */
#include "responder/merge.h"
#include "evidence/base.h"
#include "evidence/peek.h"
#include "responder/memory.h"
#include <string.h>

#define RUN_ID_MAX 64 /* longer ones are no runs of ours */
#define RUNS_MAX   262144

void merge_init(struct merge *m, size_t cnt,
		int (*next)(void *ctx, size_t strand, struct source_item *ret_item), void *ctx)
{
	*m = (struct merge){.cnt = cnt, .next = next, .ctx = ctx};
	m->heads = memory_zalloc(cnt * sizeof(*m->heads));
}

void merge_fini(struct merge *m)
{
	strmap_fini(&m->runs);
	free(m->heads);
	*m = (struct merge){};
}

void merge_rewind(struct merge *m)
{
	memset(m->heads, 0, m->cnt * sizeof(*m->heads));
	m->skipped = 0;
}

static size_t run_index(struct merge *m, const struct peek_text *id)
{
	char key[RUN_ID_MAX + 1];
	size_t index;

	snprintf(key, sizeof(key), "%.*s", (int)MIN(id->len, (size_t)RUN_ID_MAX), id->at);
	index = (uintptr_t)strmap_find(&m->runs, key);
	if (!index && m->runs.cnt < RUNS_MAX) {
		index = m->runs.cnt + 1;
		strmap_add(&m->runs, key, (void *)(uintptr_t)index);
	}
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
	h->run = run_index(m, &p.run_id);
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
	h = choose(m);
	if (!h) {
		*ret_item = (struct source_item){.what = SOURCE_END, .skipped = m->skipped};
		return 0;
	}
	h->is_held = 0;
	*ret_item = h->item;
	*ret_strand = h - m->heads;
	return 0;
}
