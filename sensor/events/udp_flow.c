/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

static const char *const ends[EV_FLOW_END_CNT] = {
	[EV_FLOW_IDLE] = "idle",       [EV_FLOW_EVICTED] = "evicted",
	[EV_FLOW_CLOSED] = "closed",   [EV_FLOW_CONTAINER_GONE] = "container_gone",
	[EV_FLOW_RUN_END] = "run_end",
};

/* Consumers' 64-bit integers are signed. */
static uint64_t bound(uint64_t value)
{
	return MIN(value, (uint64_t)INT64_MAX);
}

int event_fill_udp_flow(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_udp_flow *in = (const void *)rec->hdr;
	bool inbound = in->flags & EV_FLOW_INBOUND;
	Varve__V1__UdpFlow *out;
	int err;

	if (in->end >= EV_FLOW_END_CNT)
		return -EBADMSG;
	err = NEW_BODY(arena, ev, UDP_FLOW, udp_flow, out);
	if (err)
		return err;
	out->protocol = (char *)"udp";
	out->direction = (char *)(inbound ? "inbound" : "outbound");
	out->end = (char *)ends[in->end];
	out->process_by = fill_owner_by(in->owner_by);
	SET(out, socket_cookie, in->cookie & INT64_MAX);
	SET(out, bytes_sent, bound(in->bytes_sent));
	SET(out, bytes_received, bound(in->bytes_received));
	SET(out, packets_sent, bound(in->packets_sent));
	SET(out, packets_received, bound(in->packets_received));
	SET(out, first_boot_time_nano, bound(in->first_ns));
	SET(out, last_boot_time_nano, bound(in->last_ns));
	err = fill_endpoint(inbound ? &in->peer : &in->local, arena, &out->source);
	return err ? err
		   : fill_endpoint(inbound ? &in->local : &in->peer, arena, &out->destination);
}
