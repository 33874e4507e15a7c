/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shipper's cursor on disk: DIR/cursor, two slots written in turn, so that a write cut short
 * spoils only the older one. Not synced: after a power cut it may be older than it was (records are
 * sent again: duplicates) or newer than the log, whose acknowledged tail need not have reached the
 * disk either. For the second case the cursor carries the CRC of the last acknowledged frame, and
 * ship.c starts over from the log's beginning when it does not match.
 */
#ifndef VARVE_SHIP_CURSOR_H
#define VARVE_SHIP_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

/* Everything below index is acknowledged. */
struct ship_mark {
	uint64_t index;
	uint32_t last_crc; /* CRC32C of the payload of frame index - 1 */
	bool has_crc;
};

struct ship_cursor {
	int fd;
	uint64_t generation;
	struct ship_mark mark;
};

/* Opens or makes DIR/cursor. Slots that do not hold are left aside; without one the mark is 0. */
int ship_cursor_open(const char *dir, struct ship_cursor *ret_cursor);
void ship_cursor_close(struct ship_cursor *cursor);
int ship_cursor_save(struct ship_cursor *cursor, const struct ship_mark *mark);

#endif
