/* SPDX-License-Identifier: Apache-2.0 */
/* From what the loop holds to what the board shows (board.h), each second; nothing if nobody may
 * ask. */
#ifndef VARVE_OBSERVE_H
#define VARVE_OBSERVE_H

#include "sensor/board.h"

struct conf;
struct emit;
struct log;
struct probes;
struct ring;
struct run_state;
struct sealing;
struct serve;
struct ship;

/* Lent; read only. */
struct observe_sources {
	const struct conf *conf;
	const struct emit *emit;
	const struct log *log;
	const struct probes *probes;
	const struct ring *ring;
	const struct sealing *sealing;
	const struct ship *ship;       /* NULL: no Kafka */
	const struct run_state *state; /* its sums, as of the last settling */
	bool canary_sent;	       /* a heartbeat was made */
	int log_err;		       /* of the last write */
	uint64_t heartbeats, reloads, reloads_failed;
};

struct observe {
	struct board board;
	struct serve *serve; /* NULL: nobody may ask */
	struct metrics metrics;
	uint64_t oldest_index;	  /* of the log, that the time is of */
	int64_t oldest_unix_nano; /* 0: it could not be read */
	bool has_oldest;
};

/* Serves on what the option `listen` says. Errors are logged. */
int observe_open(struct observe *observe, const struct conf *conf);
void observe_close(struct observe *observe);
/* Call each second. */
void observe_tick(struct observe *observe, const struct observe_sources *sources);

#endif
