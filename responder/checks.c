/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One check per way in which a history can lack something, in a table. What the checks need of time
 * and numbers is in stretch.c.
 */
#include "responder/checks.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include "responder/when.h"
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define GAPS_TOLD 10

__attribute__((format(printf, 3, 4))) static void tell(const struct checks_subject *sub,
						       enum verdict_kind kind, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = memory_strdup("(no memory for the reason)");
	va_end(ap);
	if (sub->name_it) {
		const struct history_container *c = sub->s->container;
		char *longer = memory_printf("container %s: %s", c->name ? c->name : c->id, text);

		free(text);
		text = longer;
	}
	verdict_add(sub->v, kind, text);
}

/* Facts of the node and the run are the same for each container: told without its name, once. */
#define tell_node(sub, ...)                           \
	({                                            \
		struct checks_subject _node = *(sub); \
		_node.name_it = false;                \
		tell(&_node, __VA_ARGS__);            \
	})

static const char *plural(uint64_t cnt)
{
	return cnt == 1 ? "" : "s";
}

/* "between T1 and T2"; an open end is said so. */
static char *span_text(int64_t first_ns, int64_t last_ns)
{
	char first[WHEN_LEN], last[WHEN_LEN];

	if (first_ns == HISTORY_NEVER && last_ns == HISTORY_NEVER)
		return memory_strdup("at an unknown time");
	if (first_ns == HISTORY_NEVER)
		return memory_printf("before %s", when_format(last_ns, last));
	if (last_ns == HISTORY_NEVER)
		return memory_printf("after %s", when_format(first_ns, first));
	return memory_printf("between %s and %s", when_format(first_ns, first),
			     when_format(last_ns, last));
}

/* The beginning. Of a container that an earlier run has seen, the time between is check_end()'s. */
static void check_start(const struct checks_subject *sub)
{
	const struct history_stream *s = sub->s;
	char when[WHEN_LEN];
	bool is_first = s->container->streams == s;
	bool watched = s->run->watched_since_ns != HISTORY_NEVER &&
		       s->run->watched_since_ns <= sub->h->window.since_ns;

	if ((s->started && !s->from_snapshot) || watched || (!is_first && s->from_snapshot))
		return;
	if (s->started)
		tell(sub, VERDICT_REASON_INCOMPLETE,
		     "the container already ran when the sensor started at %s; what it did before "
		     "is not recorded",
		     when_format(s->run->watched_since_ns == HISTORY_NEVER
					 ? s->start_ns
					 : s->run->watched_since_ns,
				 when));
	else
		tell(sub, VERDICT_REASON_INCOMPLETE,
		     "the start of the container is not in the evidence; "
		     "its first record here is of %s",
		     when_format(s->first_ns, when));
}

static void tell_gap(const struct checks_subject *sub, const struct stretch_gap *gap,
		     bool of_stream)
{
	_cleanup_free_ char *span = span_text(gap->before_ns, gap->after_ns);
	uint64_t cnt = gap->last - gap->first + 1;

	if (of_stream)
		tell(sub, VERDICT_REASON_INCOMPLETE,
		     "%" PRIu64 " record%s of the container missing (stream_sequence %" PRIu64
		     " to %" PRIu64 " of run %s) %s",
		     cnt, plural(cnt), gap->first, gap->last, sub->s->run->id, span);
	else
		tell_node(sub, VERDICT_REASON_INCOMPLETE,
			  "%" PRIu64 " record%s of the node missing (sequence %" PRIu64
			  " to %" PRIu64 " of run %s) %s",
			  cnt, plural(cnt), gap->first, gap->last, sub->s->run->id, span);
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
		if (told++ < GAPS_TOLD)
			tell_gap(sub, &gap, of_stream);
		else
			more += gap.last - gap.first + 1;
	}
	if (told > GAPS_TOLD)
		tell(sub, VERDICT_REASON_INCOMPLETE,
		     "%" PRIu64 " records are missing in %" PRIu64 " more gaps", more,
		     told - GAPS_TOLD);
}

static void check_gaps(const struct checks_subject *sub)
{
	check_gaps_of(sub, true);
	check_gaps_of(sub, false);
	if (sub->s->run->broken)
		tell_node(sub, VERDICT_REASON_INCOMPLETE,
			  "run %s has more gaps than can be counted", sub->s->run->id);
}

/* The run's last records are told by the run that came after it. */
static void check_tail(const struct checks_subject *sub)
{
	const struct history_run *run = sub->s->run, *next = history_next_run(sub->h, run);

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

static void tell_hole(const struct checks_subject *sub, const struct history_hole *hole)
{
	_cleanup_free_ char *span = span_text(hole->before_ns, hole->after_ns);

	if (hole->payload_cnt)
		tell_node(sub, VERDICT_REASON_INCOMPLETE, "%" PRIu64 " payload%s not a record, %s",
			  hole->payload_cnt, plural(hole->payload_cnt), span);
	else
		tell_node(sub, VERDICT_REASON_INCOMPLETE, "the log is damaged (%s), %s",
			  hole->where, span);
}

static void check_holes(const struct checks_subject *sub)
{
	const struct history *h = sub->h;
	uint64_t cnt = 0;

	for (size_t i = 0; i < h->hole_cnt; i++)
		if (stretch_has_hole(&sub->stretch, &h->holes[i]) && cnt++ < GAPS_TOLD)
			tell_hole(sub, &h->holes[i]);
	/* Where those lay that were not kept is not known. */
	cnt += h->holes_left_out;
	if (cnt > GAPS_TOLD)
		tell_node(sub, VERDICT_REASON_INCOMPLETE, "%" PRIu64 " more places cannot be read",
			  cnt - GAPS_TOLD);
	else if (h->holes_left_out)
		tell_node(sub, VERDICT_REASON_INCOMPLETE, "%" PRIu64 " places cannot be read", cnt);
}

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

static void check_losses(const struct checks_subject *sub)
{
	const struct history *h = sub->h;
	struct loss_sum sum;

	for (size_t i = 0; i < h->loss_cnt; i++) {
		const struct history_loss *loss = &h->losses[i];

		if (!sum_losses(sub, h->losses, h->loss_cnt, i, stretch_has_loss, &sum))
			continue;
		_cleanup_free_ char *span = span_text(sum.first_ns, sum.last_ns);
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
	return reason;
}

static void note_suppressions(const struct checks_subject *sub)
{
	const struct history *h = sub->h;
	struct loss_sum sum;

	for (size_t i = 0; i < h->suppression_cnt; i++)
		if (sum_losses(sub, h->suppressions, h->suppression_cnt, i, stretch_has_loss, &sum))
			tell(sub, VERDICT_REASON_NOTE, "suppressed by policy: %" PRIu64 " %s",
			     sum.count, suppression_text(h->suppressions[i].cause));
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
static void check_account(const struct checks_subject *sub)
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

static void tell_not_watched(const struct checks_subject *sub, const struct history_run *next)
{
	const struct history_run *run = sub->s->run;
	int64_t since_ns = run->ended ? run->watched_until_ns : run->last_ns;
	int64_t until_ns =
		next->watched_since_ns != HISTORY_NEVER ? next->watched_since_ns : next->first_ns;

	if (next->not_watched_since_ns != HISTORY_NEVER)
		since_ns = MIN(since_ns, next->not_watched_since_ns);
	if (until_ns < sub->h->window.since_ns || since_ns > sub->h->window.until_ns)
		return;
	_cleanup_free_ char *span = span_text(since_ns, until_ns);

	tell(sub, VERDICT_REASON_INCOMPLETE, "not watched %s: the sensor %s%s%s", span,
	     run->ended ? "was stopped" : "died (no RUN_END)",
	     sub->s->next ? "" : "; the container was not seen again",
	     sub->s->stopped ? " (its stop was recorded, its account was not)" : "");
}

static void tell_open_end(const struct checks_subject *sub)
{
	const struct history_stream *s = sub->s;
	char when[WHEN_LEN];

	if (s->run->ended)
		tell(sub, VERDICT_REASON_UNKNOWN,
		     "the container still ran when the sensor ended (%s) at %s: its account is not "
		     "closed",
		     s->run->end_reason ? s->run->end_reason : "no reason given",
		     when_format(s->run->watched_until_ns, when));
	else if (s->stopped)
		tell(sub, VERDICT_REASON_UNKNOWN,
		     "the container stopped, but the evidence ends at %s, before its account",
		     when_format(s->run->last_ns, when));
	else
		tell(sub, VERDICT_REASON_UNKNOWN,
		     "the container's account is not closed: at the last record of the run, %s, it "
		     "still "
		     "ran, or the sensor died (no RUN_END)",
		     when_format(s->run->last_ns, when));
}

static void check_end(const struct checks_subject *sub)
{
	const struct history_stream *s = sub->s;
	const struct history_run *next = history_next_run(sub->h, s->run);

	if (s->closed)
		return;
	if (s->run->settled_ns > sub->h->window.until_ns) {
		tell(sub, VERDICT_REASON_NOTE,
		     "a part of the container's life: judged by sequence gaps and declared losses, "
		     "not by its account");
		return;
	}
	if (next)
		tell_not_watched(sub, next);
	else
		tell_open_end(sub);
}

static void note_run(const struct checks_subject *sub)
{
	const struct history_run *run = sub->s->run;

	for (size_t i = 0; i < run->unhooked_cnt; i++)
		tell_node(sub, VERDICT_REASON_NOTE, "the sensor did not have hook %s",
			  run->unhooked[i]);
	if (!run->started)
		tell_node(sub, VERDICT_REASON_NOTE, "the start of run %s is not in the evidence",
			  run->id);
}

typedef void (*check_fn)(const struct checks_subject *sub);

static const check_fn checks[] = {
	check_start,   check_gaps, check_tail,	      check_holes, check_losses,
	check_account, check_end,  note_suppressions, note_run,
};

void checks_run(const struct checks_subject *sub)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i](sub);
}
