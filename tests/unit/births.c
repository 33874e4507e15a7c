/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of a container when its cgroup is made, and who gets it: its own, once, also when
 * the bundle has gone by then. */
#include "sensor/births.c"
#include "sensor/container.h"
#include "tests/unit/raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UID "6f1c7f0e-3b1d-4b66-8f57-1f0a4f1f9d11"

static char root[64];
static struct births *births;
static struct raw raw;

static void bundle_path(char path[128], const char *name)
{
	snprintf(path, 128, "%s/b%s", root, name);
}

static void put_bundle(const char *container)
{
	char path[128];
	FILE *f;

	bundle_path(path, "");
	mkdir(path, 0755);
	bundle_path(path, "/config.json");
	f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f,
		"{\"ociVersion\":\"1.0.2\",\"annotations\":{\"io.kubernetes.cri.container-type\":"
		"\"container\",\"io.kubernetes.cri.container-name\":\"%s\",\"io.kubernetes.cri."
		"sandbox-uid\":\"" UID
		"\",\"io.kubernetes.cri.sandbox-name\":\"job\",\"io.kubernetes."
		"cri.sandbox-namespace\":\"shop\"}}",
		container);
	fclose(f);
}

static void remove_bundle(void)
{
	char path[128];

	bundle_path(path, "/config.json");
	remove(path);
	bundle_path(path, "");
	remove(path);
}

static int open_all(void **state)
{
	(void)state;
	strcpy(root, "/tmp/varve-births-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	births = calloc(1, sizeof(*births));
	births->root = strdup(root);
	births->stop_fd = -1;
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	births_free(births);
	remove_bundle();
	return remove(root);
}

static void begin(uint64_t cgroup_id, const char *maker)
{
	RAW_BEGIN(&raw, CONTAINER_START, container_start);
	raw.hdr.cgroup_id = raw.container_start.container = cgroup_id;
	strcpy(raw.hdr.task.comm, maker);
	raw_text(&raw, &raw.container_start.cgroup_path, "/kubepods/burstable/pod" UID "/" ID);
	raw_put(&raw, &raw.container_start.maker_args, "runc\0create\0--bundle\0/b\0" ID, 24 + 65);
}

static void give(void)
{
	born(&raw, raw_end(&raw), births);
}

static void hands_over_once(void **state)
{
	struct container_metadata meta = {};

	(void)state;
	put_bundle("app");
	begin(7, "runc");
	give();
	assert_false(births_take(births, 8, &meta));
	assert_true(births_take(births, 7, &meta));
	assert_string_equal(meta.name, "app");
	assert_string_equal(meta.pod_name, "job");
	assert_string_equal(meta.pod_namespace, "shop");
	assert_false(births_take(births, 7, &meta));
	assert_false(births_take(NULL, 7, &meta));
}

static void serves_a_container_whose_bundle_is_gone(void **state)
{
	struct cgroup_identity id;
	struct container_table *table = NULL;
	struct container *c = NULL;

	(void)state;
	put_bundle("app");
	begin(7, "runc");
	give();
	remove_bundle();
	assert_int_equal(container_parse_cgroup("/kubepods/pod" UID "/" ID, true, &id), 0);
	assert_int_equal(container_table_new(root, 4, &table), 0);
	container_table_use(table, births);
	assert_int_equal(container_table_add(table, 7, "/x", &id, "/b", 1, &c), 0);
	assert_int_equal(c->state, CONTAINER_RESOLVED);
	assert_string_equal(c->meta.name, "app");
	/* Another's cgroup, of the same id and bundle: that is not its own. */
	assert_int_equal(container_table_add(table, 8, "/y", &id, "/b", 1, &c), 0);
	assert_int_equal(c->state, CONTAINER_PENDING);
	container_table_free(table);
}

static void keeps_nothing_that_it_could_not_read(void **state)
{
	struct container_metadata meta = {};

	(void)state;
	begin(7, "runc");
	give(); /* no bundle */
	put_bundle("app");
	begin(8, "systemd"); /* whose arguments name no bundle */
	give();
	begin(9, "runc");
	raw.container_start.maker_args.len = 1 << 20; /* malformed */
	give();
	begin(10, "runc");
	born(&raw, sizeof(raw.hdr), births);
	RAW_BEGIN(&raw, EXEC, exec);
	raw.hdr.cgroup_id = 11;
	give();
	for (uint64_t id = 7; id <= 11; id++)
		assert_false(births_take(births, id, &meta));
}

static void is_bounded_and_forgets_the_oldest(void **state)
{
	struct container_metadata meta = {};
	uint64_t id;

	(void)state;
	put_bundle("app");
	for (id = 1; id <= BIRTHS_MAX + 2; id++) {
		begin(id, "runc");
		give();
	}
	assert_false(births_take(births, 1, &meta));
	assert_false(births_take(births, 2, &meta));
	assert_true(births_take(births, 3, &meta));
	assert_true(births_take(births, BIRTHS_MAX + 2, &meta));
	begin(id, "runc");
	give(); /* into a free place */
	assert_true(births_take(births, 4, &meta));
	assert_true(births_take(births, id, &meta));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hands_over_once, open_all, close_all),
		cmocka_unit_test_setup_teardown(serves_a_container_whose_bundle_is_gone, open_all,
						close_all),
		cmocka_unit_test_setup_teardown(keeps_nothing_that_it_could_not_read, open_all,
						close_all),
		cmocka_unit_test_setup_teardown(is_bounded_and_forgets_the_oldest, open_all,
						close_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
