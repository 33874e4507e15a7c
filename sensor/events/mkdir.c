/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_mkdir(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_mkdir *in = (const void *)rec->hdr;
	Varve__V1__Mkdir *out;
	int err = NEW_BODY(arena, ev, MKDIR, mkdir, out);

	if (err)
		return err;
	SET(out, mode, in->mode);
	if (in->err)
		SET(out, call_errno, in->err);
	return fill_file(rec, &in->file, arena, &out->file);
}
