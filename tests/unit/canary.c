/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/canary.h"
#include "bpf/event.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct ev_hdr *song(uint64_t time_ns)
{
	static struct ev_hdr hdr;

	hdr = (struct ev_hdr){.len = sizeof(hdr), .kind = EV_CANARY, .time_ns = time_ns};
	return &hdr;
}

static void test_comes(void **state)
{
	struct canary c = {};

	(void)state;
	canary_send(&c, 100);
	assert_false(canary_has_come(&c));
	assert_true(canary_take(&c, song(103), sizeof(struct ev_hdr), 150));
	assert_true(canary_has_come(&c));
	assert_int_equal(c.took_ns, 50);
	/* Another of its own names, meanwhile: the first one counts. */
	assert_true(canary_take(&c, song(170), sizeof(struct ev_hdr), 180));
	assert_int_equal(c.took_ns, 50);
}

/* What was under way from before, as of a sensor whose ring this one took over. */
static void test_earlier_one_does_not_count(void **state)
{
	struct canary c = {};

	(void)state;
	canary_send(&c, 100);
	assert_true(canary_take(&c, song(99), sizeof(struct ev_hdr), 120));
	assert_false(canary_has_come(&c));
	canary_take(&c, song(101), sizeof(struct ev_hdr), 121);
	canary_send(&c, 200);
	assert_false(canary_has_come(&c));
}

static void test_others_are_left_alone(void **state)
{
	struct ev_hdr event = {.len = sizeof(event), .kind = EV_COMM};

	(void)state;
	assert_false(canary_take(NULL, &event, sizeof(event), 1));
	assert_false(canary_take(NULL, song(1), sizeof(struct ev_hdr) - 8, 1));
	assert_true(canary_take(NULL, song(1), sizeof(struct ev_hdr), 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes),
		cmocka_unit_test(test_earlier_one_does_not_count),
		cmocka_unit_test(test_others_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
