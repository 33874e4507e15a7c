/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is given out from the front of a block, and given back at once. When a block is full
 * another one comes; the first one stays. An arena (arena.h) does not grow.
 */
#ifndef VARVE_EVIDENCE_BLOCKS_H
#define VARVE_EVIDENCE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#define BLOCKS_ALIGN 8u

struct block;

/* All zero but for size: nothing is taken yet. */
struct blocks {
	size_t size;	     /* of a block; more if one thing needs more */
	struct block *block; /* that is filled */
	char *at, *end;
};

/* Begins a new block with room for size bytes, and takes them; NULL: there is no memory. */
void *blocks_take_of_new(struct blocks *b, size_t size);
/* All is given back. */
void blocks_reset(struct blocks *b);
void blocks_fini(struct blocks *b);

/* Not cleared; NULL: there is no memory. Valid until the reset. */
static inline void *blocks_take(struct blocks *b, size_t size)
{
	char *p = b->at;

	if ((size_t)(b->end - p) < size)
		return blocks_take_of_new(b, size);
	b->at = p + size;
	return p;
}

static inline void *blocks_take_aligned(struct blocks *b, size_t size)
{
	size_t off = -(uintptr_t)b->at & (BLOCKS_ALIGN - 1);

	if ((size_t)(b->end - b->at) < off + size)
		return blocks_take_of_new(b, size);
	b->at += off;
	return blocks_take(b, size);
}

#endif
