/* SPDX-License-Identifier: Apache-2.0 */
/* A datagram's message is here; those of TCP need what came before (dns_fill_segment). */
#include "sensor/dns_fill.h"
#include "sensor/events/fill.h"
#include <netinet/in.h>

int event_fill_dns(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_dns *in = (const void *)rec->hdr;
	const char *payload = in->payload.off ? record_bytes(rec, &in->payload) : "";
	Varve__V1__Dns *out;
	int err;

	if (!payload || in->payload.len > in->payload_len || (!in->payload.off && in->payload.len))
		return -EBADMSG;
	err = NEW_BODY(arena, ev, DNS, dns, out);
	if (err)
		return err;
	out->protocol = fill_protocol(arena, in->protocol);
	out->direction = (char *)(in->flags & EV_DNS_SENT ? "sent" : "received");
	out->process_by = fill_owner_by(in->owner_by);
	SET(out, socket_cookie, in->cookie & INT64_MAX);
	SET(out, payload_length, in->payload_len);
	if (in->payload.len < in->payload_len)
		SET(out, captured_length, in->payload.len);
	err = fill_endpoint(&in->source, arena, &out->source);
	if (!err)
		err = fill_endpoint(&in->destination, arena, &out->destination);
	if (in->protocol == IPPROTO_TCP)
		SET(out, stream_offset, in->stream_offset);
	else if (!err)
		err = dns_fill_datagram(in, (const uint8_t *)payload, arena, out);
	return err;
}
