/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the view `ecs` share. */
#ifndef VARVE_RESPONDER_ECS_H
#define VARVE_RESPONDER_ECS_H

#include "responder/views/projection.h"

void ecs_put_count(struct writer *w, const char *key, const struct fact_number *n);
/* Nothing, of a kind that is not of the network. */
void ecs_put_network(struct writer *w, const struct facts *f);
/* NULL: nothing. */
void ecs_put_dns(struct writer *w, const Varve__V1__DnsMessage *m);

#endif
