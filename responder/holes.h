/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why "it is not there" cannot be said of all the evidence in a time, whatever pod it is of: gaps,
 * losses, what was not watched. Pure: judges what history_load() learnt.
 */
#ifndef VARVE_RESPONDER_HOLES_H
#define VARVE_RESPONDER_HOLES_H

#include "responder/history.h"

#define HOLES_TOLD 50

/* Zero it. Not escaped: it is for messages, or for JSON. */
struct holes {
	char **v;
	size_t cnt, cap;
	uint64_t more_cnt; /* that are not told one by one */
};

/* classes: the event classes that matter, as history's index; NULL: all. now_ns: up to when there
 * could be evidence. */
void holes_find(const struct history *h, const struct history_window *time, const bool *classes,
		int64_t now_ns, struct holes *ret_holes);
/* Takes the text over. */
void holes_add(struct holes *holes, char *text);
void holes_fini(struct holes *holes);

#endif
