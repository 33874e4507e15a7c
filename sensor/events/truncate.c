/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_truncate(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_truncate *in = (const void *)rec->hdr;
	Varve__V1__Truncate *out;
	int err = NEW_BODY(arena, ev, TRUNCATE, truncate, out);

	if (err)
		return err;
	SET(out, length, in->length);
	if (in->err)
		SET(out, call_errno, in->err);
	return fill_file(rec, &in->file, arena, &out->file);
}
