/* SPDX-License-Identifier: Apache-2.0 */
/* The board: how long the loop may be silent, what readiness asks for, and that the loop never waits. */
#include "sensor/board.h"
#include "evidence/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define S NSEC_PER_SEC

static struct board board;
static char line[128];

static bool alive(uint64_t now_s)
{
	return board_is_alive(&board, now_s * S, line, sizeof(line));
}

static bool ready(uint64_t now_s)
{
	return board_is_ready(&board, now_s * S, line, sizeof(line));
}

static int setup(void **state)
{
	(void)state;
	board_init(&board, 1000 * S);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	board_fini(&board);
	return 0;
}

static void turns(void **state)
{
	(void)state;
	board_enter(&board, BOARD_RUNNING, 1000 * S);
	assert_true(alive(1030));
	assert_string_equal(line, "ok: running");
	assert_false(alive(1031));
	assert_string_equal(line, "running, and the loop has not turned for 31 s");
	board_turned(&board, 1040 * S);
	assert_true(alive(1050));
	/* It turned between the reader's clock and the look. */
	assert_true(alive(1039));
}

static void start_and_end_take_longer(void **state)
{
	(void)state;
	assert_true(alive(1299));
	assert_false(ready(1299));
	assert_string_equal(line, "starting");
	assert_false(alive(1301));
	board_enter(&board, BOARD_STOPPING, 2000 * S);
	assert_true(alive(2119));
	assert_false(ready(2001));
	assert_string_equal(line, "stopping");
	assert_false(alive(2121));
}

static void needs(void **state)
{
	static const char *const lacks[] = {"no hook is attached", "the log cannot be written",
					    "no probe saw what the sensor did itself"};
	bool has[BOARD_NEED_CNT] = {true, true, true};
	struct metrics m = {};

	(void)state;
	board_enter(&board, BOARD_RUNNING, 1000 * S);
	assert_false(ready(1000)); /* nothing is known yet */
	for (size_t i = 0; i < BOARD_NEED_CNT; i++) {
		has[i] = false;
		assert_true(board_publish(&board, &m, has));
		assert_false(ready(1001));
		assert_string_equal(line, lacks[i]);
		has[i] = true;
	}
	board_publish(&board, &m, has);
	assert_true(ready(1001));
	assert_true(alive(1001));
	/* One that hangs is not ready either. */
	assert_false(ready(1031));
	board_read(&board, 1031 * S, &m);
	assert_int_equal(*m.ready, 0);
	assert_int_equal(*m.turn_age, 31 * S);
}

static void the_loop_never_waits(void **state)
{
	bool has[BOARD_NEED_CNT] = {};
	struct metrics m = {};

	(void)state;
	pthread_mutex_lock(&board.lock);
	assert_false(board_publish(&board, &m, has));
	pthread_mutex_unlock(&board.lock);
	assert_true(board_publish(&board, &m, has));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(turns, setup, teardown),
		cmocka_unit_test_setup_teardown(start_and_end_take_longer, setup, teardown),
		cmocka_unit_test_setup_teardown(needs, setup, teardown),
		cmocka_unit_test_setup_teardown(the_loop_never_waits, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
