/* SPDX-License-Identifier: Apache-2.0 */
/* A cgroup hierarchy on disk, v2 or one of v1: what is in it. Which one: hierarchy.h. */
#ifndef VARVE_CGROUPS_H
#define VARVE_CGROUPS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Calls fn for each cgroup, parents first; path is relative to the mount ("/kubepods/..."), id as
 * the kernel's (kernfs_node.id). Cgroups that come and go meanwhile may be missed.
 */
int cgroups_walk(const char *mount, void (*fn)(uint64_t id, const char *path, void *ctx),
		 void *ctx);
/* The path of the cgroup with this id, relative to the mount. -ESTALE: it is gone. Needs
 * CAP_DAC_READ_SEARCH. */
int cgroups_path_of(const char *mount, uint64_t id, char *ret_path, size_t size);

#endif
