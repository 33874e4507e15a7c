/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/dns_fill.h"
#include "sensor/dns.h"
#include "sensor/dns_stream.h"
#include "sensor/events/fill.h"
#include <netinet/in.h>

struct collect {
	struct arena *arena;
	Varve__V1__Dns *out;
	size_t records_left;
};

static int collect(const uint8_t *msg, size_t captured, size_t len, void *ctx)
{
	struct collect *c = ctx;
	int err;

	if (c->out->n_messages == DNS_MESSAGES_MAX) {
		SET(c->out, messages_left_out, c->out->messages_left_out + 1);
		return 0;
	}
	err = dns_parse(msg, captured, len, &c->records_left, c->arena,
			&c->out->messages[c->out->n_messages]);
	if (!err)
		c->out->n_messages++;
	return err;
}

static int collect_begin(struct collect *c, struct arena *arena, Varve__V1__Dns *out)
{
	*c = (struct collect){.arena = arena, .out = out, .records_left = DNS_RECORDS_MAX};
	out->messages = arena_alloc(arena, DNS_MESSAGES_MAX * sizeof(*out->messages));
	return out->messages ? 0 : -ENOMEM;
}

int dns_fill_datagram(const struct ev_dns *in, const uint8_t *payload, struct arena *arena,
		      Varve__V1__Dns *out)
{
	struct collect c;
	int err = collect_begin(&c, arena, out);

	return err ? err : collect(payload, in->payload.len, in->payload_len, &c);
}

static void fill_state(const struct dns_stream_state *state, Varve__V1__Dns *out)
{
	out->incomplete = (char *)state->incomplete;
	if (state->has_length)
		SET(out, pending_length, state->length);
	if (state->captured)
		SET(out, pending_captured, state->captured);
}

int dns_fill_segment(struct dns_streams *streams, const struct record *rec, struct arena *arena,
		     Varve__V1__Dns *out)
{
	const struct ev_dns *in = (const void *)rec->hdr;
	struct dns_segment seg = {
		.key = {.cgroup_id = in->hdr.cgroup_id,
			.source = in->source,
			.destination = in->destination,
			.sent = in->flags & EV_DNS_SENT},
		.cookie = in->cookie,
		.listener = in->flags & EV_DNS_LISTENER,
		.seq = in->seq,
		.offset = in->stream_offset,
		.captured = in->payload.len,
		.len = in->payload_len,
	};
	struct dns_stream_state state;
	struct collect c;
	int err;

	if (in->protocol != IPPROTO_TCP)
		return 0;
	seg.data = (const uint8_t *)(in->payload.off ? record_bytes(rec, &in->payload) : "");
	err = collect_begin(&c, arena, out);
	if (!err)
		err = dns_streams_take(streams, &seg, collect, &c, &state);
	if (!err)
		fill_state(&state, out);
	return err;
}
