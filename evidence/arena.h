/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for the making of one record: a block taken once, given out from the front, all given back
 * at once. Nothing on the record path calls malloc.
 */
#ifndef VARVE_ARENA_H
#define VARVE_ARENA_H

#include <stddef.h>

struct arena {
	char *base;
	size_t size, used;
};

int arena_init(struct arena *a, size_t size);
void arena_fini(struct arena *a);
static inline void arena_reset(struct arena *a)
{
	a->used = 0;
}
/* Eight-byte aligned, not cleared; NULL when the block is used up. Valid until arena_reset(). */
void *arena_alloc(struct arena *a, size_t size);
void *arena_zalloc(struct arena *a, size_t size);
/* Copy of len bytes with a NUL behind. */
char *arena_strndup(struct arena *a, const char *s, size_t len);

#endif
