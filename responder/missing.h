/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is missing from a node's evidence in some time, whatever container it was of: a container
 * that nobody knows of may be among it.
 */
#ifndef VARVE_RESPONDER_MISSING_H
#define VARVE_RESPONDER_MISSING_H

#include "responder/history.h"

enum missing_what {
	MISSING_FRONT,	/* of a run: the evidence begins later */
	MISSING_GAP,	/* numbers that never came, the end of a run too */
	MISSING_HOLE,	/* cannot be read */
	MISSING_LOSS,	/* declared: log_limit, not_delivered */
	MISSING_BROKEN, /* more gaps than can be kept */
};

struct missing {
	enum missing_what what;
	const char *node;	     /* NULL: not known */
	uint64_t cnt;		     /* records; 0: not known */
	int64_t before_ns, after_ns; /* or HISTORY_NEVER */
	const char *run_id;	     /* FRONT, GAP: these of this run */
	uint64_t first, last;
};

typedef void (*missing_fn)(const struct missing *m, void *ctx);

/* node NULL: all nodes. Given are those that touch the time, in no order. */
void missing_each(const struct history *h, const char *node, const struct history_window *time,
		  missing_fn fn, void *ctx);
/* What cannot be read, and of which not even the node is known: there is no record beside it. */
enum missing_unplaced {
	MISSING_NONE_UNPLACED,
	MISSING_PAYLOADS_UNPLACED, /* that are no records, and anybody may have put there */
	MISSING_ALL_UNPLACED,	   /* a source that cannot be opened, or read at all */
};
enum missing_unplaced missing_find_unplaced(const struct history *h);
/* "3 records of node N that are missing between T1 and T2" */
char *missing_text(const struct missing *m);
/*
 * Warns of each gap in the numbers, and says if there was one. The front is none: what was shipped
 * is removed, and a topic keeps only so much.
 */
bool missing_warn_gaps(const struct history *h);
/* Nothing matches: tells what it may have been among, as errors; false: nothing is missing. */
bool missing_tell_among(const struct history *h);

#endif
