/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of records as they come, without an end: what comes again, and what is missing. A gap
 * is told a moment after it appears: in Kafka a node's records can lie in two partitions, and come
 * from them in any order.
 */
#ifndef VARVE_RESPONDER_FOLLOW_RUNS_H
#define VARVE_RESPONDER_FOLLOW_RUNS_H

#include "evidence/event.h"
#include "responder/strmap.h"
#include <stdbool.h>
#include <stdint.h>

#define FOLLOW_RUNS_MAX 65536 /* the numbers of others are not looked at, which is counted */
#define FOLLOW_GAPS_MAX 64    /* of a run, open or told */
#define FOLLOW_NAME_MAX 255   /* of a run or node; a longer one counts as one too many */
#define FOLLOW_WAIT_MS	1000

struct follow_gap {
	uint64_t first, last;
	int64_t since_ms;
	bool is_told;
	bool is_before; /* the reading began behind it: may come, and is not missing */
};

struct follow_run {
	struct follow_run *next_run;
	const char *id, *node; /* the maps' */
	uint64_t next;	       /* behind the last record that came */
	int64_t last_ns;
	struct follow_gap *gaps;
	size_t gap_cnt, gap_cap;
};

struct follow_node {
	struct follow_run *last; /* run */
};

struct follow_runs {
	struct strmap ids, nodes;
	struct follow_run *first;
	uint64_t missing_cnt, gap_cnt; /* told; those that came after all are not counted */
	uint64_t again_cnt;
	uint64_t left_out_cnt; /* records of runs that there was no room for */
};

void follow_runs_fini(struct follow_runs *runs);
/* False: it came before, which is not known of what was left out. now_ms: of any clock that does
 * not step. Of what is new starts are told.
 */
bool follow_runs_take(struct follow_runs *runs, const Varve__V1__Event *ev, int64_t now_ms,
		      bool is_new);
/* Tells the gaps that are old enough; all: of any age. */
void follow_runs_tell(struct follow_runs *runs, int64_t now_ms, bool all);

#endif
