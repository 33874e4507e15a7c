/* SPDX-License-Identifier: Apache-2.0 */
/* The log at its limit with what the sensor says itself going on, and when it is synced. */
#include "tests/unit/log.h"
#include "evidence/event.h"
#include "sensor/conf.h"
#include "sensor/declare.h"
#include "sensor/emit.h"
#include "sensor/retention.h"
#include "sensor/run.h"

static int sync_cnt; /* of segments */

/* Instead of libc's. */
int fdatasync(int fd)
{
	(void)fd;
	sync_cnt++;
	return 0;
}

/* Kafka, that has all before `acknowledged`; instead of sensor/ship.c. */
struct ship {
	uint64_t acknowledged, skipped_to;
};

uint64_t ship_acknowledged(const struct ship *ship)
{
	return ship->acknowledged;
}

void ship_skip_to(struct ship *ship, uint64_t index)
{
	ship->skipped_to = index;
}

static struct conf conf;
static struct emit emit;
static struct retention retention;
static struct log *evidence;

static void begin(enum conf_log_full full, enum conf_sync sync)
{
	conf = (struct conf){.log_dir = dir,
			     .log_limit_bytes = 512 << 10,
			     .log_full = full,
			     .log_free = (char *)"0",
			     .sync = sync,
			     .sync_interval_ms = 3000};
	evidence = open_log(64 << 10, conf.log_limit_bytes, NULL);
	assert_int_equal(emit_init(&emit, evidence, "node"), 0);
	retention_init(&retention, &conf, evidence, &emit, NULL);
	sync_cnt = 0;
}

static void end(void)
{
	emit_fini(&emit);
	log_close(evidence);
}

static int say(unsigned int body)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Exec exec = VARVE__V1__EXEC__INIT;
	Varve__V1__Open open_ = VARVE__V1__OPEN__INIT;

	arena_reset(&emit.arena);
	ev.body_case = body;
	if (body == VARVE__V1__EVENT__BODY_EXEC)
		ev.exec = &exec;
	else
		ev.open = &open_;
	return emit_event(&emit, &ev, NULL);
}

/* The log as a reader finds it: sequences go on, and what is gone before the first is declared. */
static void expect_declared(void)
{
	struct log_reader *r = open_reader(0);
	uint64_t declared = 0, first = UINT64_MAX, next = 0;
	const uint8_t *p;
	struct log_pos pos;
	size_t len;

	while (log_reader_next(r, &p, &len, &pos) == 1) {
		Varve__V1__Event *ev = event_decode(p, len);

		assert_non_null(ev);
		if (first == UINT64_MAX)
			first = next = ev->sequence;
		assert_int_equal(ev->sequence, next++);
		if (ev->body_case == VARVE__V1__EVENT__BODY_LOSS &&
		    !strcmp(ev->loss->cause, "log_limit"))
			declared += ev->loss->count;
		varve__v1__event__free_unpacked(ev, NULL);
	}
	log_reader_close(r);
	assert_int_equal(next, emit.sequence);
	assert_true(first > 0);
	assert_int_equal(declared, first);
}

static void test_newest_go(void **state)
{
	uint64_t taken = 0, decisive = 0;

	(void)state;
	begin(CONF_LOG_FULL_NEWEST, CONF_SYNC_NONE);
	while (!say(VARVE__V1__EVENT__BODY_OPEN))
		taken++;
	assert_int_equal(say(VARVE__V1__EVENT__BODY_OPEN), ROOM_REFUSED);
	assert_int_equal(emit.sequence, taken); /* what is refused has no number */
	while (!say(VARVE__V1__EVENT__BODY_EXEC))
		decisive++;
	assert_in_range(decisive, taken / 12, taken / 8);
	assert_int_equal(emit.failed_cnt, 3);
	retention_tick(&retention, 1);
	assert_int_equal(log_first_index(evidence), 0);
	assert_true(log_size_bytes(evidence) <= conf.log_limit_bytes);
	/* Its own, beyond the limit: the oldest segment goes, events still are refused. */
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(declare_not_run(&emit, 1), 0);
		assert_int_equal(log_flush(evidence), 0);
		retention_tick(&retention, 2);
		assert_true(log_size_bytes(evidence) <= conf.log_limit_bytes + 1000);
	}
	assert_true(log_first_index(evidence) > 0);
	assert_int_equal(log_flush(evidence), 0);
	expect_declared();
	end();
}

static void test_oldest_go(void **state)
{
	(void)state;
	begin(CONF_LOG_FULL_AUTO, CONF_SYNC_NONE); /* no Kafka */
	for (int i = 0; i < 20000; i++) {
		assert_int_equal(say(VARVE__V1__EVENT__BODY_OPEN), 0);
		if (i % 100 == 0) {
			assert_int_equal(log_flush(evidence), 0);
			retention_tick(&retention, 1);
			assert_true(log_size_bytes(evidence) <= conf.log_limit_bytes + 1000);
		}
	}
	assert_int_equal(log_flush(evidence), 0);
	expect_declared();
	end();
}

/* A second of the loop: 3 turns with a record each. */
static int second(uint64_t s)
{
	int before = sync_cnt;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(say(VARVE__V1__EVENT__BODY_EXEC), 0);
		assert_int_equal(log_flush(evidence), 0);
		retention_turn(&retention);
		retention_turn(&retention); /* nothing was written */
	}
	retention_tick(&retention, s * NSEC_PER_SEC);
	return sync_cnt - before;
}

static void expect_syncs(enum conf_sync sync, const int expected[6])
{
	begin(CONF_LOG_FULL_AUTO, sync);
	for (uint64_t s = 0; s < 6; s++)
		assert_int_equal(second(100 + s), expected[s]);
	end();
	remove_dir();
	assert_int_equal(mkdir(dir, 0700), 0);
}

static void test_syncs(void **state)
{
	(void)state;
	expect_syncs(CONF_SYNC_LAG, (int[]){0, 1, 0, 1, 0, 1}); /* what was there a second ago */
	expect_syncs(CONF_SYNC_EACH, (int[]){3, 3, 3, 3, 3, 3});
	expect_syncs(CONF_SYNC_INTERVAL, (int[]){1, 0, 0, 1, 0, 0});
	expect_syncs(CONF_SYNC_NONE, (int[]){0, 0, 0, 0, 0, 0});
}

/* Shipped is not enough: what comes behind the books is read by the next sensor (option pin). */
static void test_kept_behind_the_books(void **state)
{
	struct ship ship = {};
	uint64_t booked;

	(void)state;
	begin(CONF_LOG_FULL_AUTO, CONF_SYNC_NONE);
	retention.ship = &ship;
	while (log_size_bytes(evidence) < 300 << 10) { /* more than four segments */
		if (log_size_bytes(evidence) < 150 << 10)
			booked = log_next_index(evidence);
		assert_int_equal(say(VARVE__V1__EVENT__BODY_OPEN), 0);
		assert_int_equal(log_flush(evidence), 0);
	}
	retention_tick(&retention, 1);
	assert_int_equal(log_first_index(evidence), 0); /* Kafka has none of it */
	retention.booked_index = booked;
	ship.acknowledged = log_next_index(evidence);
	retention_tick(&retention, 2);
	assert_in_range(log_first_index(evidence), 1, booked);
	retention.booked_index = log_next_index(evidence);
	retention_tick(&retention, 3);
	assert_true(log_first_index(evidence) > booked);
	assert_int_equal(ship.skipped_to, 0); /* nothing of it was lost */
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_newest_go),
		LOG_TEST(test_oldest_go),
		LOG_TEST(test_syncs),
		LOG_TEST(test_kept_behind_the_books),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
