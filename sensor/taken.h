/* SPDX-License-Identifier: Apache-2.0 */
/* The last numbered records of a log. A sensor that was killed may have written them and not yet
 * taken them from their rings. */
#ifndef VARVE_TAKEN_H
#define VARVE_TAKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From the rings, before the log is written and their space given back. */
#define TURN_RECORDS 4096

struct taken_number {
	uint64_t cgroup_id, number;
	uint32_t cpu, ev_class;
};

struct taken {
	struct taken_number last[2 * TURN_RECORDS];
	size_t cnt; /* of all that were added */
};

/* Beyond the room there is the oldest goes. */
void taken_add(struct taken *t, const struct taken_number *number);
/* Between the last taken_add() and the first taken_has(). */
void taken_sort(struct taken *t);
/* t: NULL has none. */
bool taken_has(const struct taken *t, const struct taken_number *number);

#endif
