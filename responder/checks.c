/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One check per way in which a container's history can lack something, in a table. They are in
 * checks_*.c by subject; what they need of time and numbers is in stretch.c.
 */
#include "responder/checks.h"
#include "evidence/base.h"

typedef void (*check_fn)(const struct checks_subject *sub);

static const check_fn checks[] = {
	check_start,   check_gaps, check_tail,	   check_holes,	      check_losses,
	check_account, check_end,  check_coverage, check_canary, note_suppressions, note_run,
};

void checks_run(const struct checks_subject *sub)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i](sub);
}
