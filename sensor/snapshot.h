/* SPDX-License-Identifier: Apache-2.0 */
/* What is there already at the start: containers by the cgroup hierarchy, processes by the task
 * iterator. */
#ifndef VARVE_SNAPSHOT_H
#define VARVE_SNAPSHOT_H

#include "sensor/ring.h"
#include "varve.pb-c.h"

struct arena;
struct probes;
struct record;

/* Gives each process that runs as a raw ev_process_snapshot record. */
int snapshot_processes(const struct probes *probes, ring_fn fn, void *ctx);
/*
 * Adds the arguments from /proc, if the process there is still the same (by start time, to the
 * tick): an iterator cannot read another's memory on every kernel. Leaves them absent otherwise.
 */
int snapshot_fill_args(const struct record *rec, struct arena *arena,
		       Varve__V1__ProcessSnapshot *body);

#endif
