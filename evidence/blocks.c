/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks hang below each other, the first one at the bottom. */
#include "evidence/blocks.h"
#include "evidence/base.h"

struct block {
	struct block *before;
	size_t size;
	_Alignas(BLOCKS_ALIGN) char data[];
};

static void fill(struct blocks *b, struct block *block)
{
	b->block = block;
	b->at = block ? block->data : NULL;
	b->end = block ? block->data + block->size : NULL;
}

void *blocks_take_of_new(struct blocks *b, size_t size)
{
	size_t room = MAX(size, b->size);
	struct block *block = room < SIZE_MAX / 2 ? malloc(sizeof(*block) + room) : NULL;

	if (!block)
		return NULL;
	block->before = b->block;
	block->size = room;
	fill(b, block);
	b->at += size;
	return block->data;
}

void blocks_reset(struct blocks *b)
{
	struct block *block = b->block;

	while (block && block->before) {
		struct block *before = block->before;

		free(block);
		block = before;
	}
	fill(b, block);
}

void blocks_fini(struct blocks *b)
{
	blocks_reset(b);
	free(b->block);
	fill(b, NULL);
}
