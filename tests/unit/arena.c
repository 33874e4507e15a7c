/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/arena.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void test_alloc_aligned_and_bounded(void **state)
{
	struct arena a;
	char *p, *q;

	(void)state;
	assert_int_equal(arena_init(&a, 64), 0);
	p = arena_alloc(&a, 3);
	q = arena_alloc(&a, 8);
	assert_non_null(p);
	assert_int_equal(q - p, 8);
	assert_int_equal((uintptr_t)q % 8, 0);
	assert_null(arena_alloc(&a, 49));
	assert_non_null(arena_alloc(&a, 48));
	assert_null(arena_alloc(&a, 1));
	assert_null(arena_alloc(&a, SIZE_MAX));
	arena_reset(&a);
	assert_ptr_equal(arena_alloc(&a, 64), p);
	arena_fini(&a);
	assert_null(a.base);
	arena_fini(&a);
}

static void test_full_at_odd_size(void **state)
{
	struct arena a;

	(void)state;
	assert_int_equal(arena_init(&a, 13), 0);
	assert_non_null(arena_alloc(&a, 13));
	assert_null(arena_alloc(&a, 0)); /* the aligned place would be outside */
	arena_fini(&a);
}

static void test_zalloc(void **state)
{
	static const char zeros[32];
	struct arena a;
	char *p;

	(void)state;
	assert_int_equal(arena_init(&a, 32), 0);
	memset(arena_alloc(&a, 32), 0xff, 32);
	arena_reset(&a);
	p = arena_zalloc(&a, 32);
	assert_memory_equal(p, zeros, 32);
	assert_null(arena_zalloc(&a, 1));
	arena_fini(&a);
}

static void test_strndup(void **state)
{
	struct arena a;

	(void)state;
	assert_int_equal(arena_init(&a, 16), 0);
	assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
	assert_string_equal(arena_strndup(&a, NULL, 0), "");
	assert_null(arena_strndup(&a, "x", 1));
	assert_null(arena_strndup(&a, "x", SIZE_MAX));
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc_aligned_and_bounded),
		cmocka_unit_test(test_full_at_odd_size),
		cmocka_unit_test(test_zalloc),
		cmocka_unit_test(test_strndup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
