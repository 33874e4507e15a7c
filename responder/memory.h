/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of a program that is run by hand: when there is none left it says so and ends. The sensor
 * must not do that; a responder's command has nothing better to do.
 */
#ifndef VARVE_RESPONDER_MEMORY_H
#define VARVE_RESPONDER_MEMORY_H

#include <stddef.h>

void *memory_zalloc(size_t size);
/* A copy; NULL of NULL. */
char *memory_strdup(const char *s);
/* Room for one more element in a vector that holds cnt; *cap is its present room. */
void *memory_grow(void *v, size_t cnt, size_t *cap, size_t elem_size);
/* There is none left: says so and ends. */
void memory_exhausted(void) __attribute__((noreturn));
char *memory_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
