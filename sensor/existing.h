/* SPDX-License-Identifier: Apache-2.0 */
/* Containers that run already when the sensor starts; and those that ended without its seeing. */
#ifndef VARVE_EXISTING_H
#define VARVE_EXISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXISTING_MISSING_MAX 1024

struct intake;

/* Cgroups that the last sweep did not find; what there is no room for waits for a later one. */
struct existing_missing {
	uint64_t cgroup_id[EXISTING_MISSING_MAX];
	size_t cnt;
};

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
 * was lost, and with --scope all cgroups of no container, whose ends make no record. What two
 * sweeps in a row do not find is gone, not what one does not: the kernel tells of a cgroup that is
 * made before it can be found. True: something was not found for the first time; the next sweep
 * should come soon.
 */
bool existing_sweep(struct intake *in, const char *mount, uint64_t now_ns);
/* A record came of a cgroup whose start did not: registers its container if the cgroup is still
 * there. */
void existing_unseen(struct intake *in, const char *mount, uint64_t cgroup_id);

#endif
