/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

static const char *const outcomes[] = {
	[EV_OUTCOME_FAILED] = "failed",
	[EV_OUTCOME_CONNECTED] = "connected",
	[EV_OUTCOME_IN_PROGRESS] = "in_progress",
};

int event_fill_connect(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_connect *in = (const void *)rec->hdr;
	Varve__V1__Connect *out;
	int err = NEW_BODY(arena, ev, CONNECT, connect, out);

	if (err)
		return err;
	if (in->outcome >= ARRAY_SIZE(outcomes))
		return -EBADMSG;
	out->outcome = (char *)outcomes[in->outcome];
	out->protocol = fill_protocol(arena, in->protocol);
	SET(out, call_errno, in->err);
	if (in->outcome == EV_OUTCOME_FAILED && in->outcome_err)
		SET(out, outcome_errno, in->outcome_err);
	if (in->flags & EV_CONNECT_COMPLETION)
		SET(out, completion, 1);
	if (in->flags & EV_CONNECT_USER_MEMORY)
		SET(out, destination_user_memory, 1);
	if (in->flags & EV_CONNECT_HAS_COOKIE)
		SET(out, socket_cookie, in->cookie & INT64_MAX);
	err = fill_endpoint(&in->source, arena, &out->source);
	return err ? err : fill_endpoint(&in->destination, arena, &out->destination);
}
