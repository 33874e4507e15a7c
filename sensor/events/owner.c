/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_owner(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_owner *in = (const void *)rec->hdr;
	Varve__V1__Owner *out;
	int err = NEW_BODY(arena, ev, OWNER, owner, out);

	if (err)
		return err;
	if (in->uid != UINT32_MAX)
		SET(out, uid, in->uid);
	if (in->gid != UINT32_MAX)
		SET(out, gid, in->gid);
	if (in->flags & EV_MODE_HAS_FLAGS)
		SET(out, flags, in->call_flags);
	if (in->err)
		SET(out, call_errno, in->err);
	return fill_file(rec, &in->file, arena, &out->file);
}
