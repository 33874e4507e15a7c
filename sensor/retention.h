/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the log bounded and durable: what Kafka has acknowledged goes; at the limit new records are
 * refused or the oldest go (room.h), and are declared; it is synced as the option `sync` says.
 */
#ifndef VARVE_RETENTION_H
#define VARVE_RETENTION_H

#include "sensor/room.h"
#include <stdint.h>

struct conf;
struct emit;
struct log;
struct ship;

struct retention {
	const struct conf *conf;
	struct log *log;
	struct emit *emit;
	struct ship *ship;		   /* NULL: no Kafka */
	uint64_t booked_index;		   /* what is pinned needs the frames from here on */
	uint64_t synced_index, tick_index; /* frames below: synced; there at the last tick */
	uint64_t sync_due_ns;		   /* of sync = interval */
	enum room_state told;		   /* who is refused, as last told */
	uint64_t told_ns;
};

/* Call before anything is emitted: from here on it is known how much room there is. */
void retention_init(struct retention *retention, const struct conf *conf, struct log *log,
		    struct emit *emit, struct ship *ship);
/* Call each second. */
void retention_tick(struct retention *retention, uint64_t now_ns);
/* Call after each turn, once the log is flushed. */
void retention_turn(struct retention *retention);

#endif
