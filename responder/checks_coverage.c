/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What could the sensor see? A hook that did not attach shows nothing and loses nothing: only its
 * Coverage records tell.
 */
#include "responder/checks.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include "responder/tell.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

#define WATCHERS_TOLD 5

/* In force at the beginning of the stretch: the last one before it, or else the first one within.
 */
static size_t first_in_force(const struct history_run *run, int64_t since_ns)
{
	size_t i = 0;

	while (i + 1 < run->coverage_cnt && run->coverages[i + 1].ns <= since_ns)
		i++;
	return i;
}

void check_coverage(const struct checks_subject *sub)
{
	const struct history_run *run = sub->s->run;
	const struct stretch *st = &sub->stretch;

	if (!run->coverage_cnt || run->coverages[0].ns > st->until_ns) {
		tell_node(
			sub, VERDICT_REASON_UNKNOWN,
			"what the sensor could see is not in the evidence (no COVERAGE of run %s)",
			run->id);
		return;
	}
	for (size_t i = first_in_force(run, st->since_ns);
	     i < run->coverage_cnt && run->coverages[i].ns <= st->until_ns; i++)
		if (*run->coverages[i].unhooked)
			tell_node(sub, VERDICT_REASON_UNKNOWN,
				  "the sensor did not have these hooks, and what they would have "
				  "shown is not known: %s",
				  run->coverages[i].unhooked);
}

/* What a probe would have seen was not seen: others of them may not run either. */
void check_canary(const struct checks_subject *sub)
{
	const struct history_run *run = sub->s->run;
	char since[WHEN_LEN], until[WHEN_LEN];

	for (size_t i = 0; i < run->blind_cnt; i++) {
		const struct history_window *blind = &run->blinds[i];

		if (stretch_has_time(&sub->stretch, blind->since_ns, blind->until_ns))
			tell_node(sub, VERDICT_REASON_UNKNOWN,
				  "between %s and %s no probe saw what the sensor did itself: programs "
				  "may not have run",
				  when_format(blind->since_ns, since),
				  when_format(blind->until_ns, until));
	}
}

void note_run(const struct checks_subject *sub)
{
	const struct history_run *run = sub->s->run;

	if (!run->started)
		tell_node(sub, VERDICT_REASON_NOTE, "the start of run %s is not in the evidence",
			  run->id);
}

/* A container that is not there in the window was watched at other times. */
static bool has_container(const struct history *h, const struct history_run *run)
{
	for (const struct history_container *c = h->containers; c; c = c->next)
		for (const struct history_stream *s = c->streams; c->selected && s; s = s->next)
			if (s->run == run && stretch_is_there(h, c))
				return true;
	return false;
}

void note_watchers(const struct history *h, struct verdict *v)
{
	size_t told = 0, more = 0;

	for (const struct history_run *run = h->runs; run; run = run->next) {
		if (!run->sensor_version || !has_container(h, run))
			continue;
		if (told == WATCHERS_TOLD) {
			more++;
			continue;
		}
		told++;
		verdict_add(v, VERDICT_REASON_NOTE,
			    memory_printf("watched on %s by varve-sensor %s, Linux %s (run %s)",
					  run->node, run->sensor_version,
					  run->kernel_release ? run->kernel_release : "?",
					  run->id));
	}
	if (more)
		verdict_add(v, VERDICT_REASON_NOTE,
			    memory_printf("and watched in %zu more runs of the sensor", more));
}
