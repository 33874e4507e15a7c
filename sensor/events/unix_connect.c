/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

static void fill_listener(const struct ev_unix_connect *in, Varve__V1__UnixConnect *out)
{
	if (!(in->flags & EV_UNIX_CONNECT_HAS_PEER))
		return;
	SET(out, peer_pid, in->peer_pid);
	SET(out, peer_uid, in->peer_uid);
	SET(out, peer_gid, in->peer_gid);
}

int event_fill_unix_connect(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_unix_connect *in = (const void *)rec->hdr;
	Varve__V1__UnixConnect *out;
	int err = NEW_BODY(arena, ev, UNIX_CONNECT, unix_connect, out);

	if (err)
		return err;
	SET(out, type, in->type);
	if (in->err)
		SET(out, call_errno, in->err);
	if (in->flags & EV_UNIX_CONNECT_USER_MEMORY)
		SET(out, requested_user_memory, 1);
	fill_listener(in, out);
	err = fill_ref(rec, &in->asked, arena, &out->requested, &out->has_requested_raw,
		       &out->requested_raw);
	if (!err)
		err = fill_ref(rec, &in->name, arena, &out->peer_name, &out->has_peer_name_raw,
			       &out->peer_name_raw);
	return err ? err : fill_file(rec, &in->file, arena, &out->file);
}
