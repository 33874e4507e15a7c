/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"
#include <netinet/tcp.h>

static const char *const roles[] = {[EV_CLOSE_CLIENT] = "client", [EV_CLOSE_SERVER] = "server"};

/* By the last state, if there is no error; NULL: not known. */
static const char *const ends[] = {
	[TCP_ESTABLISHED] = "aborted", [TCP_CLOSE_WAIT] = "aborted", [TCP_FIN_WAIT1] = "aborted",
	[TCP_FIN_WAIT2] = "orderly",   [TCP_TIME_WAIT] = "orderly",  [TCP_LAST_ACK] = "orderly",
	[TCP_CLOSING] = "orderly",
};

static const char *how(const struct ev_close *in)
{
	if (in->err == ECONNRESET || in->err == EPIPE)
		return "reset";
	if (in->err)
		return in->err == ETIMEDOUT ? "timed_out" : "failed";
	return in->state < ARRAY_SIZE(ends) ? ends[in->state] : NULL;
}

int event_fill_close(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_close *in = (const void *)rec->hdr;
	Varve__V1__Close *out;
	int err = NEW_BODY(arena, ev, CLOSE, close, out);

	if (err)
		return err;
	if (in->role >= ARRAY_SIZE(roles))
		return -EBADMSG;
	out->role = (char *)roles[in->role];
	out->how = (char *)how(in);
	out->protocol = fill_protocol(arena, in->protocol);
	SET(out, bytes_sent, in->bytes_sent & INT64_MAX);
	SET(out, bytes_received, in->bytes_received & INT64_MAX);
	SET(out, duration_nano, in->duration_ns & INT64_MAX);
	if (in->err)
		SET(out, error, in->err);
	if (in->cookie)
		SET(out, socket_cookie, in->cookie & INT64_MAX);
	if (in->owner_cgroup_id != in->hdr.cgroup_id)
		SET(out, former_cgroup_id, in->owner_cgroup_id & INT64_MAX);
	err = fill_endpoint(&in->source, arena, &out->source);
	return err ? err : fill_endpoint(&in->destination, arena, &out->destination);
}
