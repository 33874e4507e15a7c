/* SPDX-License-Identifier: Apache-2.0 */
/* How large the rings are, on nodes of any memory, and when the kernel refuses it. */
#include "sensor/ring_size.c"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static uint64_t limit;

uint64_t memory_limit(void)
{
	return limit;
}

#define GIB (1024 * MIB)

static const struct {
	uint64_t memory, bytes, decisive_bytes;
} nodes[] = {
	{0, 8 * MIB, 4 * MIB},
	{512 * MIB, 8 * MIB, 4 * MIB},
	{16 * GIB - 1, 8 * MIB, 4 * MIB},
	{16 * GIB, 16 * MIB, 4 * MIB},
	{24 * GIB, 16 * MIB, 4 * MIB},
	{32 * GIB, 32 * MIB, 8 * MIB},
	{64 * GIB, 64 * MIB, 16 * MIB},
	{4096 * GIB, 64 * MIB, 16 * MIB},
	{UINT64_MAX, 64 * MIB, 16 * MIB},
};

static void test_by_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		assert_int_equal(fit(nodes[i].memory / events.part, events.min, events.max),
				 nodes[i].bytes);
		assert_int_equal(fit(nodes[i].memory / decisive.part, decisive.min, decisive.max),
				 nodes[i].decisive_bytes);
	}
}

static void test_of_this_node(void **state)
{
	struct probes_rings r;

	(void)state;
	limit = UINT64_MAX;
	assert_true(memory() > 0);
	r = ring_size_choose(&(struct conf){});
	assert_int_equal(r.bytes, fit(memory() / 1024, 8 * MIB, 64 * MIB));
	r = ring_size_choose(&(struct conf){.ring_bytes = 4096, .decisive_ring_bytes = 128 * MIB});
	assert_int_equal(r.bytes, 4096);
	assert_int_equal(r.decisive_bytes, 128 * MIB);
}

/* A sensor that is allowed little has small rings on a large node. */
static void test_of_a_small_cgroup(void **state)
{
	struct probes_rings r;

	(void)state;
	limit = 96 * MIB;
	assert_true(memory() <= 64 * limit);
	r = ring_size_choose(&(struct conf){});
	assert_int_equal(r.bytes, 8 * MIB);
	assert_int_equal(r.decisive_bytes, 4 * MIB);
	limit = 0;
	assert_int_equal(memory(), 0);
}

/* Down to the least; what was asked for stays. */
static void test_shrink(void **state)
{
	struct conf open = {}, asked = {.ring_bytes = 64 * MIB}, both = {};
	struct probes_rings r = {.bytes = 64 * MIB, .decisive_bytes = 8 * MIB};

	(void)state;
	assert_true(ring_size_shrink(&open, &r));
	assert_int_equal(r.bytes, 32 * MIB);
	assert_int_equal(r.decisive_bytes, 4 * MIB);
	assert_true(ring_size_shrink(&open, &r) && ring_size_shrink(&open, &r));
	assert_false(ring_size_shrink(&open, &r));
	assert_int_equal(r.bytes, 8 * MIB);
	assert_int_equal(r.decisive_bytes, 4 * MIB);
	r = (struct probes_rings){.bytes = 64 * MIB, .decisive_bytes = 8 * MIB};
	assert_true(ring_size_shrink(&asked, &r));
	assert_false(ring_size_shrink(&asked, &r));
	assert_int_equal(r.bytes, 64 * MIB);
	both.ring_bytes = both.decisive_ring_bytes = GIB;
	assert_false(ring_size_shrink(&both, &r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_memory),
		cmocka_unit_test(test_of_this_node),
		cmocka_unit_test(test_of_a_small_cgroup),
		cmocka_unit_test(test_shrink),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
