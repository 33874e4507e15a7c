/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS from the wire. First byte 0: the rest is a message, of which the second byte's share was
 * captured. Else the rest is segments of streams (a head of eight bytes, then data): each message
 * that comes out of them is parsed. All text has to be printable ASCII, and the bounds have to
 * hold.
 */
#include "evidence/arena.h"
#include "evidence/base.h"
#include "evidence/log.h"
#include "sensor/dns.h"
#include "sensor/dns_stream.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STREAMS	     4
#define STREAM_BYTES (256u << 10)

static struct arena arena;

static void check_text(const char *s)
{
	for (; s && *s; s++) {
		if (*s < ' ' || *s > '~')
			abort();
	}
}

static void check_records(Varve__V1__DnsRecord **r, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		check_text(r[i]->name);
		check_text(r[i]->type);
		check_text(r[i]->class_);
		check_text(r[i]->data);
		if (!r[i]->name || (r[i]->data && strlen(r[i]->data) > DNS_DATA_MAX))
			abort();
	}
}

/* From memory of its own length. */
static void parse(const uint8_t *msg, size_t captured, size_t len, size_t *records_left)
{
	_cleanup_free_ uint8_t *copy = malloc(captured + !captured);
	Varve__V1__DnsMessage *out;

	memcpy(copy, msg, captured);
	if (dns_parse(copy, captured, len, records_left, &arena, &out))
		abort();
	for (size_t i = 0; i < out->n_questions; i++) {
		check_text(out->questions[i]->name);
		check_text(out->questions[i]->type);
		check_text(out->questions[i]->class_);
	}
	check_records(out->answers, out->n_answers);
	check_records(out->authorities, out->n_authorities);
	check_records(out->additionals, out->n_additionals);
	if (varve__v1__dns_message__get_packed_size(out) > LOG_FRAME_MAX - 65536)
		abort();
}

struct count {
	size_t messages, records_left;
};

static int collect(const uint8_t *msg, size_t captured, size_t len, void *ctx)
{
	struct count *c = ctx;

	if (captured > len)
		abort();
	if (c->messages++ < DNS_MESSAGES_MAX)
		parse(msg, captured, len, &c->records_left);
	return 0;
}

static void feed(const uint8_t *data, size_t size)
{
	struct dns_streams *table;

	if (dns_streams_new(STREAMS, STREAM_BYTES, &table))
		abort();
	while (size >= 8) {
		size_t len = MIN((size_t)data[0] << 2, size - 8);
		_cleanup_free_ uint8_t *copy = malloc(len + !len);
		struct count c = {.records_left = DNS_RECORDS_MAX};
		struct dns_stream_state state;
		struct dns_segment seg = {
			.key.source.port = data[1] & 7,
			.cookie = data[2] & 3,
			.listener = data[2] & 128,
			.offset = data[3] << 8 | data[4],
			.seq = (data[3] << 8 | data[4]) + (data[5] & 3) - 50,
			.data = copy,
			.captured = len,
			.len = len + (data[6] & 64 ? data[7] : 0),
		};

		memcpy(copy, data + 8, len);
		arena_reset(&arena);
		if (dns_streams_take(table, &seg, collect, &c, &state) ||
		    dns_streams_count(table) > STREAMS || dns_streams_bytes(table) > STREAM_BYTES)
			abort();
		data += 8 + len;
		size -= 8 + len;
	}
	dns_streams_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t left = DNS_RECORDS_MAX;

	if (!arena.base && arena_init(&arena, 2u << 20))
		abort();
	if (size < 2)
		return 0;
	arena_reset(&arena);
	if (data[0])
		feed(data + 1, size - 1);
	else
		parse(data + 2, (size - 2) * (255 - data[1]) / 255, size - 2, &left);
	return 0;
}
