/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runtime says of a container, read as soon as its cgroup is made: a container can be
 * gone, and its bundle with it, before the main loop comes to its CONTAINER_START, on a node whose
 * CPUs or disks are busy. So a thread of its own, which does nothing else and sleeps but for that,
 * is woken by a ring of its own. What it missed the main loop looks for as for any other.
 */
#ifndef VARVE_BIRTHS_H
#define VARVE_BIRTHS_H

#include "sensor/container_bundle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct births;
struct record;

/* ring_fd: copies of the CONTAINER_STARTs, the caller's. root: as container_read_metadata()'s. */
int births_open(int ring_fd, const char *root, struct births **ret_births);
/* Hands over what was read for the container of this cgroup. False: nothing was; births: may be
 * NULL. */
bool births_take(struct births *births, uint64_t cgroup_id, struct container_metadata *ret_meta);
void births_close(struct births *births);

/* The bundle's directory, if an OCI runtime made the container; -ENOENT, -ENAMETOOLONG. Pure. */
int births_bundle(const struct record *rec, char *ret_dir, size_t ret_size);

#endif
