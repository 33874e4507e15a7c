/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shipper's window: the frames between the cursor and the last one handed to the producer, each
 * with its state. Delivery reports come in any order; the mark moves over a contiguous prefix of
 * settled frames only. Frames have serials of their own because a damaged place leaves holes in the
 * log's indexes.
 */
#ifndef VARVE_SHIP_WINDOW_H
#define VARVE_SHIP_WINDOW_H

#include "sensor/ship_cursor.h"
#include <stddef.h>

enum window_state {
	WINDOW_WAITING,	  /* to be produced (again) */
	WINDOW_IN_FLIGHT, /* with the producer */
	WINDOW_SETTLED,	  /* acknowledged, or refused and told */
};

struct window_entry {
	uint64_t index;
	uint32_t crc; /* CRC32C of the payload */
	enum window_state state;
	enum window_state pods; /* the same for the topic of pods; SETTLED if it is not for that */
};

struct ship_window {
	struct window_entry *entries;
	size_t size;	     /* power of two */
	uint64_t tail, head; /* serials: [tail, head) are in the window */
};

/* At least cnt entries. */
int window_init(struct ship_window *window, size_t cnt);
void window_fini(struct ship_window *window);
/* New entry, WAITING, at serial head; -ENOSPC if there is no room. */
int window_push(struct ship_window *window, uint64_t index, uint32_t crc);
/* NULL if the serial is not in the window. Valid until it leaves it. */
struct window_entry *window_at(struct ship_window *window, uint64_t serial);
/* Lets settled entries at the tail go and moves the mark behind them. True if it moved. */
bool window_settle(struct ship_window *window, struct ship_mark *mark);
/* The topic of pods is not waited for: how many were not settled there. */
size_t window_give_up_pods(struct ship_window *window);
/* All in flight are WAITING again: their producer has gone. */
void window_rewind(struct ship_window *window);
/* Frames below index have gone from the log: what waits of them is settled. */
void window_drop_below(struct ship_window *window, uint64_t index);

#endif
