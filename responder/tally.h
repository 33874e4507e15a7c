/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Things by name, each counted, with its first and last time and the bytes that went. Bounded: at
 * most so many things and TALLY_BYTES of text; of what there is no room for the records are
 * counted. Text is escaped already, by whoever made it.
 */
#ifndef VARVE_RESPONDER_TALLY_H
#define VARVE_RESPONDER_TALLY_H

#include "evidence/event.h"
#include "responder/strmap.h"

#define TALLY_BYTES (8u << 20)
#define TALLY_NOTES 8 /* of one thing */

struct tally_entry {
	struct tally_entry *next; /* in the order in which they came */
	char *text, *notes;	  /* notes: "a, b, ..."; NULL: none */
	unsigned int note_cnt;
	char *by;	/* "4201 sh": the first process that did it; NULL: not known */
	char *by_uid;	/* its process_uid */
	bool by_others; /* as well */
	uint64_t cnt, sent, received;
	int64_t first_ns, last_ns;
	int weight;   /* the heavier comes first */
	bool is_told; /* the caller's */
};

struct tally {
	struct strmap entries;
	struct tally_entry *first, *last;
	size_t cnt, max, bytes;
	uint64_t total;	   /* the sum of all counts */
	uint64_t left_out; /* the same of what there was no room for */
};

void tally_init(struct tally *t, size_t max);
void tally_fini(struct tally *t);
/*
 * Counts it cnt times more (0: it is only touched); key: what makes it the same thing, text: what
 * it is called (NULL: as the key), p: who did it (or NULL). NULL: there is no room for another one.
 */
struct tally_entry *tally_add(struct tally *t, const char *key, const char *text, int64_t ns,
			      uint64_t cnt, const Varve__V1__Process *p);
struct tally_entry *tally_find(const struct tally *t, const char *key);
/* Says more of it: each text once, at most TALLY_NOTES. */
void tally_note(struct tally *t, struct tally_entry *e, const char *text);
/* All by weight, bytes, count, and time; the caller frees. */
const struct tally_entry **tally_sorted(const struct tally *t);

#endif
