/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"
#include <string.h>

int event_fill_comm(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_comm *in = (const void *)rec->hdr;
	Varve__V1__Comm *out;
	int err = NEW_BODY(arena, ev, COMM, comm, out);

	if (err)
		return err;
	SET(out, tid, in->tid);
	err = fill_text(arena, in->old_name, strnlen(in->old_name, sizeof(in->old_name)),
			&out->old_name, &out->has_old_name_raw, &out->old_name_raw);
	if (err)
		return err;
	return fill_text(arena, in->new_name, strnlen(in->new_name, sizeof(in->new_name)),
			 &out->new_name, &out->has_new_name_raw, &out->new_name_raw);
}
