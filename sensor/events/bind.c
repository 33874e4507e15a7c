/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"
#include <sys/socket.h>

static int fill_addresses(const struct ev_bind *in, struct arena *arena, Varve__V1__Bind *out)
{
	int err = fill_endpoint(&in->asked, arena, &out->requested);

	return err ? err : fill_endpoint(&in->bound, arena, &out->address);
}

int event_fill_bind(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_bind *in = (const void *)rec->hdr;
	Varve__V1__Bind *out;
	int err = NEW_BODY(arena, ev, BIND, bind, out);

	if (err)
		return err;
	if (in->family != AF_UNIX)
		out->protocol = fill_protocol(arena, in->protocol);
	if (in->flags & EV_BIND_USER_MEMORY)
		SET(out, requested_user_memory, 1);
	if (in->cookie)
		SET(out, socket_cookie, in->cookie & INT64_MAX);
	if (in->err)
		SET(out, call_errno, in->err);
	err = fill_addresses(in, arena, out);
	if (!err)
		err = fill_ref(rec, &in->unix_path, arena, &out->unix_path, &out->has_unix_path_raw,
			       &out->unix_path_raw);
	return err ? err : fill_file(rec, &in->file, arena, &out->file);
}
