/* SPDX-License-Identifier: Apache-2.0 */
/* Containers that run already when the sensor starts; and those that ended without its seeing. */
#ifndef VARVE_EXISTING_H
#define VARVE_EXISTING_H

#include <stdint.h>

struct container;
struct intake;

/*
 * Finds them in the cgroup hierarchy (mounted at mount), puts them in scope, registers each and
 * emits its start, marked as found. After the hooks attached: what starts meanwhile is known from
 * its event.
 */
int existing_containers(struct intake *in, const char *mount);
/*
 * Closes the accounts of what is no more there and whose end was not seen: containers whose stop
 * was lost, and with
 * --scope all cgroups of no container, whose ends make no record.
 */
void existing_sweep(struct intake *in, const char *mount, uint64_t now_ns);
/* Says that the container is there, without its start. */
int existing_found(struct intake *in, struct container *c);
/* A record came of a cgroup whose start did not: registers its container if the cgroup is still
 * there. */
void existing_unseen(struct intake *in, const char *mount, uint64_t cgroup_id);

#endif
