/* SPDX-License-Identifier: Apache-2.0 */
/* sensor/emit.c on a log that keeps the last events unpacked and can refuse. Include it before
 * anything else. */
#ifndef VARVE_TESTS_FAKE_LOG_H
#define VARVE_TESTS_FAKE_LOG_H

#define log_append  fake_append
#define log_append_spare fake_append
#define log_rolls_for fake_rolls_for
#define log_roll fake_roll
#define log_mark    fake_mark
#define log_segment fake_segment
#define room_take   fake_take
#include "sensor/emit.c"
#include "sensor/container.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static int fake_err;		    /* what the log says */
static Varve__V1__Event *fake_last; /* what it took last */
static bool fake_marked;	    /* and whether that is of the outline */
static uint64_t fake_first;	    /* of the segment */
static struct emit emit;

int fake_append(struct log *log, const void *payload, size_t len, uint64_t *ret_index)
{
	(void)log, (void)ret_index;
	if (fake_err)
		return fake_err;
	varve__v1__event__free_unpacked(fake_last, NULL);
	fake_last = event_decode(payload, len);
	assert_non_null(fake_last);
	fake_marked = false;
	return 0;
}

/* There is any room. */
int fake_take(const struct room *room, const struct log *log, unsigned int kind, size_t len)
{
	(void)room, (void)log, (void)kind, (void)len;
	return 0;
}

int fake_roll(struct log *log)
{
	(void)log;
	return 0;
}

bool fake_rolls_for(const struct log *log, size_t len)
{
	(void)log, (void)len;
	return false;
}

void fake_mark(struct log *log)
{
	(void)log;
	fake_marked = true;
}

uint64_t fake_segment(const struct log *log)
{
	(void)log;
	return fake_first;
}

static inline int fake_setup(void **state)
{
	(void)state;
	fake_err = 0;
	return emit_init(&emit, NULL, "node-1");
}

static inline int fake_teardown(void **state)
{
	(void)state;
	emit_fini(&emit);
	varve__v1__event__free_unpacked(fake_last, NULL);
	fake_last = NULL;
	return 0;
}

#define FAKE_LOG_TEST(f) cmocka_unit_test_setup_teardown(f, fake_setup, fake_teardown)

#endif
