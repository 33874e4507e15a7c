/* SPDX-License-Identifier: Apache-2.0 */
/* What is given back is there again when it is read, the same. */
#include "sensor/memory_trim.h"
#include "evidence/base.h"
#include "sensor/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The BPF object for old kernels, a few MiB in the read-only data. */
extern const char probes_before_5_12[], probes_before_5_12_end[];

static uint64_t sum(void)
{
	uint64_t n = 0;

	for (const char *p = probes_before_5_12; p < probes_before_5_12_end; p++)
		n = n * 31 + (unsigned char)*p;
	return n;
}

static void gives_back(void **state)
{
	uint64_t before = sum(), full = run_rss_bytes(), less;

	(void)state;
	assert_true(probes_before_5_12_end - probes_before_5_12 > 1 << 20);
	memory_trim();
	less = run_rss_bytes();
	assert_true(less + (1 << 20) < full);
	assert_int_equal(sum(), before);
	assert_int_equal(memcmp(probes_before_5_12, "\177ELF", 4), 0);
	memory_trim();
	assert_int_equal(sum(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(gives_back)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
