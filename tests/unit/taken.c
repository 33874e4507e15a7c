/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/taken.h"
#include "evidence/base.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct taken_number number(uint64_t n)
{
	return (struct taken_number){
		.cgroup_id = n % 7, .number = n / 3, .cpu = n % 3, .ev_class = 1};
}

static bool has(const struct taken *t, uint64_t n)
{
	struct taken_number x = number(n);

	return taken_has(t, &x);
}

static void test_the_last_are_known(void **state)
{
	static struct taken t;
	const uint64_t room = ARRAY_SIZE(t.last), cnt = room + 100;

	(void)state;
	assert_false(has(NULL, 1));
	assert_false(has(&t, 1));
	for (uint64_t i = 0; i < cnt; i++) {
		struct taken_number n = number(i);

		taken_add(&t, &n);
	}
	taken_sort(&t);
	for (uint64_t i = 0; i < cnt; i++)
		assert_int_equal(has(&t, i), i >= cnt - room);
	assert_false(has(&t, cnt));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_last_are_known)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
