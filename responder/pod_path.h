/* SPDX-License-Identifier: Apache-2.0 */
/* Whose container a cgroup is, as far as its path says. */
#ifndef VARVE_RESPONDER_POD_PATH_H
#define VARVE_RESPONDER_POD_PATH_H

#include <stdbool.h>

/* True if the path shows a pod's UID (pod8-4-4-4-12, with '-' or '_') and it is not this one's. */
bool pod_path_is_of_other(const char *cgroup_path, const char *pod_uid);
/* True if the path shows this pod's UID. */
bool pod_path_is_of(const char *cgroup_path, const char *pod_uid);

#endif
