/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_root(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_root *in = (const void *)rec->hdr;
	Varve__V1__Root *out;
	int err = NEW_BODY(arena, ev, ROOT, root, out);

	if (err)
		return err;
	out->call = fill_call(in->call);
	if (in->err)
		SET(out, call_errno, in->err);
	err = fill_ref(rec, &in->path, arena, &out->path, &out->has_path_raw, &out->path_raw);
	if (!err)
		err = fill_ref(rec, &in->put_old, arena, &out->put_old, &out->has_put_old_raw,
			       &out->put_old_raw);
	if (!err)
		err = fill_file(rec, &in->root, arena, &out->root);
	return err ? err : fill_file(rec, &in->cwd, arena, &out->cwd);
}
