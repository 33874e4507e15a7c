/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the history of the selected containers whole? Pure: judges what history_load() learnt, reads
 * nothing.
 *
 * COMPLETE is said only when nothing speaks against it: the start was seen, numbers have no gaps,
 * nothing was declared lost, no place could not be read, the account is closed and equals what is
 * held, and all hooks were there. Of a pod, also: nothing is missing in which a container of it
 * could be that nobody knows of.
 */
#ifndef VARVE_RESPONDER_VERDICT_H
#define VARVE_RESPONDER_VERDICT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct history;

enum verdict_result {
	VERDICT_COMPLETE,
	VERDICT_UNKNOWN,
	VERDICT_INCOMPLETE
}; /* the worst is last */

enum verdict_kind { VERDICT_REASON_NOTE, VERDICT_REASON_UNKNOWN, VERDICT_REASON_INCOMPLETE };

struct verdict_reason {
	enum verdict_kind kind;
	char *text;
};

/* What the check of the seals says, for the runs that the containers are in. The worst is last. */
enum verdict_seals {
	VERDICT_SEALS_NOT_ASKED,
	VERDICT_SEALS_AUTHENTIC,
	VERDICT_SEALS_OPEN,
	VERDICT_SEALS_UNAUTHENTICATED,
	VERDICT_SEALS_BROKEN,
};

struct verdict {
	enum verdict_result result;
	enum verdict_seals seals;
	char *seals_text;		/* why; NULL: not asked */
	struct verdict_reason *reasons; /* each once, in the order found */
	size_t reason_cnt, reason_cap;
	size_t container_cnt; /* judged: selected, and there in the window */
	uint64_t record_cnt;  /* of these, in the window */
};

void verdict_make(const struct history *h, struct verdict *ret_verdict);
/* Adds a reason, if it is not there yet; takes the text over. */
void verdict_add(struct verdict *v, enum verdict_kind kind, char *text);
/* The second pass gave this many records: says so if that is not what the first one saw. */
void verdict_check_streamed(struct verdict *v, uint64_t streamed_cnt);
void verdict_fini(struct verdict *v);
/* "AUTHENTIC", "BROKEN" ... */
const char *verdict_seals_word(enum verdict_seals seals);
/* "COMPLETE", "INCOMPLETE", "UNKNOWN", or "NOT_RUNNING" in this time. */
const char *verdict_word(const struct verdict *v);
/*
 * The verdict's lines, escaped; each begins with COMPLETE:, INCOMPLETE:, UNKNOWN: or note:, and, if
 * the seals were checked, AUTHENTIC:, OPEN:, UNAUTHENTICATED: or BROKEN:.
 */
void verdict_print(const struct verdict *v, FILE *out);
/* 0, 3 or 4: the worse of completeness and seals. */
int verdict_exit_status(const struct verdict *v);

#endif
