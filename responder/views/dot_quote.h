/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in the language of graphviz. They are the evidence's: each stands in a quoted string with
 * nothing in it that graphviz would take for its own.
 */
#ifndef VARVE_RESPONDER_DOT_QUOTE_H
#define VARVE_RESPONDER_DOT_QUOTE_H

#include <stddef.h>
#include <stdio.h>

/* How many bytes of the text are whole characters of UTF-8, which graphviz insists on, and at most
 * `most`. */
size_t dot_cut(const char *s, size_t most);
/* NAME="VALUE", of the value at most so many bytes, then "...". Lines end with \l: to the left. */
void dot_print_attribute(FILE *out, const char *name, const char *value, size_t most);

#endif
