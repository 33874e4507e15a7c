/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two sides did, each thing once: what is only one's is the difference. Bounded for each sort
 * of deed, so that a flood of files does not crowd out a program.
 */
#ifndef VARVE_RESPONDER_DEEDS_H
#define VARVE_RESPONDER_DEEDS_H

#include "responder/strmap.h"
#include "responder/usual.h"
#include <stdbool.h>

#define DEEDS_OF_A_SORT	 50000
#define DEEDS_SORT_BYTES (8u << 20)  /* of text */
#define DEEDS_BYTES	 (64u << 20) /* of all sorts; each text is held twice */
#define DEEDS_SORTS	 128
#define DEEDS_TEXT_MAX	 4096 /* bytes; longer ones are cut, and so the same if they begin so */

enum { DEEDS_SIDES = 2 };

struct deed {
	const char *sort; /* "executed"; a literal */
	char *text;	  /* escaped */
	uint64_t cnt[DEEDS_SIDES];
	int64_t first_ns[DEEDS_SIDES];
};

struct deeds_sort {
	const char *name;
	size_t cnt, bytes;
	uint64_t left_out[DEEDS_SIDES]; /* deeds that were not taken: there are too many */
};

struct deeds {
	struct deed *v;
	size_t cnt, cap, bytes;
	struct strmap keys;
	struct deeds_sort sorts[DEEDS_SORTS];
	size_t sort_cnt;
	struct strmap hashed; /* paths of which a SHA-256 is known, to a mask of sides */
	/* Set by deeds_compare(): the first so many of v are compared, the others cannot be. */
	size_t compared_cnt;
};

void deeds_fini(struct deeds *d);
/* Takes in what the record says that its side (0, 1) did; what always differs is replaced. */
void deeds_add(struct deeds *d, unsigned int side, const struct usual *u, int64_t ns,
	       const Varve__V1__Event *ev);
/* Sorts, by sort and first time. A SHA-256 is only a difference if the other side's of that path is
 * known, too: others are put last, behind compared_cnt. */
void deeds_compare(struct deeds *d);

#endif
