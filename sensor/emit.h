/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the envelope on an event, encodes it and appends it to the log: here a record gets its place
 * in the order of the run. */
#ifndef VARVE_EMIT_H
#define VARVE_EMIT_H

#include "evidence/arena.h"
#include "evidence/base.h"
#include "evidence/tree.h"
#include "sensor/room.h"
#include "sensor/tally.h"
#include "varve.pb-c.h"

struct container;
struct log;
struct pod;

struct emit {
	struct log *log;
	struct room room; /* what the log still takes */
	struct arena arena; /* what the event being made points to; the maker resets it */
	uint8_t *buf;
	size_t buf_size;
	const char *node_name;
	char run_id[UUID_LEN + 1];
	uint64_t sequence; /* of the next record */
	struct tree tree;  /* of those before: each payload is a leaf */
	struct tree_hash leaf; /* the last one's */
	uint64_t node_stream_sequence;
	/* Called before the record that begins a segment: what it emits begins it instead. */
	void (*before_segment)(void *ctx);
	void *before_segment_ctx;
	int64_t clock_offset_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME */
	uint64_t failed_cnt;	 /* records that the log did not take */
	int append_err;		 /* what it said to the last one */
	struct tally tally;
};

/* Makes a run id. log and node_name stay the caller's. */
int emit_init(struct emit *emit, struct log *log, const char *node_name);
void emit_fini(struct emit *emit);

uint64_t emit_boot_ns(void);
/* Measures the clock offset anew. */
void emit_sync_clock(struct emit *emit);

/*
 * Appends the event to the log. container: whose stream it belongs to; NULL: the node's. Sets
 * sequence, times (from boot_time_nano, or now), run, node, stream, container and pod. 0,
 * ROOM_REFUSED, or what log_append() says: then no sequence is used.
 */
int emit_event(struct emit *emit, Varve__V1__Event *ev, struct container *container);

/* Says of which pod an event without a container is. Before emit_event(). 0, -ENOMEM. */
int emit_set_pod(struct emit *emit, Varve__V1__Event *ev, const struct pod *pod);

#endif
