/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/seen.h"
#include "bpf/event.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_seen(void **state)
{
	struct probes_hook hooks[] = {
		{.name = "open_exit", .attached = true, .kind = EV_OPEN},
		{.name = "open_fn", .err = -ENOENT, .served_by = "open_exit", .kind = EV_OPEN},
		{.name = "connect_v4", .attached = true, .kind = EV_CONNECT},
		{.name = "connect_v6", .err = -EPERM, .kind = EV_CONNECT},
		{.name = "exec_tp", .err = -EPERM, .kind = EV_EXEC},
		{.name = "core_sys_exit", .attached = true},
	};

	(void)state;
	assert_int_equal(seen_kind(hooks, 6, EV_OPEN), SEEN_WHOLLY);
	assert_int_equal(seen_kind(hooks, 6, EV_CONNECT), SEEN_PARTLY);
	assert_int_equal(seen_kind(hooks, 6, EV_EXEC), SEEN_NOT);
	assert_int_equal(seen_kind(hooks, 6, EV_FORK), SEEN_NOT);
	assert_int_equal(seen_kind(hooks, 0, EV_OPEN), SEEN_NOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_seen)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
