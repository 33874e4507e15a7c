/* SPDX-License-Identifier: Apache-2.0 */
/* The shipper's cursor file (torn, damaged, absent) and the window it moves over. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "evidence/base.h"
#include "sensor/ship_cursor.h"
#include "sensor/ship_window.h"

static char dir[64], path[80];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/varve-cursor-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/cursor", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void save(uint64_t index, uint32_t crc)
{
	struct ship_mark mark = {.index = index, .last_crc = crc, .has_crc = true};
	struct ship_cursor cursor;

	assert_int_equal(ship_cursor_open(dir, &cursor), 0);
	assert_int_equal(ship_cursor_save(&cursor, &mark), 0);
	ship_cursor_close(&cursor);
}

static struct ship_mark load(void)
{
	struct ship_cursor cursor;

	assert_int_equal(ship_cursor_open(dir, &cursor), 0);
	ship_cursor_close(&cursor);
	return cursor.mark;
}

/* Overwrites len bytes at off with 0xff. */
static void spoil(off_t off, size_t len)
{
	_cleanup_close_ int fd = open(path, O_WRONLY);
	char junk[1024];

	memset(junk, 0xff, sizeof(junk));
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, len, off), len);
}

static void test_absent_is_the_beginning(void **state)
{
	struct ship_mark mark = load();

	(void)state;
	assert_int_equal(mark.index, 0);
	assert_false(mark.has_crc);
}

static void test_last_saved_is_loaded(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 7; i++) {
		save(i * 100, (uint32_t)i);
		assert_int_equal(load().index, i * 100);
		assert_int_equal(load().last_crc, i);
		assert_true(load().has_crc);
	}
}

static void test_torn_write_leaves_the_one_before(void **state)
{
	(void)state;
	/* Generations 1 and 2 lie in slots 1 and 0. Every cut of the second write leaves the first.
	 */
	for (size_t at = 0; at < 36; at++) {
		unlink(path);
		save(100, 1);
		save(200, 2);
		spoil((off_t)at, 36 - at);
		assert_int_equal(load().index, 100);
	}
	save(300, 3);
	assert_int_equal(load().index, 300);
}

static void test_cut_file(void **state)
{
	(void)state;
	save(100, 1);
	save(200, 2);
	assert_int_equal(truncate(path, 530), 0);
	assert_int_equal(load().index, 200);
	assert_int_equal(truncate(path, 20), 0);
	assert_int_equal(load().index, 0);
}

static void test_nothing_holds_starts_over(void **state)
{
	(void)state;
	save(100, 1);
	save(200, 2);
	spoil(0, 600);
	assert_int_equal(load().index, 0);
	save(5, 1);
	assert_int_equal(load().index, 5);
}

static void test_unusable_directory(void **state)
{
	struct ship_cursor cursor = {.fd = 77};

	(void)state;
	assert_int_equal(ship_cursor_open("/nonexistent/varve", &cursor), -ENOENT);
	assert_int_equal(cursor.fd, 77);
	assert_int_equal(symlink("/tmp/elsewhere", path), 0);
	assert_int_equal(ship_cursor_open(dir, &cursor), -ELOOP);
}

static void test_failed_save_keeps_the_mark(void **state)
{
	struct ship_mark mark = {.index = 9};
	struct ship_cursor cursor;

	(void)state;
	save(100, 1);
	assert_int_equal(ship_cursor_open(dir, &cursor), 0);
	close(cursor.fd);
	cursor.fd = open(path, O_RDONLY);
	assert_int_equal(ship_cursor_save(&cursor, &mark), -EBADF);
	assert_int_equal(cursor.mark.index, 100);
	ship_cursor_close(&cursor);
	assert_int_equal(load().index, 100);
}

static void fill(struct ship_window *w, uint64_t first, int cnt)
{
	for (int i = 0; i < cnt; i++) {
		assert_int_equal(
			window_push(w, first + (uint64_t)i, (uint32_t)(first + (uint64_t)i)), 0);
		window_at(w, w->head - 1)->state = WINDOW_IN_FLIGHT;
	}
}

static void test_window_moves_over_a_contiguous_prefix(void **state)
{
	struct ship_mark mark = {0};
	struct ship_window w;

	(void)state;
	assert_int_equal(window_init(&w, 8), 0);
	fill(&w, 10, 8);
	assert_int_equal(window_push(&w, 18, 0), -ENOSPC);
	window_at(&w, 2)->state = WINDOW_SETTLED;
	window_at(&w, 1)->state = WINDOW_SETTLED;
	assert_false(window_settle(&w, &mark));
	assert_int_equal(mark.index, 0);
	window_at(&w, 0)->state = WINDOW_SETTLED;
	assert_true(window_settle(&w, &mark));
	assert_int_equal(mark.index, 13);
	assert_int_equal(mark.last_crc, 12);
	assert_null(window_at(&w, 2));
	fill(&w, 18, 3);
	assert_int_equal(window_at(&w, 10)->index, 20);
	window_fini(&w);
}

static void test_window_rewind_and_drop(void **state)
{
	struct ship_mark mark = {0};
	struct ship_window w;

	(void)state;
	assert_int_equal(window_init(&w, 4), 0);
	fill(&w, 0, 4);
	window_at(&w, 1)->state = WINDOW_SETTLED;
	window_rewind(&w);
	assert_int_equal(window_at(&w, 0)->state, WINDOW_WAITING);
	assert_int_equal(window_at(&w, 1)->state, WINDOW_SETTLED);
	assert_int_equal(window_at(&w, 3)->state, WINDOW_WAITING);
	window_drop_below(&w, 3);
	assert_true(window_settle(&w, &mark));
	assert_int_equal(mark.index, 3);
	/* Already behind a mark that was set otherwise. */
	mark = (struct ship_mark){.index = 50};
	window_at(&w, 3)->state = WINDOW_SETTLED;
	assert_false(window_settle(&w, &mark));
	assert_int_equal(mark.index, 50);
	assert_int_equal(w.tail, w.head);
	window_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_absent_is_the_beginning, setup, teardown),
		cmocka_unit_test_setup_teardown(test_last_saved_is_loaded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn_write_leaves_the_one_before, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_cut_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_holds_starts_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unusable_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed_save_keeps_the_mark, setup, teardown),
		cmocka_unit_test(test_window_moves_over_a_contiguous_prefix),
		cmocka_unit_test(test_window_rewind_and_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
