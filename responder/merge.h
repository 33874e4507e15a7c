/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several strands of records, each in order, given as one in order: the directories that were
 * named, the partitions of a topic. Records of one run come by their sequence, wherever they lie:
 * a topic that was given more partitions has a node's later records in another one, while those
 * before may stand behind other nodes'. Between runs and nodes it is the time that decides.
 */
#ifndef VARVE_RESPONDER_MERGE_H
#define VARVE_RESPONDER_MERGE_H

#include "responder/source.h"
#include "responder/strmap.h"

struct merge_head {
	struct source_item item;
	int is_held, is_over;
	size_t run; /* index, see runs; 0: there was no room for it */
	int64_t ns;
	uint64_t sequence;
};

/* A run of the sensor, as far as it was given. */
struct merge_run {
	size_t node; /* index, see nodes */
	size_t home; /* strand of the last record + 1; 0: none was given */
	uint64_t next;
};

struct merge {
	size_t cnt;
	struct merge_head *heads;
	struct merge_run *run; /* the first is none */
	size_t run_cap;
	/* As source_next(), of one strand; a payload stays valid until the next call for it. */
	int (*next)(void *ctx, size_t strand, struct source_item *ret_item);
	void *ctx;
	struct strmap runs, nodes; /* to their index */
	uint64_t skipped;	   /* behind the last records */
};

void merge_init(struct merge *m, size_t cnt,
		int (*next)(void *ctx, size_t strand, struct source_item *ret_item), void *ctx);
void merge_fini(struct merge *m);
/* All strands are at their beginning again. */
void merge_rewind(struct merge *m);
/*
 * As source_next(); *ret_strand: of which. A hash of a bundle has its record's place, behind that
 * of another strand. What else is no record, or cannot be read as one, comes right
 * behind what came before it in its strand.
 */
int merge_next(struct merge *m, struct source_item *ret_item, size_t *ret_strand);

#endif
