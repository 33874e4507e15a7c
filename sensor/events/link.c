/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_link(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_link *in = (const void *)rec->hdr;
	Varve__V1__Link *out;
	int err = NEW_BODY(arena, ev, LINK, link, out);

	if (err)
		return err;
	SET(out, flags, in->flags);
	if (in->err)
		SET(out, call_errno, in->err);
	err = fill_file(rec, &in->from, arena, &out->old_file);
	return err ? err : fill_file(rec, &in->to, arena, &out->new_file);
}
