/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup v2 hierarchy on disk: where it is, and what is in it. */
#ifndef VARVE_CGROUPS_H
#define VARVE_CGROUPS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Where the whole v2 hierarchy is mounted, from /proc/self/mounts: a mount of a part of it (a
 * cgroup namespace's, say) will not do. -ENOENT, told in one line, if nowhere.
 */
int cgroups_find_mount(char *ret_path, size_t size);
/*
 * Calls fn for each cgroup, parents first; path is relative to the mount ("/kubepods/..."), id as
 * the kernel's bpf_get_current_cgroup_id(). Cgroups that come and go meanwhile may be missed.
 */
int cgroups_walk(const char *mount, void (*fn)(uint64_t id, const char *path, void *ctx),
		 void *ctx);
/* The path of the cgroup with this id, relative to the mount. -ESTALE: it is gone. Needs
 * CAP_DAC_READ_SEARCH. */
int cgroups_path_of(const char *mount, uint64_t id, char *ret_path, size_t size);

#endif
