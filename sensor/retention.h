/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the log bounded and durable: what Kafka has acknowledged goes, beyond the size limit the
 * oldest goes and is declared; what is neither acknowledged nor synced within the second is synced.
 */
#ifndef VARVE_RETENTION_H
#define VARVE_RETENTION_H

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
	uint64_t synced_index, tick_index; /* frames below: synced; there at the last tick */
};

/* Call each second. */
void retention_tick(struct retention *retention);

#endif
