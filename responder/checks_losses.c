/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sensor itself says is missing: losses, and the account of the container, which must
 * equal what is held.
 */
#include "responder/checks.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include "responder/tell.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

/* Losses of one class, cause and owner are told as one. */
struct loss_sum {
	uint64_t count;
	int64_t first_ns, last_ns;
	bool untimed;
};

static bool is_same_loss(const struct history_loss *a, const struct history_loss *b)
{
	return a->container == b->container && a->event_class == b->event_class &&
	       !strcmp(a->cause, b->cause);
}

static void add_up(struct loss_sum *sum, const struct history_loss *loss)
{
	sum->count += loss->count;
	if (loss->first_ns == HISTORY_NEVER || loss->last_ns == HISTORY_NEVER) {
		sum->untimed = true;
		return;
	}
	if (sum->first_ns == HISTORY_NEVER || loss->first_ns < sum->first_ns)
		sum->first_ns = loss->first_ns;
	if (sum->last_ns == HISTORY_NEVER || loss->last_ns > sum->last_ns)
		sum->last_ns = loss->last_ns;
}

typedef bool (*loss_match_fn)(const struct stretch *stretch, const struct history_loss *loss);

/* Sums the losses like losses[i] from i on; false if an earlier one was like it, or none matches.
 */
static bool sum_losses(const struct checks_subject *sub, const struct history_loss *losses,
		       size_t cnt, size_t i, loss_match_fn match, struct loss_sum *ret_sum)
{
	struct loss_sum sum = {.first_ns = HISTORY_NEVER, .last_ns = HISTORY_NEVER};

	if (!match(&sub->stretch, &losses[i]))
		return false;
	for (size_t j = 0; j < i; j++)
		if (is_same_loss(&losses[j], &losses[i]) && match(&sub->stretch, &losses[j]))
			return false;
	for (size_t j = i; j < cnt; j++)
		if (is_same_loss(&losses[j], &losses[i]) && match(&sub->stretch, &losses[j]))
			add_up(&sum, &losses[j]);
	*ret_sum = sum;
	return true;
}

void check_losses(const struct checks_subject *sub)
{
	const struct history *h = sub->h;
	struct loss_sum sum;

	for (size_t i = 0; i < h->loss_cnt; i++) {
		const struct history_loss *loss = &h->losses[i];

		if (!sum_losses(sub, h->losses, h->loss_cnt, i, stretch_has_loss, &sum))
			continue;
		_cleanup_free_ char *span = tell_span(sum.first_ns, sum.last_ns);
		const char *what = loss->lost_run_id ? "records" : "events";

		if (loss->container)
			tell(sub, VERDICT_REASON_INCOMPLETE, "%" PRIu64 " %s %s lost (%s) %s",
			     sum.count, h->classes[loss->event_class], what, loss->cause, span);
		else
			tell_node(
				sub, VERDICT_REASON_INCOMPLETE,
				"%" PRIu64
				" %s %s of the node lost (%s), of which container is not known, %s",
				sum.count, h->classes[loss->event_class], what, loss->cause, span);
	}
}

static const char *suppression_text(const char *reason)
{
	if (!strcmp(reason, "read_open_repeated"))
		return "repeated read-opens";
	if (!strcmp(reason, "read_opens_off"))
		return "read-opens (off)";
	if (!strcmp(reason, "kind_off"))
		return "events of kinds that are off";
	if (!strcmp(reason, "rate_limit"))
		return "events beyond the rate limit";
	if (!strcmp(reason, "fair_share"))
		return "events beyond a fair share of a full buffer";
	return reason;
}

/* What was left out for its number, and not for its sort, may have been anything; and that of no
 * container may have been of one that was not known yet. */
static enum verdict_kind suppression_weight(const struct history_loss *s)
{
	bool by_number = !strcmp(s->cause, "rate_limit") || !strcmp(s->cause, "fair_share");

	return by_number ? VERDICT_REASON_INCOMPLETE : VERDICT_REASON_NOTE;
}

void note_suppressions(const struct checks_subject *sub)
{
	const struct history *h = sub->h;
	struct loss_sum sum;

	for (size_t i = 0; i < h->suppression_cnt; i++)
		if (sum_losses(sub, h->suppressions, h->suppression_cnt, i, stretch_has_loss, &sum))
			tell(sub, suppression_weight(&h->suppressions[i]),
			     "suppressed by policy: %" PRIu64 " %s", sum.count,
			     suppression_text(h->suppressions[i].cause));
}

static uint64_t declared_lost(const struct checks_subject *sub, int event_class)
{
	uint64_t cnt = 0;

	for (size_t i = 0; i < sub->h->loss_cnt; i++) {
		const struct history_loss *loss = &sub->h->losses[i];

		if (loss->run == sub->s->run && loss->container == sub->s->container &&
		    loss->event_class == event_class && !loss->lost_run_id)
			cnt += loss->count;
	}
	return cnt;
}

static void check_count(const struct checks_subject *sub, int i)
{
	const struct history_count *count = &sub->s->counts[i];
	const char *name = sub->h->classes[i];
	uint64_t declared = declared_lost(sub, i);

	if (count->recorded != count->held)
		tell(sub, VERDICT_REASON_INCOMPLETE,
		     "the account says %" PRIu64 " %s events recorded, the evidence holds %" PRIu64,
		     count->recorded, name, count->held);
	if (count->recorded + count->lost + count->suppressed != count->generated)
		tell(sub, VERDICT_REASON_INCOMPLETE,
		     "the account of %s events does not add up: %" PRIu64 " recorded + %" PRIu64
		     " lost + %" PRIu64 " suppressed, %" PRIu64 " generated",
		     name, count->recorded, count->lost, count->suppressed, count->generated);
	if (count->lost > declared)
		tell(sub, VERDICT_REASON_INCOMPLETE,
		     "the account says %" PRIu64 " %s events lost, loss records declare %" PRIu64,
		     count->lost, name, declared);
}

/* Counts are of the whole life in this run: they say nothing about a part of it. */
void check_account(const struct checks_subject *sub)
{
	const struct history_stream *s = sub->s;

	if (!s->accounted)
		return;
	if (!stretch_is_whole(&sub->stretch)) {
		tell(sub, VERDICT_REASON_NOTE,
		     "a part of the container's life: judged by sequence gaps and declared losses, "
		     "not by its account");
		return;
	}
	for (int i = 0; i < HISTORY_CLASS_MAX; i++)
		if (s->counts[i].stated || s->counts[i].held)
			check_count(sub, i);
}
