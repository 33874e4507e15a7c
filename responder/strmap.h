/* SPDX-License-Identifier: Apache-2.0 */
/* A map from strings to pointers. Owns copies of the keys, not what the values point to. */
#ifndef VARVE_RESPONDER_STRMAP_H
#define VARVE_RESPONDER_STRMAP_H

#include <stddef.h>
#include <stdint.h>

struct strmap_slot {
	char *key;
	void *value;
};

struct strmap {
	struct strmap_slot *slots;
	size_t cnt, size; /* size: a power of two, or 0 */
	uint64_t seed;
};

void strmap_fini(struct strmap *map);
/* NULL if it is not there. */
void *strmap_find(const struct strmap *map, const char *key);
/* The key must not be there yet. */
void strmap_add(struct strmap *map, const char *key, void *value);

/* The map's own copy of the key, which stays where it is; adds it, with a value that means nothing.
 */
const char *strmap_keep(struct strmap *map, const char *key);

#endif
