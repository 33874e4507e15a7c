/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing, at most half full; seeded, since the keys come from the evidence. */
#include "responder/strmap.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include <string.h>
#include <sys/random.h>

#define ODD_A 0x9e3779b97f4a7c15ULL
#define ODD_B 0xd6e8feb86659fd93ULL

/* Both halves of the product: each bit of both goes into each bit of the result. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 v = (unsigned __int128)a * b;

	return (uint64_t)v ^ (uint64_t)(v >> 64);
}

/* Eight bytes at a time: keys are UUIDs and container ids, and are looked up for each record. */
static uint64_t hash(uint64_t seed, const char *s)
{
	size_t len = strlen(s);
	uint64_t h = seed ^ len, v;

	for (; len >= sizeof(v); s += sizeof(v), len -= sizeof(v)) {
		memcpy(&v, s, sizeof(v));
		h = mix(h ^ v ^ ODD_A, seed ^ ODD_B);
	}
	v = 0;
	memcpy(&v, s, len);
	return mix(h ^ v ^ ODD_B, seed ^ ODD_A);
}

static struct strmap_slot *slot_of(struct strmap_slot *slots, size_t size, uint64_t seed,
				   const char *key)
{
	size_t i = hash(seed, key) & (size - 1);

	while (slots[i].key && strcmp(slots[i].key, key))
		i = (i + 1) & (size - 1);
	return &slots[i];
}

static void rehash(struct strmap *map, size_t size)
{
	struct strmap_slot *slots = memory_zalloc(size * sizeof(*slots));

	for (size_t i = 0; i < map->size; i++)
		if (map->slots[i].key)
			*slot_of(slots, size, map->seed, map->slots[i].key) = map->slots[i];
	free(map->slots);
	map->slots = slots;
	map->size = size;
}

void strmap_fini(struct strmap *map)
{
	for (size_t i = 0; i < map->size; i++)
		free(map->slots[i].key);
	free(map->slots);
	*map = (struct strmap){};
}

void *strmap_find(const struct strmap *map, const char *key)
{
	return map->size ? slot_of(map->slots, map->size, map->seed, key)->value : NULL;
}

void strmap_add(struct strmap *map, const char *key, void *value)
{
	if (!map->size && getrandom(&map->seed, sizeof(map->seed), 0) < 0)
		map->seed = (uintptr_t)map;
	if (2 * (map->cnt + 1) > map->size)
		rehash(map, map->size ? map->size * 2 : 64);
	struct strmap_slot *slot = slot_of(map->slots, map->size, map->seed, key);

	slot->key = memory_strdup(key);
	slot->value = value;
	map->cnt++;
}

const char *strmap_keep(struct strmap *map, const char *key)
{
	if (!strmap_find(map, key))
		strmap_add(map, key, map);
	return slot_of(map->slots, map->size, map->seed, key)->key;
}
