/* SPDX-License-Identifier: Apache-2.0 */
/* After the first pass of history.c: which run of a node came after which. */
#ifndef VARVE_RESPONDER_ORDER_H
#define VARVE_RESPONDER_ORDER_H

struct history;

/* Puts runs, and the streams of each container, in the order of time, and links runs of a node. */
void order_by_time(struct history *h);

#endif
