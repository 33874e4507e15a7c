/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a log that has to be read to replay a pod or container, found by the log's outline.
 */
#ifndef VARVE_RESPONDER_PART_H
#define VARVE_RESPONDER_PART_H

#include "evidence/log.h"
#include <stdbool.h>

struct history;

/*
 * h: the outline, with what is wanted selected. True: these segments of this partition, with the
 * outline of all others, say all about it that the whole log says. False: all has to be read.
 */
bool part_find(const struct history *h, unsigned int *ret_partition, struct log_range *ret_part);

#endif
