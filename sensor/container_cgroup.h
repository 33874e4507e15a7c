/* SPDX-License-Identifier: Apache-2.0 */
/* Which container a cgroup path names. Pure: no I/O, no state. */
#ifndef VARVE_CONTAINER_CGROUP_H
#define VARVE_CONTAINER_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

#define CONTAINER_ID_MAX 255

/* What a cgroup path says. */
struct cgroup_identity {
	/* Valid UTF-8: bytes that are none came out as U+FFFD (only names a low-level runtime was
	 * given). */
	char container_id[CONTAINER_ID_MAX + 1];
	char runtime[16]; /* "containerd", "cri-o", "docker", "podman", "runc"; "" if the path does
			     not say */
	char pod_uid[37]; /* 8-4-4-4-12 or as written (static pods: 32 hex); "" if in no pod */
};

/*
 * Parses a cgroup path relative to its hierarchy's root ("/kubepods/burstable/pod.../<id>",
 * "/kubepods.slice/.../cri-containerd-<id>.scope", "/docker/<id>",
 * "/machine.slice/libpod-<id>.scope/container",
 * "/system.slice/runc-<name>.scope", ...). The innermost component that names a container wins, so
 * nested cgroups of a container are its own. 0; -ENOENT if the path names no container; -EINVAL if
 * it is no path. named_by_runtime: the cgroup was made by an OCI runtime, so a last component of
 * any form is a container id (plain runc: "/anything/<name>"), except the parents runtimes make on
 * their way (*.slice, /docker, pod<uid> ...).
 */
int container_parse_cgroup(const char *path, bool named_by_runtime, struct cgroup_identity *ret_id);

#endif
