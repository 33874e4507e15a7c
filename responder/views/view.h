/* SPDX-License-Identifier: Apache-2.0 */
/* One output format: takes the selected records in order, prints as they come or at the end. */
#ifndef VARVE_RESPONDER_VIEW_H
#define VARVE_RESPONDER_VIEW_H

#include "responder/history.h"
#include <stdio.h>

struct view_type {
	const char *name;
	/* state: NULL if the view needs none. */
	void *(*open)(const struct history *h, FILE *out);
	void (*record)(void *state, FILE *out, const struct history_container *c,
		       const Varve__V1__Event *ev);
	void (*finish)(void *state, FILE *out); /* prints what is left */
	void (*free)(void *state);
	bool verdict_on_stderr; /* the output is for programs */
};

extern const struct view_type view_tree, view_timeline, view_jsonl;

#endif
