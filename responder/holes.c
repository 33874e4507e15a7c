/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each sort of hole. */
#include "responder/holes.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include "responder/missing.h"
#include "responder/stretch.h"
#include "responder/tell.h"
#include <inttypes.h>
#include <string.h>

#define SILENT_NS (60 * (int64_t)NSEC_PER_SEC) /* six heartbeats of the default */

struct search {
	const struct history *h;
	const struct history_window *time;
	const bool *classes;
	int64_t now_ns;
	struct holes *holes;
};

void holes_add(struct holes *holes, char *text)
{
	if (holes->cnt >= HOLES_TOLD) {
		holes->more_cnt++;
		free(text);
		return;
	}
	holes->v = memory_grow(holes->v, holes->cnt, &holes->cap, sizeof(*holes->v));
	holes->v[holes->cnt++] = text;
}

void holes_fini(struct holes *holes)
{
	for (size_t i = 0; i < holes->cnt; i++)
		free(holes->v[i]);
	free(holes->v);
	*holes = (struct holes){};
}

static void add_missing(const struct missing *m, void *ctx)
{
	const struct search *s = ctx;

	holes_add(s->holes, missing_text(m));
}

static void find_leaves(const struct search *s)
{
	if (s->h->leaf_cnt)
		holes_add(s->holes,
			  memory_printf("%" PRIu64 " records of others, of which the bundle "
					"has the hashes only",
					s->h->leaf_cnt));
	if (s->h->skipped_cnt)
		holes_add(s->holes, memory_printf("%" PRIu64 " records that were not read",
						  s->h->skipped_cnt));
}

/* --- losses, and what policy left out: summed by node, class and cause */

struct sum {
	const struct history_loss *first;
	uint64_t cnt;
	int64_t first_ns, last_ns;
};

static bool is_by_number(const char *reason)
{
	return !strcmp(reason, "rate_limit") || !strcmp(reason, "fair_share");
}

/*
 * A read-open that was left out since the same was recorded before hides nothing, if "before" is in
 * the time that is asked for: of a container that was there earlier it need not be.
 */
static bool is_repeated(const struct search *s, const struct history_loss *loss)
{
	int64_t begin_ns = loss->container ? loss->container->first_ns : loss->run->first_ns;

	return !strcmp(loss->cause, "read_open_repeated") && s->time->since_ns <= begin_ns;
}

static bool matters(const struct search *s, const struct history_loss *loss, bool suppressed)
{
	if (!stretch_touches(s->time, loss->first_ns, loss->last_ns))
		return false;
	if (suppressed && is_repeated(s, loss))
		return false;
	/* missing_each() has these. */
	if (loss->of_records && !loss->container)
		return false;
	return !s->classes || loss->of_records || s->classes[loss->event_class];
}

static struct sum *get_sum(struct strmap *keys, struct sum **sums, size_t *cnt, size_t *cap,
			   const struct history_loss *loss)
{
	_cleanup_free_ char *key =
		memory_printf("%s %d %s", loss->run->node, loss->event_class, loss->cause);
	uintptr_t at = (uintptr_t)strmap_find(keys, key);

	if (at)
		return &(*sums)[at - 1];
	*sums = memory_grow(*sums, *cnt, cap, sizeof(**sums));
	(*sums)[*cnt] = (struct sum){loss, 0, loss->first_ns, loss->last_ns};
	strmap_add(keys, key, (void *)(uintptr_t)++ * cnt);
	return &(*sums)[*cnt - 1];
}

/* An open end stays open. */
static void add_up(struct sum *sum, const struct history_loss *loss)
{
	sum->cnt += loss->count;
	sum->first_ns = MIN(sum->first_ns, loss->first_ns);
	if (loss->last_ns == HISTORY_NEVER || sum->last_ns == HISTORY_NEVER)
		sum->last_ns = HISTORY_NEVER;
	else
		sum->last_ns = MAX(sum->last_ns, loss->last_ns);
}

static void tell_sum(const struct search *s, const struct sum *sum, bool suppressed)
{
	const char *class = s->h->classes[sum->first->event_class];
	_cleanup_free_ char *span = tell_span(sum->first_ns, sum->last_ns);

	holes_add(s->holes,
		  memory_printf("%" PRIu64 " %s events of node %s that %s (%s) %s", sum->cnt,
				class ? class : "other", sum->first->run->node,
				!suppressed			  ? "were lost"
				: is_by_number(sum->first->cause) ? "were left out for their number"
								  : "were left out by policy",
				sum->first->cause, span));
}

static void find_losses(const struct search *s, const struct history_loss *losses, size_t loss_cnt,
			bool suppressed)
{
	struct strmap keys = {};
	struct sum *sums = NULL;
	size_t cnt = 0, cap = 0;

	for (size_t i = 0; i < loss_cnt; i++)
		if (matters(s, &losses[i], suppressed))
			add_up(get_sum(&keys, &sums, &cnt, &cap, &losses[i]), &losses[i]);
	for (size_t i = 0; i < cnt; i++)
		tell_sum(s, &sums[i], suppressed);
	free(sums);
	strmap_fini(&keys);
}

/* --- what the sensor could not see */

static void find_unwatched(const struct search *s, const struct history_run *run)
{
	if (run->takes_over || run->not_watched_since_ns == HISTORY_NEVER ||
	    !stretch_touches(s->time, run->not_watched_since_ns, run->watched_since_ns))
		return;
	_cleanup_free_ char *span = tell_span(run->not_watched_since_ns, run->watched_since_ns);

	holes_add(s->holes, memory_printf("node %s was not watched %s", run->node, span));
}

/* The run before has records; they are not here. */
static void find_before(const struct search *s, const struct history_run *run)
{
	if (!run->previous_id || history_find_run(s->h, run->previous_id) ||
	    s->time->since_ns >= run->first_ns)
		return;
	_cleanup_free_ char *span = tell_span(HISTORY_NEVER, run->first_ns);

	holes_add(s->holes, memory_printf("the sensor's run before on node %s is not here: %s",
					  run->node, span));
}

/* It did not say that it ended, and heartbeats were due. */
static void find_silent(const struct search *s, const struct history_run *run)
{
	int64_t until_ns = MIN(s->time->until_ns, s->now_ns);

	if (run->ended || history_next_run(run) || run->last_ns == HISTORY_NEVER ||
	    run->last_ns > until_ns - SILENT_NS)
		return;
	_cleanup_free_ char *span = tell_span(MAX(run->last_ns, s->time->since_ns), HISTORY_NEVER);

	holes_add(s->holes,
		  memory_printf("nothing is here of node %s %s, and its sensor had not ended",
				run->node, span));
}

static void find_unhooked(const struct search *s, const struct history_run *run)
{
	if (!run->coverage_cnt)
		holes_add(s->holes,
			  memory_printf("what the sensor on node %s could see is not in the "
					"evidence (no COVERAGE of run %s)",
					run->node, run->id));
	for (size_t i = 0; i < run->coverage_cnt; i++) {
		const struct history_coverage *c = &run->coverages[i];
		int64_t until_ns = i + 1 < run->coverage_cnt ? c[1].ns : run->last_ns;

		if (*c->unhooked && stretch_touches(s->time, c->ns, until_ns))
			holes_add(
				s->holes,
				memory_printf("the sensor on node %s did not have these hooks: %s",
					      run->node, c->unhooked));
	}
}

/* The sensor's own doings did not reach it: nor did anybody's. */
static void find_blinds(const struct search *s, const struct history_run *run)
{
	for (size_t i = 0; i < run->blind_cnt; i++) {
		const struct history_window *w = &run->blinds[i];

		if (!stretch_touches(s->time, w->since_ns, w->until_ns))
			continue;
		_cleanup_free_ char *span = tell_span(w->since_ns, w->until_ns);

		holes_add(s->holes,
			  memory_printf("no probe of the sensor on node %s saw its canary %s",
					run->node, span));
	}
}

void holes_find(const struct history *h, const struct history_window *time, const bool *classes,
		int64_t now_ns, struct holes *ret_holes)
{
	const struct search s = {h, time, classes, now_ns, ret_holes};

	missing_each(h, NULL, time, add_missing, (void *)&s);
	find_leaves(&s);
	find_losses(&s, h->losses, h->loss_cnt, false);
	find_losses(&s, h->suppressions, h->suppression_cnt, true);
	for (const struct history_run *run = h->runs; run; run = run->next) {
		find_unwatched(&s, run);
		find_before(&s, run);
		find_silent(&s, run);
		find_blinds(&s, run);
		if (stretch_touches(time, run->first_ns, run->last_ns))
			find_unhooked(&s, run);
	}
}
