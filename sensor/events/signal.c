/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

/* TRACE_SIGNAL_* of <trace/events/signal.h>. */
static const char *const results[] = {"delivered", "ignored", "already_pending", "overflow_fail",
				      "lose_info"};

int event_fill_signal(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_signal *in = (const void *)rec->hdr;
	Varve__V1__Signal *out;
	int err = NEW_BODY(arena, ev, SIGNAL, signal, out);

	if (err)
		return err;
	SET(out, signal, in->signal);
	if (in->err) {
		SET(out, call_errno, in->err);
		out->call = fill_call(in->call);
	} else {
		SET(out, code, in->code);
	}
	if (in->flags & EV_SIGNAL_HAS_PID)
		SET(out, target_pid, in->target_pid);
	if (!in->err && in->result < ARRAY_SIZE(results))
		out->result = (char *)results[in->result];
	if (in->flags & EV_SIGNAL_TO_THREAD)
		SET(out, to_thread, 1);
	if (in->flags & EV_SIGNAL_FROM_OUTSIDE)
		SET(out, from_outside, 1);
	return fill_peer(&in->target, arena, &out->target);
}
