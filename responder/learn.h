/* SPDX-License-Identifier: Apache-2.0 */
/* First pass of history.c: what one record tells about runs, containers and what is missing. */
#ifndef VARVE_RESPONDER_LEARN_H
#define VARVE_RESPONDER_LEARN_H

#include "responder/history.h"

struct source_item;

/* The run of the record; made if it is new. */
struct history_run *learn_run(struct history *h, const Varve__V1__Event *ev);
/* Takes in a record that did not come before; ns is its time, item where it was. */
void learn_record(struct history *h, struct history_run *run, const Varve__V1__Event *ev,
		  int64_t ns, const struct source_item *item);
/* The container of the record; NULL: none, or never seen. */
struct history_container *learn_find_container(const struct history *h, const Varve__V1__Event *ev);

#endif
