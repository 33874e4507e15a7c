/* SPDX-License-Identifier: Apache-2.0 */
/* What a view for people says of a container before what happened in it. */
#ifndef VARVE_RESPONDER_HEADER_H
#define VARVE_RESPONDER_HEADER_H

#include "responder/history.h"
#include <stdio.h>

/* Name, pod, workload, image, node, life and number of records, with an empty line behind it. */
void header_print(FILE *out, const struct history_container *c);

#endif
