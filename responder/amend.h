/* SPDX-License-Identifier: Apache-2.0 */
/* A record as it is known by now: with the names of container, pod and owner that came later. */
#ifndef VARVE_RESPONDER_AMEND_H
#define VARVE_RESPONDER_AMEND_H

#include "evidence/event.h"

struct history;
struct history_container;

/* The record, shallow: what it points to is the record's, the history's, or here. Must not move. */
struct amended {
	Varve__V1__Event ev;
	Varve__V1__Container container;
	Varve__V1__Pod pod;
	Varve__V1__PodOwner owner, workload;
};

/* container: of the record; NULL: of the node, nothing changes. */
void amend(const struct history *h, const struct history_container *container,
	   const Varve__V1__Event *ev, struct amended *ret);

#endif
