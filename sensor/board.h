/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loop puts up for others to read: the metrics, whether it is ready, and that it turns.
 * The loop never waits here: if somebody is reading, it comes again in a second.
 */
#ifndef VARVE_BOARD_H
#define VARVE_BOARD_H

#include "sensor/metrics.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* How long the loop may be silent depends on what it does. */
enum board_phase { BOARD_STARTING, BOARD_RUNNING, BOARD_STOPPING };

/* What /readyz asks for; all are to hold. */
enum board_need {
	BOARD_HOOKS,  /* at least one is attached */
	BOARD_LOG,    /* the last write of the log was no error */
	BOARD_CANARY, /* what the sensor did itself before the last heartbeat came through a probe
		       */
	BOARD_NEED_CNT
};

struct board {
	pthread_mutex_t lock; /* of the two below; readers hold it for a copy */
	struct metrics metrics;
	bool has[BOARD_NEED_CNT];
	_Atomic uint64_t turned_ns; /* boot time of the last turn, or when the phase began */
	_Atomic int phase;
};

void board_init(struct board *board, uint64_t now_ns);
void board_fini(struct board *board);
/* --- the loop's side; now_ns: boot time */
void board_enter(struct board *board, enum board_phase phase, uint64_t now_ns);
void board_turned(struct board *board, uint64_t now_ns);
/* False: it is being read; nothing has changed. */
bool board_publish(struct board *board, const struct metrics *metrics,
		   const bool has[BOARD_NEED_CNT]);
/* --- the readers' side: each gives one line, without a newline, and whether all is well */
bool board_is_alive(struct board *board, uint64_t now_ns, char *ret_line, size_t size);
bool board_is_ready(struct board *board, uint64_t now_ns, char *ret_line, size_t size);
void board_read(struct board *board, uint64_t now_ns, struct metrics *ret_metrics);

#endif
