/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_rmdir(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_rmdir *in = (const void *)rec->hdr;
	Varve__V1__Rmdir *out;
	int err = NEW_BODY(arena, ev, RMDIR, rmdir, out);

	if (err)
		return err;
	if (in->err)
		SET(out, call_errno, in->err);
	return fill_file(rec, &in->file, arena, &out->file);
}
