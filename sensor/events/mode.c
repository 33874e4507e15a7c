/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_mode(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_mode *in = (const void *)rec->hdr;
	Varve__V1__Mode *out;
	int err = NEW_BODY(arena, ev, MODE, mode, out);

	if (err)
		return err;
	SET(out, mode, in->mode);
	if (in->flags & EV_MODE_HAS_FLAGS)
		SET(out, flags, in->call_flags);
	if (in->err)
		SET(out, call_errno, in->err);
	return fill_file(rec, &in->file, arena, &out->file);
}
