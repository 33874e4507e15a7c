/* SPDX-License-Identifier: Apache-2.0 */
/* Text made by printing: what describe.h prints, as a string. */
#ifndef VARVE_RESPONDER_PRINTED_H
#define VARVE_RESPONDER_PRINTED_H

#include <stddef.h>
#include <stdio.h>

struct printed {
	FILE *out;
	char *s;
	size_t len; /* once it has ended */
};

/* To be printed to; ends the program if there is no memory. */
FILE *printed_begin(struct printed *p);
/* The text; the caller frees. */
char *printed_end(struct printed *p);

#endif
