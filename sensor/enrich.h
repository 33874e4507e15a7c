/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the process table by the records that pass, and adds to each what the table knows of its
 * process. */
#ifndef VARVE_ENRICH_H
#define VARVE_ENRICH_H

#include "sensor/record.h"
#include <stdbool.h>

struct proctab;

/*
 * Updates the table by a checked record and fills ev->process (identity, executable, command line,
 * parent, ancestry). container: cgroup id of the event's container, 0 if it is in none. in_scope:
 * all that its process does is recorded. -ENOMEM: the arena is used up.
 */
int enrich_process(struct proctab *table, const struct record *rec, uint64_t container,
		   bool in_scope, struct arena *arena, Varve__V1__Event *ev);

#endif
