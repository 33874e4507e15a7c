/* SPDX-License-Identifier: Apache-2.0 */
/* Containers that run already when the sensor starts; and those that ended without its seeing. */
#ifndef VARVE_EXISTING_H
#define VARVE_EXISTING_H

#include <stdint.h>

struct intake;

/*
 * Finds them in the cgroup hierarchy (mounted at mount), puts them in scope and registers each.
 * After the hooks attached: what starts meanwhile is known from its event. When it returns all that
 * runs is watched.
 */
int existing_enter(struct intake *in, const char *mount);
/* Emits the start of each that existing_enter() found, marked so; before any record is taken. */
void existing_tell(struct intake *in);
/*
 * Closes the accounts of what is no more there and whose end was not seen: containers whose stop
 * was lost, and with
 * --scope all cgroups of no container, whose ends make no record.
 */
void existing_sweep(struct intake *in, const char *mount, uint64_t now_ns);
/* A record came of a cgroup whose start did not: registers its container if the cgroup is still
 * there. */
void existing_unseen(struct intake *in, const char *mount, uint64_t cgroup_id);

#endif
