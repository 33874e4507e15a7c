/* SPDX-License-Identifier: Apache-2.0 */
/* What the LOSS and SUPPRESSION records of this run declare, for the metrics. */
#ifndef VARVE_TALLY_H
#define VARVE_TALLY_H

#include "sensor/book.h"
#include <stdint.h>

struct tally {
	uint64_t lost[EV_CLASS_CNT][STREAMS_CAUSE_CNT];
	uint64_t suppressed[EV_CLASS_CNT][EV_SUPPRESS_CNT];
	uint64_t log_removed, not_delivered, not_run;
};

#endif
