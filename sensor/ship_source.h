/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log as the shipper reads it: one frame at a time, held until it is taken, damaged places told
 * and passed over; at the start it checks that the cursor is of this log.
 */
#ifndef VARVE_SHIP_SOURCE_H
#define VARVE_SHIP_SOURCE_H

#include "sensor/ship_cursor.h"
#include <stddef.h>

struct log_reader;

struct ship_frame {
	const uint8_t *payload;
	size_t len;
	uint64_t index;
};

struct ship_source {
	const char *dir; /* of the configuration */
	struct log_reader *reader;
	struct ship_frame frame;
	bool held;	   /* frame is read and not taken */
	bool at_end;	   /* nothing more for now */
	bool checking;	   /* the cursor against the log */
	uint64_t seen_end; /* while checking: behind the last frame seen; 0: none */
	bool damaged;	   /* what was read is: indexes behind it may be too low */
	uint64_t told_ms;
};

/* Opens where the mark says and starts checking it. */
int ship_source_open(struct ship_source *src, const char *dir, const struct ship_mark *mark);
void ship_source_close(struct ship_source *src);
/* From the first frame at or behind index on. */
int ship_source_seek(struct ship_source *src, uint64_t index);
/* 1: src->frame is the next one, until ship_source_take() or ship_source_seek(). 0: no more for
 * now. Negative: call again later. */
int ship_source_peek(struct ship_source *src);
void ship_source_take(struct ship_source *src);
/*
 * One step of the check, after open and until !src->checking. 1: go on; 0: no more for now;
 * -ESTALE: the mark is not of this log; other errors as ship_source_peek().
 */
int ship_source_check(struct ship_source *src, const struct ship_mark *mark);

#endif
