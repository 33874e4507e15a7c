/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_fork(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_fork *in = (const void *)rec->hdr;
	Varve__V1__Fork *out;
	int err = NEW_BODY(arena, ev, FORK, fork, out);

	if (err)
		return err;
	SET(out, parent_tid, in->parent_tid);
	return 0;
}
