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
