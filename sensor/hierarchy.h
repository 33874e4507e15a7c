/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroup hierarchy that containers are told apart by: v2, or where they have no cgroups in it,
 * the v1 hierarchy of the controller pids, or else memory: a container has one in each.
 */
#ifndef VARVE_HIERARCHY_H
#define VARVE_HIERARCHY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Containers, by hashes of their ids, that were not here at the last look; some of them. */
struct hierarchy_missing {
	uint64_t id[64];
	size_t cnt;
};

struct hierarchy {
	char mount[4096];
	const char *name;   /* "v2", "pids", "memory" */
	uint32_t number;    /* the kernel's, 0: v2; cgroup_root.hierarchy_id */
	char v2[4096 + 16]; /* where v2 is mounted, here or for init; "": nowhere to be seen */
	char beside[4096];  /* where the one not chosen is mounted, v2 or of v1; "": nowhere */
	bool beside_has;    /* containers that the one chosen has not; once seen, it stays so */
	struct hierarchy_missing missing;
};

/*
 * wanted: enum conf_hierarchy. Auto: v2 if it is mounted; v1 if only that is, or if containers,
 * told by their cgroups' names, are in v1 only and none in v2 only. A mount of a part of a
 * hierarchy (a cgroup namespace's, say) will not do. -ENOENT, told in one line, if there is none.
 */
int hierarchy_choose(int wanted, struct hierarchy *ret);
/* To be called now and then: true, and a warning, if by now a container is in the other hierarchy
 * only; once. */
bool hierarchy_look_beside(struct hierarchy *h);
/* The root of v2, which cgroup programs are attached to whatever the hierarchy: all sockets are
 * below it. Only where it is not mounted by a mount of our own, which ends with the descriptor: one
 * more mount would set the options of the whole hierarchy (nsdelegate) anew. */
int hierarchy_open_v2(const struct hierarchy *h, int *ret_fd);

#endif
