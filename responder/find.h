/* SPDX-License-Identifier: Apache-2.0 */
/* What varve find came to, and how it is shown. */
#ifndef VARVE_RESPONDER_FIND_H
#define VARVE_RESPONDER_FIND_H

#include "responder/found.h"
#include "responder/holes.h"
#include "responder/options.h"

struct find {
	const struct options *opts;
	struct indicators *in;
	struct history *h;
	struct found_list list;
	struct holes holes;
	bool *hit;						  /* by indicator */
	uint64_t record_cnt, unknown_cnt, hash_cnt, unhashed_cnt, cut_cnt; /* in the time asked for */
};

/* For people: pods, containers, and beneath what matched; then what was not found, and why that is
 * no answer, if it is none. */
void find_print(const struct find *f, FILE *out);
/* A line for each container and indicator, and a last one: {"summary": true, ...}. */
void find_print_json(const struct find *f, FILE *out);

#endif
