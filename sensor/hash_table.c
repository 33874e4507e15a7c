/* SPDX-License-Identifier: Apache-2.0 */
/* Entries lie in one block and are named by index from 1; 0 is nobody. */
#include "sensor/hash_table.h"
#include "evidence/base.h"
#include <string.h>

struct entry {
	struct hash_key key;
	uint32_t chain;
	uint32_t older, newer; /* in the order of use */
	uint32_t pad0;
	uint8_t value[];
};

struct hash_table {
	size_t limit, cnt, entry_size, value_size, bucket_cnt;
	uint32_t oldest, newest;
	uint32_t *buckets;
	uint8_t *entries;
};

static struct entry *at(const struct hash_table *t, uint32_t i)
{
	return (struct entry *)(t->entries + (i - 1) * t->entry_size);
}

static uint32_t *bucket_of(const struct hash_table *t, const struct hash_key *key)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < HASH_KEY_WORDS; i++)
		sum = (sum ^ key->word[i]) * 0x9e3779b97f4a7c15ULL;
	return &t->buckets[(sum >> 32) & (t->bucket_cnt - 1)];
}

int hash_table_new(size_t limit, size_t value_size, struct hash_table **ret_table)
{
	struct hash_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->limit = limit;
	t->value_size = value_size;
	t->entry_size = (sizeof(struct entry) + value_size + 7) & ~7UL;
	for (t->bucket_cnt = 16; t->bucket_cnt < limit;)
		t->bucket_cnt *= 2;
	t->buckets = calloc(t->bucket_cnt, sizeof(*t->buckets));
	t->entries = calloc(limit, t->entry_size); /* resident only as far as it is used */
	if (!t->buckets || !t->entries) {
		hash_table_free(t);
		return -ENOMEM;
	}
	*ret_table = t;
	return 0;
}

void hash_table_free(struct hash_table *t)
{
	if (!t)
		return;
	free(t->buckets);
	free(t->entries);
	free(t);
}

static void unlink_use(struct hash_table *t, struct entry *e)
{
	*(e->older ? &at(t, e->older)->newer : &t->oldest) = e->newer;
	*(e->newer ? &at(t, e->newer)->older : &t->newest) = e->older;
}

static void use(struct hash_table *t, uint32_t i)
{
	struct entry *e = at(t, i);

	e->older = t->newest;
	e->newer = 0;
	*(t->newest ? &at(t, t->newest)->newer : &t->oldest) = i;
	t->newest = i;
}

static uint32_t find(const struct hash_table *t, const struct hash_key *key)
{
	uint32_t i = *bucket_of(t, key);

	while (i && memcmp(&at(t, i)->key, key, sizeof(*key)))
		i = at(t, i)->chain;
	return i;
}

void *hash_table_find(struct hash_table *t, const struct hash_key *key)
{
	uint32_t i = find(t, key);

	if (!i)
		return NULL;
	unlink_use(t, at(t, i));
	use(t, i);
	return at(t, i)->value;
}

/* A place for one more: the next free one, or the longest unused entry's. */
static uint32_t make_room(struct hash_table *t)
{
	uint32_t i = t->oldest, *link;

	if (t->cnt < t->limit)
		return ++t->cnt;
	link = bucket_of(t, &at(t, i)->key);
	while (*link != i)
		link = &at(t, *link)->chain;
	*link = at(t, i)->chain;
	unlink_use(t, at(t, i));
	return i;
}

void *hash_table_put(struct hash_table *t, const struct hash_key *key)
{
	void *known = hash_table_find(t, key);
	uint32_t i, *bucket;
	struct entry *e;

	if (known)
		return known;
	i = make_room(t);
	bucket = bucket_of(t, key);
	e = at(t, i);
	e->key = *key;
	e->chain = *bucket;
	*bucket = i;
	memset(e->value, 0, t->value_size);
	use(t, i);
	return e->value;
}

size_t hash_table_count(const struct hash_table *t)
{
	return t->cnt;
}
