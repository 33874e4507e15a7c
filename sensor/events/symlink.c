/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_symlink(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_symlink *in = (const void *)rec->hdr;
	Varve__V1__Symlink *out;
	int err = NEW_BODY(arena, ev, SYMLINK, symlink, out);

	if (err)
		return err;
	if (in->err)
		SET(out, call_errno, in->err);
	err = fill_ref(rec, &in->target, arena, &out->target, &out->has_target_raw,
		       &out->target_raw);
	return err ? err : fill_file(rec, &in->file, arena, &out->file);
}
