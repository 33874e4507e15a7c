/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_open(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_open *in = (const void *)rec->hdr;
	Varve__V1__Open *out;
	int err = NEW_BODY(arena, ev, OPEN, open, out);

	if (err)
		return err;
	if (in->flags & EV_OPEN_HAS_FD)
		SET(out, fd, in->fd);
	if (in->flags & EV_OPEN_HAS_FLAGS)
		SET(out, flags, in->o_flags);
	if (in->err)
		SET(out, call_errno, in->err);
	if (in->flags & EV_OPEN_CREATED)
		SET(out, created, 1);
	if (in->flags & EV_OPEN_WRITTEN)
		SET(out, written, 1);
	return fill_file(rec, &in->file, arena, &out->file);
}
