/* SPDX-License-Identifier: Apache-2.0 */
/* What matched: for each container and indicator, since when, until when, how often. Bounded. */
#ifndef VARVE_RESPONDER_FOUND_H
#define VARVE_RESPONDER_FOUND_H

#include "responder/history.h"
#include "responder/indicators.h"

#define FOUND_MAX   100000 /* containers times indicators; what is more is counted */
#define FOUND_KINDS 8	   /* kinds of records that are counted one by one */

struct found_kind {
	unsigned int number;
	uint64_t cnt;
};

struct found {
	const struct history_container *container; /* NULL: the host's, or the sensor's own */
	char *node;
	size_t indicator;
	int64_t first_ns, last_ns;
	uint64_t cnt; /* records */
	struct found_kind kinds[FOUND_KINDS];
	uint64_t other_cnt; /* of more kinds */
	/* The first record: its name, and what it says, escaped. */
	char *run_id;
	uint64_t sequence;
	char *what;
};

struct found_list {
	struct found *v;
	size_t cnt, cap;
	struct strmap keys;
	uint64_t left_out_cnt; /* records that matched and are not in the list */
};

void found_fini(struct found_list *list);
void found_add(struct found_list *list, const struct history_container *c, size_t indicator,
	       int64_t ns, const Varve__V1__Event *ev);
/* By pod, container and time; once, at the end. */
void found_sort(struct found_list *list);

#endif
