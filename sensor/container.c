/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of containers: chained hash by cgroup id, never more than its limit. A container stays
 * after its cgroup is gone, until its account is closed and intake.c removes it.
 */
#include "sensor/container.h"

#include "evidence/base.h"
#include "sensor/births.h"

#include <limits.h>
#include <string.h>

#define RETRY_FIRST_NS (2 * NSEC_PER_MSEC)
#define RETRY_DOUBLES  9 /* 2 ms to 512 ms */
#define RETRY_LAST_NS  NSEC_PER_SEC
#define RETRY_FOR_NS   (30 * NSEC_PER_SEC)

struct container_table {
	char *root;
	struct births *births; /* NULL: nobody read anything */
	size_t limit, cnt;
	size_t bucket_cnt; /* power of two */
	struct container *buckets[];
};

static struct container **bucket_of(struct container_table *table, uint64_t cgroup_id)
{
	/* cgroup ids are inode numbers, small and dense: spread by a multiplication (Knuth, 2^64 /
	 * golden ratio) */
	return &table->buckets[(cgroup_id * 0x9e3779b97f4a7c15ULL >> 32) & (table->bucket_cnt - 1)];
}

static void container_free(struct container *c)
{
	if (!c)
		return;
	free(c->bundle_dir);
	free(c->cgroup_path);
	free(c);
}

int container_table_new(const char *root, size_t limit, struct container_table **ret_table)
{
	struct container_table *table;
	size_t buckets = 16;

	if (!limit || limit > CONTAINER_LIMIT_MAX)
		return -EINVAL;
	while (buckets < limit)
		buckets *= 2;
	table = calloc(1, sizeof(*table) + buckets * sizeof(table->buckets[0]));
	if (!table)
		return -ENOMEM;
	table->root = strdup(root ? root : "");
	if (!table->root) {
		free(table);
		return -ENOMEM;
	}
	table->limit = limit;
	table->bucket_cnt = buckets;
	*ret_table = table;
	return 0;
}

void container_table_free(struct container_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->bucket_cnt; i++) {
		for (struct container *c = table->buckets[i], *next; c; c = next) {
			next = c->next;
			container_free(c);
		}
	}
	free(table->root);
	free(table);
}

void container_table_use(struct container_table *table, struct births *births)
{
	table->births = births;
}

struct container *container_table_find(struct container_table *table, uint64_t cgroup_id)
{
	struct container *c = *bucket_of(table, cgroup_id);

	while (c && c->cgroup_id != cgroup_id)
		c = c->next;
	return c;
}

void container_table_remove(struct container_table *table, uint64_t cgroup_id)
{
	for (struct container **link = bucket_of(table, cgroup_id); *link; link = &(*link)->next) {
		struct container *c = *link;

		if (c->cgroup_id != cgroup_id)
			continue;
		*link = c->next;
		container_free(c);
		table->cnt--;
		return;
	}
}

size_t container_table_count(const struct container_table *table)
{
	return table->cnt;
}

void container_table_each(struct container_table *table, void (*fn)(struct container *c, void *ctx),
			  void *ctx)
{
	for (size_t i = 0; i < table->bucket_cnt; i++)
		for (struct container *c = table->buckets[i]; c; c = c->next)
			fn(c, ctx);
}

/* One look, on disk if nobody has had it; sets state and the time of the next. True if the state is
 * final now. */
static bool look(const struct container_table *table, struct container *c, uint64_t now_ns)
{
	uint64_t wait_ns = c->tries < RETRY_DOUBLES ? RETRY_FIRST_NS << c->tries : RETRY_LAST_NS;

	c->retry_ns = 0;
	if (births_take(table->births, c->cgroup_id, &c->meta) ||
	    !container_read_metadata(table->root, &c->id, c->bundle_dir, &c->meta)) {
		c->state = CONTAINER_RESOLVED;
		return true;
	}
	if (now_ns >= c->born_ns && now_ns - c->born_ns >= RETRY_FOR_NS) {
		c->state = CONTAINER_UNRESOLVED;
		return true;
	}
	c->tries++;
	c->retry_ns = now_ns + wait_ns;
	return false;
}

static int container_new(uint64_t cgroup_id, const char *cgroup_path,
			 const struct cgroup_identity *id, const char *bundle_dir, uint64_t now_ns,
			 struct container **ret_container)
{
	struct container *c;

	/* The count bounds the table's memory only if each entry is bounded too. */
	if (strnlen(cgroup_path, PATH_MAX) == PATH_MAX ||
	    (bundle_dir && strnlen(bundle_dir, PATH_MAX) == PATH_MAX))
		return -ENAMETOOLONG;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->cgroup_id = cgroup_id;
	c->id = *id;
	c->born_ns = now_ns;
	c->cgroup_path = strdup(cgroup_path);
	c->bundle_dir = bundle_dir ? strdup(bundle_dir) : NULL;
	if (!c->cgroup_path || (bundle_dir && !c->bundle_dir)) {
		container_free(c);
		return -ENOMEM;
	}
	*ret_container = c;
	return 0;
}

int container_table_add(struct container_table *table, uint64_t cgroup_id, const char *cgroup_path,
			const struct cgroup_identity *id, const char *bundle_dir, uint64_t now_ns,
			struct container **ret_container)
{
	struct container *c = container_table_find(table, cgroup_id);
	struct container **bucket = bucket_of(table, cgroup_id);
	int err;

	if (c) {
		*ret_container = c;
		return -EEXIST;
	}
	err = container_new(cgroup_id, cgroup_path, id, bundle_dir, now_ns, &c);
	if (err)
		return err;
	if (table->cnt >= table->limit) {
		container_free(c);
		return -ENOSPC;
	}
	look(table, c, now_ns);
	c->next = *bucket;
	*bucket = c;
	table->cnt++;
	*ret_container = c;
	return 0;
}

void container_table_retry(struct container_table *table, uint64_t now_ns,
			   void (*resolved)(struct container *c, void *ctx), void *ctx,
			   uint64_t *ret_next_ns)
{
	uint64_t next_ns = 0;

	for (size_t i = 0; i < table->bucket_cnt; i++) {
		for (struct container *c = table->buckets[i]; c; c = c->next) {
			if (c->state != CONTAINER_PENDING)
				continue;
			if (c->retry_ns <= now_ns && look(table, c, now_ns))
				resolved(c, ctx);
			else if (!next_ns || c->retry_ns < next_ns)
				next_ns = c->retry_ns;
		}
	}
	*ret_next_ns = next_ns;
}
