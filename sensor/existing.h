/* SPDX-License-Identifier: Apache-2.0 */
/* Containers that run already when the sensor starts. */
#ifndef VARVE_EXISTING_H
#define VARVE_EXISTING_H

struct intake;

/*
 * Finds them in the cgroup v2 hierarchy (mounted at mount), puts them in scope, registers each and emits its start, marked
 * as found. After the hooks attached: what starts meanwhile is known from its event.
 */
int existing_containers(struct intake *in, const char *mount);

#endif
