/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which container a cgroup is, and what its runtime's files say of it. The parsing is pure; the cache is
 * bounded. Nothing here asks a daemon or an API: cgroup paths and files on disk only.
 */
#ifndef VARVE_CONTAINER_H
#define VARVE_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTAINER_ID_MAX   255
#define CONTAINER_NAME_MAX 255 /* pod names are at most 253, container and namespace names 63 */
#define CONTAINER_IMAGE_MAX 511

/* What a cgroup path says. */
struct cgroup_identity {
	char container_id[CONTAINER_ID_MAX + 1];
	char runtime[16];     /* "containerd", "cri-o", "docker", "podman", "runc"; "" if the path does not say */
	char pod_uid[37];     /* 8-4-4-4-12 or as written (static pods: 32 hex); "" if in no pod */
};

/*
 * Parses a cgroup path relative to its hierarchy's root ("/kubepods/burstable/pod.../<id>",
 * "/kubepods.slice/.../cri-containerd-<id>.scope", "/docker/<id>", "/machine.slice/libpod-<id>.scope/container",
 * "/system.slice/runc-<name>.scope", ...). The innermost component that names a container wins, so nested cgroups
 * of a container are its own. 0; -ENOENT if the path names no container; -EINVAL if it is no path.
 * named_by_runtime: the cgroup was made by an OCI runtime, so a last component of any form is a container id
 * (plain runc: "/anything/<name>").
 */
int container_parse_cgroup(const char *path, bool named_by_runtime, struct cgroup_identity *ret_id);

/* What the bundle says. Strings are valid UTF-8, cut at their bounds; "" if not said. */
struct container_metadata {
	char name[CONTAINER_NAME_MAX + 1];
	char image[CONTAINER_IMAGE_MAX + 1];
	char pod_uid[37];
	char pod_name[CONTAINER_NAME_MAX + 1];
	char pod_namespace[CONTAINER_NAME_MAX + 1];
	bool is_sandbox;
};

/*
 * Parses a bundle's config.json: annotations of containerd's CRI, CRI-O, podman, and the common
 * "org.opencontainers.image.ref.name". -EAGAIN: not whole yet (being written), -EINVAL: no OCI configuration. At most
 * 4 MiB is read.
 */
int container_parse_bundle(const char *json, size_t len, struct container_metadata *ret_meta);

/*
 * The bundle's directory from the arguments of the runtime that made the cgroup ("runc ... create --bundle DIR ID",
 * also -b DIR, --bundle=DIR; without one its working directory). args: len bytes, a NUL between arguments.
 * 0, -ENOENT, -ENAMETOOLONG.
 */
int container_bundle_from_args(const char *args, size_t len, const char *cwd, char *ret_dir, size_t ret_size);

/*
 * Looks for the container's metadata on disk: first bundle_dir (may be NULL), then the runtimes' usual places
 * (containerd state directories, docker's config.v2.json, CRI-O's and podman's storage, /run/runc/ID/state.json), each under
 * `root` ("" on a node, a directory in tests, "/host" in a pod). -ENOENT: nowhere (yet); -EAGAIN: found half-written.
 */
int container_read_metadata(const char *root, const struct cgroup_identity *id, const char *bundle_dir,
			    struct container_metadata *ret_meta);

enum container_state { CONTAINER_PENDING, CONTAINER_RESOLVED, CONTAINER_UNRESOLVED };

/* One container. Owned by the table; lent until the next container_table_* call that changes it. */
struct container {
	uint64_t cgroup_id; /* key: the container's own cgroup in the v2 hierarchy */
	struct cgroup_identity id;
	struct container_metadata meta;
	enum container_state state;
	char *bundle_dir; /* NULL: not known */
	char *cgroup_path;
	uint64_t stream_sequence;  /* next number of its stream */
	uint64_t pending_records;  /* written while PENDING */
	uint64_t born_ns;	   /* boot time of registration */
	uint64_t retry_ns;	   /* boot time of the next look; 0: none */
	uint32_t tries;
	uint64_t gone_ns; /* boot time of its cgroup's removal; 0: there */
	struct container *next; /* hash chain */
};

struct container_table;

/* limit: most containers kept. */
int container_table_new(const char *root, size_t limit, struct container_table **ret_table);
void container_table_free(struct container_table *table);
/*
 * Registers a container and looks for its metadata at once. At the limit the longest gone is forgotten; if none is gone,
 * -ENOSPC. -EEXIST with *ret_container set if the cgroup id is known.
 */
int container_table_add(struct container_table *table, uint64_t cgroup_id, const char *cgroup_path,
			const struct cgroup_identity *id, const char *bundle_dir, uint64_t now_ns,
			struct container **ret_container);
struct container *container_table_find(struct container_table *table, uint64_t cgroup_id);
void container_table_remove(struct container_table *table, uint64_t cgroup_id);
/*
 * Looks again for those that are pending and due (2, 4, 8 ... 512 ms, then each second, 30 s in all, then
 * CONTAINER_UNRESOLVED). Calls resolved() for each whose state changed. ret_next_ns: when to call again, 0 for never.
 */
void container_table_retry(struct container_table *table, uint64_t now_ns,
			   void (*resolved)(struct container *c, void *ctx), void *ctx, uint64_t *ret_next_ns);
size_t container_table_count(const struct container_table *table);
/* Calls fn for each. fn must not change the table. */
void container_table_each(struct container_table *table, void (*fn)(struct container *c, void *ctx), void *ctx);

#endif
