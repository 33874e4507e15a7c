/* SPDX-License-Identifier: Apache-2.0 */
/* The selected records of a history in several views at once: one pass over the source feeds them
 * all. */
#ifndef VARVE_RESPONDER_REPLAY_H
#define VARVE_RESPONDER_REPLAY_H

#include "responder/history.h"
#include <stdio.h>

struct filter;
struct verdict;
struct view_type;

struct replay_view {
	const struct view_type *type;
	FILE *out;
	void *state; /* NULL at first */
};

struct replay_views {
	const struct history *h;
	struct replay_view *v;
	size_t cnt;
	struct filter *filter; /* NULL: all records */
};

/* With the verdict first, where a view is for people. */
void replay_open(struct replay_views *r, const struct verdict *verdict);
/* A history_record_fn; ctx: the views. -EIO: an output cannot be written. */
int replay_record(const struct history_container *container, const Varve__V1__Event *ev, void *ctx);
/* What the views have kept, and the verdict last, amended by how many records came in this pass. A
 * view that does not print the verdict leaves that to the caller. */
void replay_finish(struct replay_views *r, struct verdict *verdict, uint64_t cnt);
void replay_free(struct replay_views *r);

#endif
