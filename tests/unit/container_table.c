/* SPDX-License-Identifier: Apache-2.0 */
/* The table of containers: its bound, what it forgets, and when it looks again. */
#include "sensor/container.h"

#include "evidence/base.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define MS NSEC_PER_MSEC

static char root[64];
static struct cgroup_identity id = {.container_id = "web", .runtime = "runc"};

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/varve-table-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static void put(const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/b", root);
	mkdir(path, 0755);
	strcat(path, "/config.json");
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int remove_root(void **state)
{
	char path[PATH_MAX];

	(void)state;
	snprintf(path, sizeof(path), "%s/b/config.json", root);
	remove(path);
	snprintf(path, sizeof(path), "%s/b", root);
	remove(path);
	return remove(root);
}

static struct container_table *new_table(size_t limit)
{
	struct container_table *table = NULL;

	assert_int_equal(container_table_new(root, limit, &table), 0);
	return table;
}

static struct container *add(struct container_table *table, uint64_t cgroup_id, uint64_t now_ns)
{
	struct container *c = NULL;

	assert_int_equal(container_table_add(table, cgroup_id, "/web", &id, "/b", now_ns, &c), 0);
	assert_non_null(c);
	return c;
}

static void refuses_a_senseless_limit(void **state)
{
	struct container_table *table = NULL;

	(void)state;
	assert_int_equal(container_table_new("", 0, &table), -EINVAL);
	assert_int_equal(container_table_new("", SIZE_MAX, &table), -EINVAL);
	assert_null(table);
	container_table_free(NULL);
}

static void resolves_at_once(void **state)
{
	struct container_table *table = new_table(4);
	struct container *c, *again = NULL;
	uint64_t next_ns = 1;

	(void)state;
	put("{\"ociVersion\":\"1.0.2\",\"annotations\":{\"io.kubernetes.container.name\":"
	    "\"checkout\"}}");
	c = add(table, 7, 100);
	assert_int_equal(c->state, CONTAINER_RESOLVED);
	assert_string_equal(c->meta.name, "checkout");
	assert_string_equal(c->cgroup_path, "/web");
	assert_int_equal(c->retry_ns, 0);
	assert_int_equal(c->born_ns, 100);
	assert_int_equal(container_table_add(table, 7, "/other", &id, NULL, 200, &again), -EEXIST);
	assert_ptr_equal(again, c);
	assert_string_equal(c->cgroup_path, "/web");
	container_table_retry(table, 1000 * MS, NULL, NULL, &next_ns);
	assert_int_equal(next_ns, 0);
	container_table_free(table);
}

static void refuses_beyond_its_limit(void **state)
{
	struct container_table *table = new_table(3);
	struct container *c = NULL;

	(void)state;
	add(table, 1, 10);
	/* One that is gone has its account to be closed: it may not go either. */
	add(table, 2, 20)->gone_ns = 200;
	add(table, 3, 30);
	assert_int_equal(container_table_add(table, 6, "/x", &id, NULL, 60, &c), -ENOSPC);
	assert_null(c);
	assert_int_equal(container_table_count(table), 3);
	container_table_remove(table, 1);
	container_table_remove(table, 1);
	assert_int_equal(container_table_count(table), 2);
	add(table, 6, 60);
	container_table_free(table);
}

static void count_one(struct container *c, void *ctx)
{
	(void)c;
	++*(int *)ctx;
}

static void waits_longer_each_time(void **state)
{
	struct container_table *table = new_table(4);
	struct container *c = add(table, 7, 1000 * MS);
	uint64_t now = 1000 * MS, next = 0;
	int calls = 0;

	(void)state;
	assert_int_equal(c->state, CONTAINER_PENDING);
	for (uint64_t wait = 2 * MS; wait <= 512 * MS; wait *= 2) {
		assert_int_equal(c->retry_ns, now + wait);
		container_table_retry(table, now + wait - 1, count_one, &calls, &next);
		assert_int_equal(next, now + wait);
		now += wait;
		container_table_retry(table, now, count_one, &calls, &next);
	}
	assert_int_equal(c->retry_ns, now + 1000 * MS);
	while (next) {
		assert_true(next - now <= 1000 * MS);
		now = next;
		container_table_retry(table, now, count_one, &calls, &next);
	}
	assert_int_equal(c->state, CONTAINER_UNRESOLVED);
	assert_int_equal(calls, 1);
	assert_true(now >= 31000 * MS && now < 32100 * MS);
	assert_int_equal(c->retry_ns, 0);
	container_table_free(table);
}

static void resolves_when_the_file_is_whole(void **state)
{
	struct container_table *table = new_table(4);
	struct container *c;
	uint64_t next = 0;
	int calls = 0;

	(void)state;
	put("{\"ociVersion\":\"1.0.2\",\"annota");
	c = add(table, 7, 0);
	assert_int_equal(c->state, CONTAINER_PENDING);
	add(table, 8, 100 * MS)->bundle_dir[1] = 'x'; /* one that stays pending */
	put("{\"ociVersion\":\"1.0.2\"}");
	container_table_retry(table, 100 * MS, count_one, &calls, &next);
	assert_int_equal(c->state, CONTAINER_RESOLVED);
	assert_string_equal(c->meta.name, "");
	assert_int_equal(calls, 1);
	container_table_free(table);
}

static void bounds_each_entry(void **state)
{
	struct container_table *table = new_table(4);
	struct container *c = NULL;
	char *path = malloc(PATH_MAX + 1);

	(void)state;
	memset(path, 'x', PATH_MAX);
	path[PATH_MAX] = 0;
	assert_int_equal(container_table_add(table, 1, path, &id, NULL, 0, &c), -ENAMETOOLONG);
	assert_int_equal(container_table_add(table, 1, "/x", &id, path, 0, &c), -ENAMETOOLONG);
	assert_null(c);
	assert_int_equal(container_table_count(table), 0);
	free(path);
	container_table_free(table);
}

/* Churn: a table of ten sees a thousand containers, each gone before the tenth after it comes. */
static void stays_bounded_under_churn(void **state)
{
	struct container_table *table = new_table(10);
	int seen = 0;

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++) {
		struct container *c = NULL;

		if (i > 10)
			container_table_remove(table, (i - 10) << 33 | (i - 10));
		assert_int_equal(container_table_add(table, i << 33 | i, "/web", &id, NULL, i, &c),
				 0);
		assert_true(container_table_count(table) <= 10);
	}
	container_table_each(table, count_one, &seen);
	assert_int_equal(seen, 10);
	for (uint64_t i = 991; i <= 1000; i++)
		assert_non_null(container_table_find(table, i << 33 | i));
	container_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_a_senseless_limit),
		cmocka_unit_test_setup_teardown(resolves_at_once, make_root, remove_root),
		cmocka_unit_test_setup_teardown(refuses_beyond_its_limit, make_root, remove_root),
		cmocka_unit_test_setup_teardown(waits_longer_each_time, make_root, remove_root),
		cmocka_unit_test_setup_teardown(resolves_when_the_file_is_whole, make_root,
						remove_root),
		cmocka_unit_test_setup_teardown(bounds_each_entry, make_root, remove_root),
		cmocka_unit_test_setup_teardown(stays_bounded_under_churn, make_root, remove_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
