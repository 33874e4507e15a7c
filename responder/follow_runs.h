/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of records as they come, without an end: what comes again, and what is missing. A gap
 * is told a moment after it appears: in Kafka a node's records can lie in two partitions, and come
 * from them in any order.
 */
#ifndef VARVE_RESPONDER_FOLLOW_RUNS_H
#define VARVE_RESPONDER_FOLLOW_RUNS_H

#include "evidence/event.h"
#include <stdbool.h>
#include <stdint.h>

#define FOLLOW_RUNS_MAX 256 /* the one of which nothing came for the longest time gives way */
#define FOLLOW_GAPS_MAX 64  /* of a run, open or told */
#define FOLLOW_WAIT_MS	1000

struct follow_gap {
	uint64_t first, last;
	int64_t since_ms;
	bool is_told;
};

struct follow_run {
	char *id, *node;
	uint64_t next; /* behind the last record that came */
	int64_t last_ns;
	uint64_t used;
	struct follow_gap gaps[FOLLOW_GAPS_MAX];
	size_t gap_cnt;
};

struct follow_runs {
	struct follow_run *v[FOLLOW_RUNS_MAX];
	size_t cnt;
	uint64_t clock;
	uint64_t missing_cnt, gap_cnt,
		again_cnt; /* told; those that came after all are not counted */
};

void follow_runs_fini(struct follow_runs *runs);
/* False: it came before. now_ms: of any clock that does not step. Of what is new starts are told.
 */
bool follow_runs_take(struct follow_runs *runs, const Varve__V1__Event *ev, int64_t now_ms,
		      bool is_new);
/* Tells the gaps that are old enough; all: of any age. */
void follow_runs_tell(struct follow_runs *runs, int64_t now_ms, bool all);

#endif
