/* SPDX-License-Identifier: Apache-2.0 */
/* One output format: takes the selected records in order, prints as they come or at the end. */
#ifndef VARVE_RESPONDER_VIEW_H
#define VARVE_RESPONDER_VIEW_H

#include "responder/history.h"
#include <stdio.h>

struct verdict;

/* Where the verdict is printed. */
enum view_verdict {
	VIEW_VERDICT_AROUND, /* first and last: the output is for people */
	VIEW_VERDICT_STDERR, /* the output is for programs */
	VIEW_VERDICT_INSIDE, /* the view does it */
};

struct view_type {
	const char *name;
	/* state: NULL if the view needs none. The verdict is of what is selected, as history_load()
	 * has it; it outlives the state, and is the final one when finish() is called. */
	void *(*open)(const struct history *h, const struct verdict *verdict, FILE *out);
	void (*record)(void *state, FILE *out, const struct history_container *c,
		       const Varve__V1__Event *ev);
	void (*finish)(void *state, FILE *out); /* prints what is left */
	void (*free)(void *state);
	enum view_verdict verdict;
};

/* All of them, each view_NAME in NAME.c; the first is the default. */
#define VIEWS(V)    \
	V(tree)     \
	V(timeline) \
	V(summary)  \
	V(html)     \
	V(dot)      \
	V(jsonl)    \
	V(csv)      \
	V(ocsf)     \
	V(ecs)      \
	V(sysmon)   \
	V(timesketch)
#define VIEW_DECLARE(name) extern const struct view_type view_##name;
VIEWS(VIEW_DECLARE)
#undef VIEW_DECLARE

#define VIEW_ADDRESS(name) &view_##name,
#define VIEW_NAME(name)	   "|" #name
#define VIEW_NAMES	   (&(VIEWS(VIEW_NAME))[1]) /* "tree|timeline|..." */

/* NULL: there is none. */
const struct view_type *view_find(const char *name);

#endif
