/* SPDX-License-Identifier: Apache-2.0 */
/* What may have been meant by a name that matches nothing. */
#ifndef VARVE_RESPONDER_NEAREST_H
#define VARVE_RESPONDER_NEAREST_H

#include <stddef.h>

#define NEAREST_CNT 3

/* Zero it; nearest_take_text() leaves it so. */
struct nearest {
	char *names[NEAREST_CNT]; /* copies, the nearest first */
	unsigned int distances[NEAREST_CNT];
	size_t cnt;
};

/* Upper and lower case are the same. */
void nearest_offer(struct nearest *n, const char *wanted, const char *name);
/* "; nearest: a, b", or "" if nothing was offered; the caller frees. */
char *nearest_take_text(struct nearest *n);

#endif
