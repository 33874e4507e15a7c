/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for the making of one record; see arena.h. */
#include "evidence/arena.h"
#include "evidence/base.h"
#include <string.h>

#define ARENA_ALIGN 8u

int arena_init(struct arena *a, size_t size)
{
	char *base = malloc(size);

	if (!base)
		return -ENOMEM;
	*a = (struct arena){.base = base, .size = size};
	return 0;
}

void arena_fini(struct arena *a)
{
	free(a->base);
	*a = (struct arena){0};
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t start = (a->used + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);

	if (start > a->size || size > a->size - start)
		return NULL;
	a->used = start + size;
	return a->base + start;
}

void *arena_zalloc(struct arena *a, size_t size)
{
	void *p = arena_alloc(a, size);

	return p ? memset(p, 0, size) : NULL;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p;

	if (len == SIZE_MAX)
		return NULL;
	p = arena_alloc(a, len + 1);
	if (!p)
		return NULL;
	if (len)
		memcpy(p, s, len);
	p[len] = '\0';
	return p;
}
