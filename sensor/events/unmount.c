/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_unmount(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_unmount *in = (const void *)rec->hdr;
	Varve__V1__Unmount *out;
	int err = NEW_BODY(arena, ev, UNMOUNT, unmount, out);

	if (err)
		return err;
	SET(out, flags, in->call_flags);
	if (in->err)
		SET(out, call_errno, in->err);
	return fill_file(rec, &in->target, arena, &out->target);
}
