/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"
#include <sys/socket.h>

int event_fill_listen(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_listen *in = (const void *)rec->hdr;
	Varve__V1__Listen *out;
	int err = NEW_BODY(arena, ev, LISTEN, listen, out);

	if (err)
		return err;
	if (in->family != AF_UNIX)
		out->protocol = fill_protocol(arena, in->protocol);
	SET(out, backlog, in->backlog);
	if (in->cookie)
		SET(out, socket_cookie, in->cookie & INT64_MAX);
	if (in->err)
		SET(out, call_errno, in->err);
	err = fill_ref(rec, &in->unix_path, arena, &out->unix_path, &out->has_unix_path_raw,
		       &out->unix_path_raw);
	return err ? err : fill_endpoint(&in->address, arena, &out->address);
}
