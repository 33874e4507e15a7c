/* SPDX-License-Identifier: Apache-2.0 */
/* Which containers of a history are meant by --pod or --container. */
#ifndef VARVE_RESPONDER_SELECT_H
#define VARVE_RESPONDER_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;

/*
 * Marks the containers of the pod (NAMESPACE/NAME or UID) or the container (id, or at least 8 hex
 * digits of it if no other has them). -ENOENT: nothing matches, told with the nearest names and the
 * time that is covered; -ENOTUNIQ: more than one container, or more than one pod that had this name
 * in the window, told one by one.
 */
int select_pod(struct history *h, const char *pod);
int select_container(struct history *h, const char *container);
/* The same without a word: how many were marked. *ret_other: more than one container was meant. */
size_t select_mark_pod(struct history *h, const char *pod);
size_t select_mark_container(struct history *h, const char *container, const char **ret_first,
			     const char **ret_other);
/* The selected pods by UID, in the order in which they began; the caller frees. */
struct select_pod {
	const char *uid, *node;
	int64_t first_ns, last_ns;
};
size_t select_list_pods(const struct history *h, struct select_pod **ret_pods);
/* Says that no pod matches, with the nearest names and the time that is covered; -ENOENT. */
int select_tell_no_pod(const struct history *h, const char *pod);
/* True if "NAMESPACE/NAME" is this pod's name. Any may be NULL. */
bool select_is_named(const char *namespace, const char *name, const char *wanted);

#endif
