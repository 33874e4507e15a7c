/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Colours for what varve prints for people, line by line, on the way to the terminal: the views
 * know nothing of them. Taken out again, the colours leave the line as it was.
 */
#ifndef VARVE_RESPONDER_PAINT_H
#define VARVE_RESPONDER_PAINT_H

#include <stddef.h>
#include <stdio.h>

/* The line has no newline. */
void paint_line(FILE *out, const char *line, size_t len);

#endif
