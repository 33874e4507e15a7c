/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS over TCP: puts segments together and cuts the streams into messages (two bytes of length
 * before each). A stream is one direction of a connection as one socket sees it.
 *
 * Bounded in streams and in bytes that wait; beyond, the stream that was longest without a segment
 * goes. What it held is not lost without a word: each segment's state says whether bytes of it wait
 * for more, and the next segment of a stream that has gone is not in step.
 */
#ifndef VARVE_DNS_STREAM_H
#define VARVE_DNS_STREAM_H

#include "bpf/event.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_STREAM_LIMIT 1024
#define DNS_STREAM_BYTES (4u << 20)

struct dns_streams;

struct dns_stream_key {
	uint64_t cgroup_id;
	struct ev_addr source, destination;
	uint64_t sent; /* by the container's socket; else received */
};

struct dns_segment {
	struct dns_stream_key key;
	uint64_t cookie;
	bool listener;	 /* the cookie is the listening socket's; this is the connection's first */
	uint32_t seq;	 /* of its first byte */
	uint32_t offset; /* of its first byte in the stream, as the kernel reckons */
	const uint8_t *data;
	size_t captured; /* bytes at data; fewer than len if the rest was not captured */
	size_t len;
};

struct dns_stream_state {
	const char *incomplete; /* Dns.incomplete; NULL: nothing is left */
	bool has_length;
	uint32_t length;   /* of the message that has begun */
	uint32_t captured; /* bytes that wait */
};

/* A message of len bytes, the first `captured` of which are there. Negative ends the segment. */
typedef int (*dns_stream_fn)(const uint8_t *msg, size_t captured, size_t len, void *ctx);

int dns_streams_new(size_t limit, size_t bytes_limit, struct dns_streams **ret_table);
void dns_streams_free(struct dns_streams *table);
/* Calls fn for each message that the segment completes. 0, or what fn said. */
int dns_streams_take(struct dns_streams *table, const struct dns_segment *seg, dns_stream_fn fn,
		     void *ctx, struct dns_stream_state *ret_state);
/* Streams that went with bytes waiting, to make room. */
uint64_t dns_streams_evicted(const struct dns_streams *table);
size_t dns_streams_count(const struct dns_streams *table);
size_t dns_streams_bytes(const struct dns_streams *table);

#endif
