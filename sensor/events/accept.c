/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_accept(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_accept *in = (const void *)rec->hdr;
	Varve__V1__Accept *out;
	int err = NEW_BODY(arena, ev, ACCEPT, accept, out);

	if (err)
		return err;
	if (in->err)
		SET(out, call_errno, in->err);
	if (in->destination.family)
		out->protocol = fill_protocol(arena, in->protocol);
	if (in->cookie)
		SET(out, socket_cookie, in->cookie & INT64_MAX);
	err = fill_endpoint(&in->source, arena, &out->source);
	return err ? err : fill_endpoint(&in->destination, arena, &out->destination);
}
