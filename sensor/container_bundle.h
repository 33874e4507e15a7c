/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container's runtime left on disk about it. Asks no daemon and no API. The parsers are
 * pure; the only I/O is in container_read_metadata().
 */
#ifndef VARVE_CONTAINER_BUNDLE_H
#define VARVE_CONTAINER_BUNDLE_H

#include "sensor/container_cgroup.h"

#include <stdbool.h>
#include <stddef.h>

#define CONTAINER_NAME_MAX   255 /* pod names are at most 253, container and namespace names 63 */
#define CONTAINER_IMAGE_MAX  511
#define CONTAINER_FILE_LIMIT (4 << 20)

/* What the bundle says. Strings are valid UTF-8, cut at their bounds; "" if not said. */
struct container_metadata {
	char name[CONTAINER_NAME_MAX + 1]; /* "" for a sandbox */
	char image[CONTAINER_IMAGE_MAX + 1];
	char pod_uid[37];
	char pod_name[CONTAINER_NAME_MAX + 1];
	char pod_namespace[CONTAINER_NAME_MAX + 1];
	bool is_sandbox;
};

/*
 * Parses a bundle's config.json: annotations of containerd's CRI, CRI-O, podman, nerdctl, and the
 * common "io.kubernetes.pod.*" and "org.opencontainers.image.ref.name". -EAGAIN: not whole yet
 * (being written), -EINVAL: no OCI configuration. At most 4 MiB is read.
 */
int container_parse_bundle(const char *json, size_t len, struct container_metadata *ret_meta);

/* Docker's config.v2.json, with the labels that Kubernetes' docker shims set. Errors as above. */
int container_parse_docker(const char *json, size_t len, struct container_metadata *ret_meta);

/*
 * The list of containers/storage (podman, CRI-O: containers.json, volatile-containers.json): name
 * and image of this container; pod names are not taken from it. -ENOENT: not in it; other errors as
 * above.
 */
int container_parse_storage(const char *json, size_t len, const char *id,
			    struct container_metadata *ret_meta);

/* The bundle's directory from runc's state.json or crun's status. -ENOENT: not said; -ENAMETOOLONG;
 * as above. */
int container_parse_state(const char *json, size_t len, char *ret_dir, size_t ret_size);

/*
 * The bundle's directory from the arguments of the runtime that made the cgroup ("runc ... create
 * --bundle DIR ID", also -b DIR, --bundle=DIR; without one its working directory). args: len bytes,
 * a NUL between arguments. cwd may be NULL. 0, -ENOENT, -ENAMETOOLONG.
 */
int container_bundle_from_args(const char *args, size_t len, const char *cwd, char *ret_dir,
			       size_t ret_size);

/* The directories that are looked at, where no bundle is known; one may come twice. */
void container_each_place(void (*fn)(const char *dir, void *ctx), void *ctx);

/*
 * Looks for the container's metadata on disk: first bundle_dir (may be NULL), then the runtimes'
 * usual places (containerd state directories, docker's config.v2.json, CRI-O's and podman's
 * storage, /run/runc/ID/state.json), each under `root` ("" on a node, a directory in tests, "/host"
 * in a pod). -ENOENT: nowhere (yet); -EAGAIN: found half-written; -EINVAL: found, but nothing that
 * can be read. A pod other than the cgroup path's is not believed: its fields stay "".
 */
int container_read_metadata(const char *root, const struct cgroup_identity *id,
			    const char *bundle_dir, struct container_metadata *ret_meta);

#endif
