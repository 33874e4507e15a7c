/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that a cgroup allows, in directories that look like one. */
#include "sensor/memory_limit.c"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <cmocka.h>

static char root[64];

static void put(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int make_tree(void **state)
{
	char path[PATH_MAX];

	(void)state;
	strcpy(root, "/tmp/varve-limit-XXXXXX");
	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/a", root);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/a/b", root);
	assert_int_equal(mkdir(path, 0755), 0);
	return 0;
}

static int remove_tree(void **state)
{
	static const char *const names[] = {
		"a/b/memory.max", "a/memory.max", "memory.max", "a/b", "a", ""};
	char path[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, names[i]);
		remove(path);
	}
	return 0;
}

static void test_least_counts(void **state)
{
	(void)state;
	assert_true(least_above(root, "/a/b", "memory.max") == UINT64_MAX);
	put("a/b/memory.max", "max\n");
	assert_true(least_above(root, "/a/b", "memory.max") == UINT64_MAX);
	put("a/memory.max", "1048576\n");
	assert_int_equal(least_above(root, "/a/b", "memory.max"), 1048576);
	put("a/b/memory.max", "4096\n");
	assert_int_equal(least_above(root, "/a/b", "memory.max"), 4096);
	assert_int_equal(least_above(root, "/a", "memory.max"), 1048576);
	put("memory.max", "8192\n"); /* a namespace's root */
	assert_int_equal(least_above(root, "/a", "memory.max"), 8192);
	assert_int_equal(least_above(root, "/", "memory.max"), 8192);
	assert_int_equal(least_above(root, "/gone/c", "memory.max"), 8192);
}

static bool path_of(const char *text, bool v2, char ret_path[PATH_MAX])
{
	_cleanup_fclose_ FILE *f = fmemopen((void *)text, strlen(text), "r");

	return find_path(f, v2, ret_path);
}

static void test_line_of_hierarchy(void **state)
{
	static const char hybrid[] = "9:name=systemd:/s\n4:memory:/m:x\n1:cpu:/c\n0::/v2\n";
	char path[PATH_MAX];

	(void)state;
	assert_true(path_of(hybrid, false, path));
	assert_string_equal(path, "/m:x");
	assert_true(path_of(hybrid, true, path));
	assert_string_equal(path, "/v2");
	assert_false(path_of("0::/v2\n", false, path));
	assert_false(path_of("4:memory:/m\nnonsense\n4\n", true, path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_least_counts, make_tree, remove_tree),
		cmocka_unit_test(test_line_of_hierarchy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
