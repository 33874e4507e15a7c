/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the process table by the records that pass, and adds to each what the table knows of its
 * process. */
#ifndef VARVE_ENRICH_H
#define VARVE_ENRICH_H

#include "sensor/record.h"
#include <stdbool.h>

struct proctab;

/* The event's container. */
struct enrich_container {
	uint64_t cgroup_id; /* 0: it is in none */
	/* Its first process, by the kernel; start 0: not known. */
	uint32_t first_pid;
	uint64_t first_start_ns;
};

/*
 * Updates the table by a checked record and fills ev->process (identity, executable, command line,
 * parent, ancestry, entry). in_scope: all that its process does is recorded. -ENOMEM: the arena is
 * used up.
 */
int enrich_process(struct proctab *table, const struct record *rec,
		   const struct enrich_container *in, bool in_scope, struct arena *arena,
		   Varve__V1__Event *ev);

#endif
