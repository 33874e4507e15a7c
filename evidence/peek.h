/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few fields of an Event without decoding it: enough to put records in order and to pass over
 * those that nobody asked for. What it says is what event_decode() would say.
 */
#ifndef VARVE_EVIDENCE_PEEK_H
#define VARVE_EVIDENCE_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peek_text {
	const char *at; /* in the payload; NULL: not there */
	size_t len;	/* up to the first NUL, if there is one */
};

struct peek {
	uint64_t sequence;
	int64_t time_unix_nano;
	bool has_sequence, has_time;
	struct peek_text run_id, node_name, container_id;
};

/* False: it is no Event, or has no run or sequence. True does not say that it can be decoded. */
bool event_peek(const uint8_t *payload, size_t len, struct peek *ret_peek);

#endif
