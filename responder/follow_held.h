/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of containers whose pod was not known when they were written, until a BINDING says it. So
 * many are kept; the oldest give way, counted.
 */
#ifndef VARVE_RESPONDER_FOLLOW_HELD_H
#define VARVE_RESPONDER_FOLLOW_HELD_H

#include "evidence/event.h"

#define FOLLOW_HELD_MAX	      4096	 /* records */
#define FOLLOW_HELD_BYTES_MAX (4u << 20) /* of payload */

struct follow_held_record;

struct follow_held {
	struct follow_held_record *first, *last;
	size_t cnt, bytes;
	uint64_t left_cnt; /* records that gave way, or whose pod was never known */
};

/* Copies it; ev is of the payload, and has a container. */
void follow_held_add(struct follow_held *held, const Varve__V1__Event *ev, const uint8_t *payload,
		     size_t len);
/* Gives the records of this one's container, in order, and forgets them. fn NULL: forgets them. */
void follow_held_give(struct follow_held *held, const Varve__V1__Event *ev,
		      void (*fn)(Varve__V1__Event *held, void *ctx), void *ctx);
/* Counts all that are left as left_cnt. */
void follow_held_fini(struct follow_held *held);

#endif
