/* SPDX-License-Identifier: Apache-2.0 */
/* Which containers of a history are meant by --pod or --container. */
#ifndef VARVE_RESPONDER_SELECT_H
#define VARVE_RESPONDER_SELECT_H

struct history;

/*
 * Marks the containers of the pod (NAMESPACE/NAME or UID) or the container (id, or at least 8 hex
 * digits of it if no other has them). -ENOENT: nothing matches; -ENOTUNIQ: more than one container;
 * both told in one line.
 */
int select_pod(struct history *h, const char *pod);
int select_container(struct history *h, const char *container);

#endif
