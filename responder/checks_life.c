/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two ends of a container's life: was it watched from its start, and is its account closed? Of
 * the time between two runs of the sensor, too.
 */
#include "responder/checks.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include "responder/tell.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

/* The beginning. Of a container that an earlier run has seen, the time between is check_end()'s. */
void check_start(const struct checks_subject *sub)
{
	const struct history_stream *s = sub->s;
	char when[WHEN_LEN];
	bool is_first = s->container->streams == s;
	bool watched = s->run->watched_since_ns != HISTORY_NEVER &&
		       s->run->watched_since_ns <= sub->h->window.since_ns;

	if (history_start_seen(s) || watched || (!is_first && s->from_snapshot))
		return;
	if (s->started && !s->from_snapshot)
		tell(sub, VERDICT_REASON_INCOMPLETE,
		     "the container started while the sensor was attaching its hooks, which ended "
		     "at %s; what it did before may not be recorded",
		     when_format(s->run->watched_since_ns, when));
	else if (s->started)
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
	_cleanup_free_ char *span = tell_span(since_ns, until_ns);

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

void check_end(const struct checks_subject *sub)
{
	const struct history_stream *s = sub->s;
	const struct history_run *next = history_next_run(s->run);

	if (s->closed)
		return;
	if (s->run->settled_ns > sub->h->window.until_ns) {
		tell(sub, VERDICT_REASON_NOTE,
		     "a part of the container's life: judged by sequence gaps and declared losses, "
		     "not by its account");
		return;
	}
	/* What it did goes on in the next run's books. */
	if (next && next->takes_over && s->next && s->next->run == next)
		return;
	if (next)
		tell_not_watched(sub, next);
	else
		tell_open_end(sub);
}
