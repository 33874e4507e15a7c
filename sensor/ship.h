/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shipper: follows the evidence log from a durable cursor and produces to Kafka. The cursor
 * moves on delivery reports only and never passes an undelivered record, so an outage, a slow
 * broker and a restart are the same case: it lags.
 */
#ifndef VARVE_SHIP_H
#define VARVE_SHIP_H

#include <stdbool.h>
#include <stdint.h>

struct conf;
struct ship;

/* A record that Kafka will never take (too large): told so that the loss can be declared. */
typedef void (*ship_refused_fn)(uint64_t index, const char *run_id, uint64_t sequence,
				int64_t time_unix_nano, const char *reason, void *ctx);

/*
 * Starts the producer (idempotent, acks=all, zstd, socket.nagle.disable; overridden by kafka.*
 * properties, except that acks and idempotence may not be weakened: an error). Waits up to 5 s for
 * the broker's answer: credentials refused, TLS that does not verify, topic not authorized are
 * errors, told in one line; a broker that is away is a warning, the log holds the records. conf
 * must outlive the ship; the log must be there.
 */
int ship_open(const struct conf *conf, struct ship **ret_ship);
/* Waits up to timeout_ms for what is in the log to be acknowledged, writes the cursor, frees. */
void ship_close(struct ship *ship, int timeout_ms);

/*
 * Produces what the log has (bounded by the producer's queue), takes delivery reports, writes the
 * cursor. Never blocks. Call after each flush of the log and at least every 100 ms.
 * Negative if the log cannot be read or the cursor not written: told once a minute, call again.
 */
int ship_run(struct ship *ship, ship_refused_fn refused, void *ctx);
/*
 * All frames below this index are acknowledged, and the cursor on disk says so. 0 until the cursor
 * has been checked against the log.
 */
uint64_t ship_acknowledged(const struct ship *ship);
/* What became of deliveries. */
struct ship_cost {
	uint64_t acknowledged_ms; /* CLOCK_MONOTONIC, when a record last was; 0: never */
	uint64_t failed;	  /* deliveries; all but what is refused for good go again */
	uint64_t pods_missed;	  /* records that the topic of pods lacks */
};
struct ship_cost ship_cost(const struct ship *ship);
/* The log removed frames below this index (size limit): go on behind them. */
void ship_skip_to(struct ship *ship, uint64_t index);

#endif
