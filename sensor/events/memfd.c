/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_memfd(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_memfd *in = (const void *)rec->hdr;
	Varve__V1__Memfd *out;
	int err = NEW_BODY(arena, ev, MEMFD, memfd, out);

	if (err)
		return err;
	SET(out, flags, in->memfd_flags);
	if (in->err)
		SET(out, call_errno, in->err);
	else
		SET(out, fd, in->fd);
	err = fill_ref(rec, &in->name, arena, &out->name, &out->has_name_raw, &out->name_raw);
	return err ? err : fill_file(rec, &in->file, arena, &out->file);
}
