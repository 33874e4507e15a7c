/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded table with keys and values of fixed size; at the limit what was not asked for longest
 * goes. All memory is taken at once.
 */
#ifndef VARVE_HASH_TABLE_H
#define VARVE_HASH_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define HASH_KEY_WORDS 4

struct hash_key {
	uint64_t word[HASH_KEY_WORDS];
};

struct hash_table;

/* limit: most entries, from 1. value_size: of each value. */
int hash_table_new(size_t limit, size_t value_size, struct hash_table **ret_table);
void hash_table_free(struct hash_table *table);
/* NULL if it is not there. Lent until the next hash_table_put(). */
void *hash_table_find(struct hash_table *table, const struct hash_key *key);
/* The entry's value, to be written; zeroed if the key is new. */
void *hash_table_put(struct hash_table *table, const struct hash_key *key);
size_t hash_table_count(const struct hash_table *table);

#endif
