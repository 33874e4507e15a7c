/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends UDP flows that the kernel side does not end itself. The records of the ends come through the
 * ring, with numbers, so they have to be asked for before counters are read.
 */
#ifndef VARVE_FLOWS_H
#define VARVE_FLOWS_H

#include <stddef.h>
#include <stdint.h>

struct probes;

struct flows {
	uint64_t next_ns; /* boot time of the next look */
	uint32_t live;	  /* flows that the last one left */
};

/* Each second, and at once when a flow found no room: those that are idle, longer or shorter as
 * there is room. */
void flows_tick(struct flows *flows, struct probes *probes, uint64_t now_ns);
/* Those of a cgroup that has gone. */
void flows_end_cgroup(struct probes *probes, uint64_t cgroup_id);
/* Some of all that are left; how many: 0 is the end. */
size_t flows_end_some(struct probes *probes);

#endif
