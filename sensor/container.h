/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The containers the sensor knows: a bounded table by cgroup id. What a cgroup path says is
 * container_cgroup.h's, what the runtime's files say is container_bundle.h's.
 */
#ifndef VARVE_CONTAINER_H
#define VARVE_CONTAINER_H

#include "sensor/container_bundle.h"
#include "sensor/container_cgroup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTAINER_LIMIT_MAX (1 << 20)

enum container_state { CONTAINER_PENDING, CONTAINER_RESOLVED, CONTAINER_UNRESOLVED };

struct pod;

/* One container. Owned by the table; lent until the next container_table_* call that changes it. */
struct container {
	uint64_t cgroup_id; /* key: the container's own cgroup, see hierarchy.h */
	struct cgroup_identity id;
	struct container_metadata meta;
	enum container_state state;
	char *bundle_dir; /* NULL: not known */
	char *cgroup_path;
	uint64_t stream_sequence; /* next number of its stream */
	uint64_t pending_records; /* written while PENDING */
	uint64_t outline_segment; /* of its last record (emit.c) */
	uint64_t born_ns;	  /* boot time of registration */
	uint64_t retry_ns;	  /* boot time of the next look; 0: none */
	uint32_t tries;
	uint64_t gone_ns;	/* boot time of its cgroup's removal; 0: there */
	/* Its first process, by the kernel; start 0: not known. */
	uint32_t first_pid;
	uint64_t first_start_ns;
	bool first_asked;
	bool start_told; /* its CONTAINER_START is out */
	bool account_told; /* the last: it is closed */
	struct pod *pod; /* pods.h; NULL: in none, or its UID is not known */
	struct container *next; /* hash chain */
};

struct container_table;

struct births;
/* limit: most containers kept, 1 to CONTAINER_LIMIT_MAX; else -EINVAL. */
int container_table_new(const char *root, size_t limit, struct container_table **ret_table);
void container_table_free(struct container_table *table);
/* Who is asked before the disk is; the caller's. */
void container_table_use(struct container_table *table, struct births *births);
/*
 * Registers a container and looks for its metadata at once. -ENOSPC: at the limit.
 * -EEXIST with *ret_container set if the cgroup id is known.
 * -ENAMETOOLONG: a path of PATH_MAX or more.
 */
int container_table_add(struct container_table *table, uint64_t cgroup_id, const char *cgroup_path,
			const struct cgroup_identity *id, const char *bundle_dir, uint64_t now_ns,
			struct container **ret_container);
struct container *container_table_find(struct container_table *table, uint64_t cgroup_id);
void container_table_remove(struct container_table *table, uint64_t cgroup_id);
/*
 * Looks again for those that are pending and due (2, 4, 8 ... 512 ms, then each second, 30 s in
 * all, then CONTAINER_UNRESOLVED). Calls resolved() for each whose state changed; it must not
 * change the table. ret_next_ns: when to call again, 0 for never.
 */
void container_table_retry(struct container_table *table, uint64_t now_ns,
			   void (*resolved)(struct container *c, void *ctx), void *ctx,
			   uint64_t *ret_next_ns);
size_t container_table_count(const struct container_table *table);
/* Calls fn for each. fn must not change the table. */
void container_table_each(struct container_table *table, void (*fn)(struct container *c, void *ctx),
			  void *ctx);

#endif
