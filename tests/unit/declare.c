/* SPDX-License-Identifier: Apache-2.0 */
/* What the declaring records say. */
#include "tests/unit/fake_log.h"
#include "sensor/declare.c"

static void test_loss(void **state)
{
	struct streams_finding f = {.ev_class = EV_CLASS_file,
				    .cause = EV_CAUSE_RING_FULL,
				    .count = 7,
				    .first_ns = 10,
				    .last_ns = 20};
	struct container c = {.id.container_id = "a"};

	(void)state;
	emit.clock_offset_ns = 1000;
	assert_int_equal(declare_finding(&emit, &f, &c), 0);
	assert_string_equal(fake_last->kind, "LOSS");
	assert_string_equal(fake_last->stream, "a");
	assert_string_equal(fake_last->loss->event_class, "file");
	assert_string_equal(fake_last->loss->cause, "ring_full");
	assert_int_equal(fake_last->loss->count, 7);
	assert_int_equal(fake_last->loss->first_unix_nano, 1010);
	assert_int_equal(fake_last->loss->last_unix_nano, 1020);
	assert_null(fake_last->loss->lost_run_id);
	fake_err = -EIO;
	assert_int_equal(declare_finding(&emit, &f, NULL), -EIO);
}

static void test_suppression(void **state)
{
	struct streams_finding f = {
		.ev_class = EV_CLASS_file, .suppressed = true, .count = 3, .last_ns = 1};

	(void)state;
	assert_int_equal(declare_finding(&emit, &f, NULL), 0);
	assert_string_equal(fake_last->kind, "SUPPRESSION");
	assert_string_equal(fake_last->stream, "node");
	assert_string_equal(fake_last->suppression->reason, "read_open_repeated");
	assert_int_equal(fake_last->suppression->count, 3);
	f.reason = EV_SUPPRESS_READ_OPENS_OFF;
	assert_int_equal(declare_finding(&emit, &f, NULL), 0);
	assert_string_equal(fake_last->suppression->reason, "read_opens_off");
	f.reason = EV_SUPPRESS_KIND_OFF;
	f.ev_class = EV_CLASS_network;
	assert_int_equal(declare_finding(&emit, &f, NULL), 0);
	assert_string_equal(fake_last->suppression->event_class, "network");
	assert_string_equal(fake_last->suppression->reason, "kind_off");
}

static void test_account(void **state)
{
	struct streams_sum sums[EV_CLASS_CNT] = {[EV_CLASS_file] = {10, 6, 3, 1}};
	struct container c = {.id.container_id = "a"};

	(void)state;
	assert_int_equal(declare_account(&emit, sums, true, &c), 0);
	assert_true(fake_last->account->closed);
	assert_int_equal(fake_last->account->n_counts, EV_CLASS_CNT);
	for (unsigned int i = 0; i < EV_CLASS_CNT; i++) {
		const Varve__V1__ClassCount *n = fake_last->account->counts[i];

		assert_string_equal(n->event_class, event_class_name(i));
		assert_true(n->has_generated && n->has_recorded && n->has_lost &&
			    n->has_suppressed);
		assert_int_equal(n->generated, sums[i].generated);
		assert_int_equal(n->recorded, sums[i].recorded);
		assert_int_equal(n->lost, sums[i].lost);
		assert_int_equal(n->suppressed, sums[i].suppressed);
	}
	assert_int_equal(declare_account(&emit, sums, false, &c), 0);
	assert_true(fake_last->account->has_closed && !fake_last->account->closed);
}

static void test_binding(void **state)
{
	struct container c = {
		.id.container_id = "a", .state = CONTAINER_RESOLVED, .pending_records = 4};

	(void)state;
	assert_int_equal(declare_binding(&emit, &c), 0);
	assert_int_equal(fake_last->binding->pending_records, 4);
	assert_string_equal(fake_last->container->metadata_state, "RESOLVED");
	assert_int_equal(c.pending_records, 4);
}

static void test_log_removed(void **state)
{
	struct run_place first = {.run_id = "run-x", .sequence = 50, .time_unix_nano = 1000},
			 next = {.run_id = "run-x", .sequence = 100, .time_unix_nano = 2000};

	(void)state;
	assert_int_equal(declare_log_removed(&emit, 50, &first, &next), 0);
	assert_string_equal(fake_last->loss->cause, "log_limit");
	assert_int_equal(fake_last->loss->count, 50);
	assert_string_equal(fake_last->loss->lost_run_id, "run-x");
	assert_int_equal(fake_last->loss->first_sequence, 50);
	assert_int_equal(fake_last->loss->last_sequence, 99);
	assert_int_equal(fake_last->loss->first_unix_nano, 1000);
	assert_int_equal(fake_last->loss->last_unix_nano, 2000);
	/* The next record is another run's: how far the first one went is not known here. */
	strcpy(next.run_id, "run-y");
	assert_int_equal(declare_log_removed(&emit, 50, &first, &next), 0);
	assert_int_equal(fake_last->loss->first_sequence, 50);
	assert_false(fake_last->loss->has_last_sequence);
	/* Nothing readable there. */
	first.run_id[0] = '\0';
	assert_int_equal(declare_log_removed(&emit, 50, &first, &next), 0);
	assert_int_equal(fake_last->loss->count, 50);
	assert_null(fake_last->loss->lost_run_id);
	assert_false(fake_last->loss->has_first_sequence);
}

static void test_not_delivered(void **state)
{
	(void)state;
	assert_int_equal(declare_not_delivered(&emit, "run-x", 9, 77), 0);
	assert_string_equal(fake_last->loss->cause, "not_delivered");
	assert_int_equal(fake_last->loss->count, 1);
	assert_string_equal(fake_last->loss->lost_run_id, "run-x");
	assert_int_equal(fake_last->loss->first_sequence, 9);
	assert_int_equal(fake_last->loss->last_sequence, 9);
	assert_int_equal(fake_last->loss->first_unix_nano, 77);
}

static void test_no_memory(void **state)
{
	struct streams_finding f = {.count = 1};
	struct streams_sum sums[EV_CLASS_CNT] = {};
	struct container c = {.id.container_id = "a"};

	(void)state;
	for (emit.arena.size = 0; emit.arena.size < 64; emit.arena.size += 8) {
		f.suppressed = false;
		assert_int_equal(declare_finding(&emit, &f, &c), -ENOMEM);
		f.suppressed = true;
		assert_int_equal(declare_finding(&emit, &f, &c), -ENOMEM);
		assert_int_equal(declare_account(&emit, sums, true, &c), -ENOMEM);
		assert_int_equal(declare_binding(&emit, &c), -ENOMEM);
	}
	emit.arena.size = ARENA_SIZE;
	assert_int_equal(emit.sequence, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_LOG_TEST(test_loss),	 FAKE_LOG_TEST(test_suppression),
		FAKE_LOG_TEST(test_account),	 FAKE_LOG_TEST(test_binding),
		FAKE_LOG_TEST(test_log_removed), FAKE_LOG_TEST(test_not_delivered),
		FAKE_LOG_TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
