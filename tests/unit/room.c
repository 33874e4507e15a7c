/* SPDX-License-Identifier: Apache-2.0 */
/* Who may still write as the log gets full, by bytes and by the disk; the log is a real one. */
#include "tests/unit/log.h"
#include "bpf/event.h"
#include "sensor/conf.h"
#include "sensor/retention.h"
#include "sensor/room.h"

#define MIB (1ULL << 20)

static struct conf conf;

static void configure(enum conf_log_full full, uint64_t limit, const char *free_)
{
	conf = (struct conf){.log_dir = dir,
			     .log_limit_bytes = limit,
			     .log_full = full,
			     .log_free = (char *)free_};
}

static struct room measure(const struct log *log, uint64_t total, uint64_t disk_free)
{
	struct room_disk disk = {.total = total, .free = disk_free};
	struct room room;

	room_measure(&conf, log, total ? &disk : NULL, &room);
	return room;
}

static void test_free_texts(void **state)
{
	static const char *const wrong[] = {"",	  "-1",	 "5 %", "100%",	 "%",
					    "1X", "1MM", "x",	"autox", "1K1",
					    " 1", "0x1", "+1",	"1.5G",	 "99999999999999999999"};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (room_parse_free(wrong[i], 1000 * MIB, &bytes))
			fail_msg("'%s' is taken", wrong[i]);
	assert_true(room_parse_free("0", 1, &bytes) && bytes == 0);
	assert_true(room_parse_free("4096", 1, &bytes) && bytes == 4096);
	assert_true(room_parse_free("64k", 1, &bytes) && bytes == 65536);
	assert_true(room_parse_free("2G", 1, &bytes) && bytes == 2048 * MIB);
	assert_true(room_parse_free("10%", 1000 * MIB, &bytes) && bytes == 100 * MIB);
	/* 5 %, but at least 256M, at most 8G, and never more than a quarter. */
	assert_true(room_parse_free("auto", 100000 * MIB, &bytes) && bytes == 5000 * MIB);
	assert_true(room_parse_free("auto", 2000 * MIB, &bytes) && bytes == 256 * MIB);
	assert_true(room_parse_free("auto", 1000000 * MIB, &bytes) && bytes == 8192 * MIB);
	assert_true(room_parse_free("auto", 100 * MIB, &bytes) && bytes == 25 * MIB);
}

static void test_who_is_refused(void **state)
{
	struct log *log = open_log(64 << 10, 0, NULL);
	uint8_t fill[1000] = "x";
	struct room room;
	uint64_t i = 0;

	(void)state;
	configure(CONF_LOG_FULL_NEWEST, 1 * MIB, "0");
	room = measure(log, 0, 0);
	/* 1/16 for the sensor's own, of the rest 10 % for the decisive classes. */
	assert_int_equal(room.limit, 1 * MIB);
	assert_int_equal(room.decisive, 15 * MIB / 16);
	assert_int_equal(room.common, room.decisive - room.decisive / 10);
	assert_int_equal(room_state(&room, log), ROOM_FOR_ALL);
	for (; !room_take(&room, log, EV_OPEN, sizeof(fill)); i++)
		assert_int_equal(log_append(log, fill, sizeof(fill), NULL), 0);
	assert_in_range(log_size_bytes(log), room.common - 1000, room.common);
	assert_int_equal(room_take(&room, log, EV_CONNECT, sizeof(fill)), ROOM_REFUSED);
	assert_int_equal(room_take(&room, log, EV_DNS, sizeof(fill)), ROOM_REFUSED);
	for (; !room_take(&room, log, EV_EXEC, sizeof(fill)); i++)
		assert_int_equal(log_append(log, fill, sizeof(fill), NULL), 0);
	assert_in_range(log_size_bytes(log), room.decisive - 1000, room.decisive);
	assert_int_equal(room_take(&room, log, EV_CONTAINER_START, sizeof(fill)), ROOM_REFUSED);
	assert_int_equal(room_take(&room, log, EV_MODULE, sizeof(fill)), ROOM_REFUSED);
	/* What the sensor says is always taken; a kind that nobody knows as well. */
	assert_int_equal(room_take(&room, log, EV_LOSS, 60 << 10), 0);
	assert_int_equal(room_take(&room, log, EV_HEARTBEAT, 60 << 10), 0);
	assert_int_equal(room_take(&room, log, EV_PROCESS_SNAPSHOT, 60 << 10), 0);
	assert_int_equal(room_take(&room, log, 9999, 60 << 10), 0);
	log_close(log);
}

static void test_states(void **state)
{
	struct log *log = open_log(64 << 10, 0, NULL);
	uint8_t fill[100] = "x";
	enum room_state last = ROOM_FOR_ALL;
	struct room room;

	(void)state;
	configure(CONF_LOG_FULL_NEWEST, 200 << 10, "0");
	room = measure(log, 0, 0);
	for (int i = 0; i < 3000; i++) {
		enum room_state now = room_state(&room, log);

		assert_true(now >= last);
		last = now;
		/* The state says what the next small record meets. */
		assert_int_equal(room_take(&room, log, EV_OPEN, 1) != 0, now >= ROOM_FOR_DECISIVE);
		assert_int_equal(room_take(&room, log, EV_EXEC, 1) != 0, now >= ROOM_FOR_OWN);
		assert_int_equal(log_append(log, fill, sizeof(fill), NULL), 0);
	}
	assert_int_equal(last, ROOM_FOR_OWN);
	log_close(log);
}

static void test_disk(void **state)
{
	struct log *log = open_log(1 * MIB, 0, NULL);
	struct room room;
	uint64_t size;

	(void)state;
	append_many(log, 0, 1000);
	size = log_size_bytes(log);
	configure(CONF_LOG_FULL_NEWEST, 100 * MIB, "10M");
	/* More is free than the limit asks for. */
	room = measure(log, 1000 * MIB, 500 * MIB);
	assert_int_equal(room.decisive, 100 * MIB - 100 * MIB / 16);
	/* 5 MiB beyond what must be free. */
	room = measure(log, 1000 * MIB, 15 * MIB);
	assert_int_equal(room.decisive, size + 5 * MIB);
	assert_int_equal(room.limit, 100 * MIB); /* what is there stays */
	assert_int_equal(room_state(&room, log), ROOM_FOR_ALL);
	/* Others have taken it. */
	room = measure(log, 1000 * MIB, 9 * MIB);
	assert_int_equal(room_state(&room, log), ROOM_FOR_OWN);
	assert_int_equal(room.limit, 100 * MIB);
	room = measure(log, 1000 * MIB, 0);
	assert_int_equal(room_take(&room, log, EV_EXEC, 1), ROOM_REFUSED);
	assert_int_equal(room_take(&room, log, EV_LOSS, 1), 0);
	/* A log that is short goes on, as far as the disk has room at all. */
	conf.log_segment_bytes = 1 * MIB;
	room = measure(log, 1000 * MIB, 9 * MIB);
	assert_int_equal(room.decisive, 2 * MIB);
	assert_int_equal(room_state(&room, log), ROOM_FOR_ALL);
	room = measure(log, 1000 * MIB, 1000);
	assert_int_equal(room.decisive, size + 500);
	room = measure(log, 1000 * MIB, 0);
	assert_int_equal(room_take(&room, log, EV_EXEC, 1), ROOM_REFUSED);
	/* Not known: by bytes alone. */
	room = measure(log, 0, 0);
	assert_int_equal(room_state(&room, log), ROOM_FOR_ALL);
	log_close(log);
}

static void test_oldest_goes(void **state)
{
	struct log *log = open_log(10000, 0, NULL);
	struct log_removed removed;
	struct room room;
	uint64_t size;
	int gone = 0;

	(void)state;
	append_many(log, 0, 3000);
	size = log_size_bytes(log);
	configure(CONF_LOG_FULL_OLDEST, 100 * MIB, "10M");
	room = measure(log, 1000 * MIB, 500 * MIB);
	assert_int_equal(room.limit, 100 * MIB);
	assert_int_equal(room_take(&room, log, EV_OPEN, 1 << 20), 0);
	/* The disk lacks 30,000 bytes: so much goes, and nothing is refused meanwhile. */
	room = measure(log, 1000 * MIB, 10 * MIB - 30000);
	assert_int_equal(room.limit, size - 30000);
	assert_int_equal(room_take(&room, log, EV_OPEN, 1 << 20), 0);
	log_set_limit(log, room.limit);
	while (log_enforce_limit(log, &removed) == 1)
		gone++;
	assert_int_equal(gone, 3);
	/* It has nothing: all but the segment that is written goes, and then events are refused. */
	room = measure(log, 1000 * MIB, 0);
	log_set_limit(log, room.limit);
	while (log_enforce_limit(log, &removed) == 1)
		gone++;
	assert_int_equal(log_first_index(log), log_segment(log));
	room = measure(log, 1000 * MIB, 0);
	assert_int_equal(room_state(&room, log), ROOM_FOR_OWN);
	room = measure(log, 1000 * MIB, 500 * MIB);
	assert_int_equal(room_state(&room, log), ROOM_FOR_ALL);
	log_close(log);
}

/* Which policy is meant when none is said. */
static void test_default_policy(void **state)
{
	struct conf_kafka_property kafka = {.name = (char *)"bootstrap.servers",
					    .value = (char *)"x:1"};

	(void)state;
	configure(CONF_LOG_FULL_AUTO, 1 * MIB, "0");
	assert_int_equal(conf_log_full(&conf), CONF_LOG_FULL_OLDEST);
	conf.kafka = &kafka;
	conf.kafka_cnt = 1;
	assert_int_equal(conf_log_full(&conf), CONF_LOG_FULL_NEWEST);
	assert_string_equal(conf_log_full_name(&conf), "drop-newest");
	conf.log_full = CONF_LOG_FULL_OLDEST;
	assert_string_equal(conf_log_full_name(&conf), "drop-oldest-shipped-first");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_texts),
		LOG_TEST(test_who_is_refused),
		LOG_TEST(test_states),
		LOG_TEST(test_disk),
		LOG_TEST(test_oldest_goes),
		cmocka_unit_test(test_default_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
