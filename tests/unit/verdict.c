/* SPDX-License-Identifier: Apache-2.0 */
/* Every way in which a history can lack something is told, and a whole one is called whole. */
#include "tests/unit/verdict.h"

static void test_whole_life_is_complete(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	assert_int_equal(judge(f), 0);
	assert_string_equal(f->text, "COMPLETE: 1 container, 14 records, nothing is missing\n");
}

/* The clock is set back by an hour, then a container starts: not before the sensor did. */
static void test_clock_set_back_before_start(void **state)
{
	struct fixture *f = *state;

	f->s.booted_ns = at(-1000);
	sample_run_start(&f->s, NULL, 0);
	f->s.now_ns -= 3600 * SAMPLE_SEC;
	f->s.booted_ns -= 3600 * SAMPLE_SEC;
	sample_life(&f->s, &f->c);
	assert_int_equal(judge(f), 0);
}

/* It is set forward while the sensor starts: what started before all hooks were there did so. */
static void test_clock_set_forward_at_start(void **state)
{
	struct fixture *f = *state;

	f->s.now_ns = at(20);
	f->s.booted_ns = at(-1000);
	sample_run_start(&f->s, NULL, 0);
	f->s.now_ns = at(3610);
	f->s.booted_ns += 3600 * SAMPLE_SEC;
	sample_life(&f->s, &f->c);
	assert_int_equal(judge(f), 3);
	assert_says(f, "started while the sensor was attaching its hooks");
}

static void test_duplicates_are_no_loss(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	for (size_t i = 3; i < 6; i++)
		sample_garbage(&f->s, f->s.items[i].payload, f->s.items[i].len);
	assert_int_equal(judge(f), 0);
	assert_says(f, "note: 3 records came more than once");
	assert_says(f, "COMPLETE: 1 container, 14 records");
}

static void test_declared_loss(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_loss(&f->s, &f->c, "file", 100, at(1), at(2));
	sample_loss(&f->s, &f->c, "file", 20, at(2), at(4));
	sample_stop(&f->s, &f->c);
	sample_account(&f->s, &f->c, true, 120, 0);
	assert_int_equal(judge(f), 3);
	assert_says(
		f,
		"INCOMPLETE: 120 file events lost (ring_full) between 2026-11-20T20:00:01.000000Z "
		"and 2026-11-20T20:00:04.000000Z\n");
	assert_null(strstr(f->text, "the account"));
}

static void test_loss_before_the_first_record(void **state)
{
	struct fixture *f = *state;

	f->s.now_ns = at(10);
	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_loss(&f->s, &f->c, "process", 1, at(10), at(10));
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge(f), 3);
	assert_says(f, "INCOMPLETE: 1 process events lost (ring_full)");
}

static void test_undeclared_loss(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_stop(&f->s, &f->c);
	sample_account(&f->s, &f->c, true, 5, 0);
	assert_int_equal(judge(f), 3);
	assert_says(f, "the account says 5 file events lost, loss records declare 0");
}

static void test_loss_of_other_container_is_not_ours(void **state)
{
	struct fixture *f = *state;

	f->other.in_pod = false;
	sample_run_start(&f->s, NULL, 0);
	sample_loss(&f->s, &f->other, "file", 9, at(0), at(99));
	sample_life(&f->s, &f->c);
	assert_int_equal(judge(f), 0);
}

static void test_loss_of_node_in_life(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	sample_loss(&f->s, NULL, "process", 2, at(3), at(4));
	assert_int_equal(judge(f), 3);
	assert_says(f, "2 process events of the node lost (ring_full), of which container is not "
		       "known, between");
}

static void test_loss_of_node_after_life(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	sample_loss(&f->s, NULL, "process", 2, at(500), at(501));
	assert_int_equal(judge(f), 0);
}

static void put_lost_records(struct sample *s, uint64_t first, uint64_t last)
{
	Varve__V1__Loss body = VARVE__V1__LOSS__INIT;
	struct sample_event e;

	body.event_class = (char *)"file";
	body.cause = (char *)"not_delivered";
	body.lost_run_id = (char *)SAMPLE_RUN;
	SAMPLE_SET(&body, count, last - first + 1);
	SAMPLE_SET(&body, first_sequence, first);
	SAMPLE_SET(&body, last_sequence, last);
	sample_begin(s, &e, NULL, 31);
	e.ev.loss = &body;
	sample_put(s, &e);
}

static void test_undelivered_but_held(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	put_lost_records(&f->s, 4, 4); /* Kafka lacks it; this log does not */
	assert_int_equal(judge(f), 0);
}

static void test_undelivered(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	f->s.drop = true;
	sample_open_file(&f->s, &f->c, 4201, "/etc/hosts", SAMPLE_READ);
	sample_stop(&f->s, &f->c);
	sample_account(&f->s, &f->c, true, 0, 0);
	put_lost_records(&f->s, 3, 3);
	assert_int_equal(judge(f), 3);
	assert_says(f, "1 file records of the node lost (not_delivered)");
	assert_says(f, "INCOMPLETE: 1 record of the container missing (stream_sequence 1 to 1 "
		       "of run " SAMPLE_RUN
		       ") between 2026-11-20T20:00:01.000000Z and 2026-11-20T20:00:03.000000Z");
	assert_says(f, "1 record of the node missing (sequence 3 to 3");
	assert_says(f, "the account says 1 file events recorded, the evidence holds 0");
}

static void test_gap_of_node_in_life(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	f->s.drop = true;
	sample_heartbeat(&f->s);
	sample_stop(&f->s, &f->c);
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge(f), 3);
	assert_says(f, "1 record of the node missing (sequence 3 to 3");
	assert_null(strstr(f->text, "of the container missing"));
}

static void test_gap_beyond_account_does_not_matter(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	f->s.drop = true;
	sample_heartbeat(&f->s);
	sample_heartbeat(&f->s);
	assert_int_equal(judge_container(f), 0);
}

static void test_front_of_log_gone(void **state)
{
	struct fixture *f = *state;

	/* The log let its oldest records go; the container is younger. */
	f->s.drop = true;
	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	assert_int_equal(judge_container(f), 0);
	assert_says(f, "note: the start of run " SAMPLE_RUN " is not in the evidence");
}

static void test_front_of_container_gone(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	f->s.drop = true;
	sample_start(&f->s, &f->c, false);
	sample_stop(&f->s, &f->c);
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge(f), 3);
	assert_says(
		f, "the start of the container is not in the evidence; its first record here is of "
		   "2026-11-20T20:00:02.000000Z");
	assert_says(f, "(stream_sequence 0 to 0");
}

static void test_already_ran(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, true);
	sample_stop(&f->s, &f->c);
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge(f), 3);
	assert_says(
		f,
		"the container already ran when the sensor started at 2026-11-20T20:00:00.000000Z");
}

static void test_already_ran_but_since_is_later(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, true);
	sample_stop(&f->s, &f->c);
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge_window(f, at(2), INT64_MAX), 0);
	assert_says(f, "note: a part of the container's life: judged by sequence gaps and declared "
		       "losses");
}

static void test_damage_in_life(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_damage(&f->s);
	sample_stop(&f->s, &f->c);
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge(f), 3);
	assert_says(f,
		    "the log is damaged (00000000000000000000.seg, offset 99, 7 bytes), between");
}

static void test_damage_beyond_account_does_not_matter(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	sample_damage(&f->s);
	sample_heartbeat(&f->s);
	sample_garbage(&f->s, "", 0);
	assert_int_equal(judge_container(f), 0);
}

static void test_garbage_in_life(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_garbage(&f->s, "\xff\xff\xff", 3);
	sample_garbage(&f->s, "hello", 5);
	sample_stop(&f->s, &f->c);
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge(f), 3);
	assert_says(f, "INCOMPLETE: 2 payloads not a record, between");
}

static void test_many_holes_are_summed_up(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	for (int i = 0; i < 25; i++) {
		sample_garbage(&f->s, "hello", 5);
		sample_heartbeat(&f->s);
	}
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge(f), 3);
	assert_says(f, "INCOMPLETE: 15 more places cannot be read");
}

static void test_garbage_of_other_partition(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	f->s.partition = 1;
	sample_garbage(&f->s, "hello", 5);
	assert_int_equal(judge(f), 0);
}

static void test_account_does_not_add_up(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	f->c.counts[1] += 3; /* the account speaks of file records that are not there */
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge(f), 3);
	assert_says(f, "the account says 3 file events recorded, the evidence holds 0");
}

static void put_bad_account(struct sample *s, struct sample_container *c)
{
	Varve__V1__Account body = VARVE__V1__ACCOUNT__INIT;
	Varve__V1__ClassCount count = VARVE__V1__CLASS_COUNT__INIT, *pointer = &count;
	struct sample_event e;

	count.event_class = (char *)"container";
	SAMPLE_SET(&count, recorded, 1);
	SAMPLE_SET(&count, generated, 7);
	body.counts = &pointer;
	body.n_counts = 1;
	SAMPLE_SET(&body, closed, 1);
	sample_begin(s, &e, c, 34);
	e.ev.account = &body;
	sample_put(s, &e);
}

static void test_account_sum(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	put_bad_account(&f->s, &f->c);
	assert_int_equal(judge(f), 3);
	assert_says(f, "the account of container events does not add up: 1 recorded + 0 lost + 0 "
		       "suppressed, "
		       "7 generated");
}

static void test_class_without_account(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_open_file(&f->s, &f->c, 4201, "/etc/hosts", SAMPLE_READ);
	Varve__V1__Account body = VARVE__V1__ACCOUNT__INIT;
	struct sample_event e;

	SAMPLE_SET(&body, closed, 1);
	sample_begin(&f->s, &e, &f->c, 34);
	e.ev.account = &body;
	sample_put(&f->s, &e);
	assert_int_equal(judge(f), 3);
	assert_says(f, "the account says 0 file events recorded, the evidence holds 1");
}

static void test_still_running(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_heartbeat(&f->s);
	assert_int_equal(judge(f), 4);
	assert_says(
		f, "UNKNOWN: the container's account is not closed: at the last record of the run, "
		   "2026-11-20T20:00:02.000000Z, it still ran, or the sensor died");
}

static void test_stopped_without_account(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_stop(&f->s, &f->c);
	assert_int_equal(judge(f), 4);
	assert_says(f, "UNKNOWN: the container stopped, but the evidence ends at");
}

static void test_sensor_ended_first(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_account(&f->s, &f->c, false, 0, 0);
	sample_run_end(&f->s);
	assert_int_equal(judge(f), 4);
	assert_says(f, "UNKNOWN: the container still ran when the sensor ended (SIGTERM) at");
}

static void start_second_run(struct sample *s, struct sample_container *c, int64_t since_ns)
{
	s->run = SAMPLE_RUN2;
	s->sequence = s->node_sequence = 0;
	*c = (struct sample_container){.id = c->id, .name = c->name, .in_pod = c->in_pod};
	sample_run_start(s, SAMPLE_RUN, since_ns);
}

static void test_sensor_crashed_and_came_back(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	f->s.now_ns = at(60);
	start_second_run(&f->s, &f->c, at(1));
	sample_start(&f->s, &f->c, true);
	sample_stop(&f->s, &f->c);
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge(f), 3);
	assert_says(f, "INCOMPLETE: not watched between 2026-11-20T20:00:01.000000Z and "
		       "2026-11-20T20:01:00.000000Z: the sensor died (no RUN_END)\n");
	assert_null(strstr(f->text, "already ran"));
}

static void test_sensor_stopped_and_container_not_seen_again(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_account(&f->s, &f->c, false, 0, 0);
	sample_run_end(&f->s);
	start_second_run(&f->s, &f->c, at(3));
	assert_int_equal(judge(f), 3);
	assert_says(f, "the sensor was stopped; the container was not seen again");
}

static void test_restart_outside_of_window(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	f->s.now_ns = at(60);
	start_second_run(&f->s, &f->c, at(1));
	sample_start(&f->s, &f->c, true);
	sample_stop(&f->s, &f->c);
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge_window(f, at(61), INT64_MAX), 0);
}

static void test_restart_after_account(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	start_second_run(&f->s, &f->c, at(15));
	assert_int_equal(judge(f), 0);
}

static void test_tail_of_previous_run(void **state)
{
	struct fixture *f = *state;
	Varve__V1__RunStart body = VARVE__V1__RUN_START__INIT;
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	f->s.run = SAMPLE_RUN2;
	f->s.sequence = 0;
	body.previous_run_id = (char *)SAMPLE_RUN;
	SAMPLE_SET(&body, previous_last_sequence, 11);
	sample_begin(&f->s, &e, NULL, 27);
	e.ev.run_start = &body;
	sample_put(&f->s, &e);
	assert_int_equal(judge(f), 3);
	assert_says(f, "the last 9 records of run " SAMPLE_RUN " are missing");
}

static void test_until_with_settled_losses(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_open_file(&f->s, &f->c, 4201, "/etc/hosts", SAMPLE_READ);
	sample_heartbeat(&f->s);
	/* The last one may not have declared what has no cause yet. */
	assert_int_equal(judge_window(f, INT64_MIN, at(2)), 4);
	sample_heartbeat(&f->s);
	assert_int_equal(judge_window(f, INT64_MIN, at(2)), 0);
	assert_says(f, "note: a part of the container's life: judged by sequence gaps and declared "
		       "losses, not by "
		       "its account");
	assert_says(f, "COMPLETE: 1 container, 2 records");
}

static void test_until_beyond_the_evidence(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_heartbeat(&f->s);
	assert_int_equal(judge_window(f, INT64_MIN, at(50)), 4);
}

static void test_loss_outside_of_window(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	f->s.now_ns = at(100);
	sample_loss(&f->s, &f->c, "file", 9, at(80), at(90));
	sample_heartbeat(&f->s);
	sample_heartbeat(&f->s);
	assert_int_equal(judge_window(f, INT64_MIN, at(50)), 0);
}

static int judge_suppressed(struct fixture *f, const char *reason)
{
	Varve__V1__Suppression body = VARVE__V1__SUPPRESSION__INIT;
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	body.event_class = (char *)"file";
	body.reason = (char *)reason;
	SAMPLE_SET(&body, count, 12);
	sample_begin(&f->s, &e, &f->c, 32);
	e.ev.suppression = &body;
	sample_put(&f->s, &e);
	sample_account(&f->s, &f->c, true, 0, 12);
	return judge(f);
}

static void test_suppressed_is_told_and_complete(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(judge_suppressed(f, "read_open_repeated"), 0);
	assert_says(f, "note: suppressed by policy: 12 repeated read-opens\n");
}

/* It may have been anything. */
static void test_held_back_is_incomplete(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(judge_suppressed(f, "fair_share"), 3);
	assert_says(f, "INCOMPLETE: suppressed by policy: 12 events beyond a fair share of a full "
		       "buffer\n");
}

static void test_limited_is_incomplete(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(judge_suppressed(f, "rate_limit"), 3);
	assert_says(f, "INCOMPLETE: suppressed by policy: 12 events beyond the rate limit\n");
}

static void test_worst_container_counts(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	sample_start(&f->s, &f->other, false);
	assert_int_equal(judge(f), 4);
	assert_says(f, "UNKNOWN: container side: the container's account is not closed");
}

static void test_incomplete_is_worse_than_unknown(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_loss(&f->s, &f->c, "file", 1, at(1), at(1));
	assert_int_equal(judge(f), 3);
	assert_says(f, "UNKNOWN: ");
	assert_says(f, "INCOMPLETE: 1 file events lost");
	assert_null(strstr(f->text, "nothing is missing"));
}

static void test_name_used_again(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	memset(f->c.counts, 0, sizeof(f->c.counts)); /* stream_sequence goes on */
	sample_life(&f->s, &f->c);
	memset(&f->c.stream_sequence, 0, sizeof(f->c.stream_sequence));
	memset(f->c.counts, 0, sizeof(f->c.counts)); /* and here it begins anew */
	sample_life(&f->s, &f->c);
	assert_int_equal(judge(f), 0);
	assert_says(f, "COMPLETE: 1 container, 42 records");
}

static void test_hook_not_attached(void **state)
{
	struct fixture *f = *state;

	sample_run_start_only(&f->s, NULL, 0);
	sample_coverage(&f->s, "unlink_exit");
	sample_life(&f->s, &f->c);
	assert_int_equal(judge_container(f), 4);
	assert_says(f,
		    "UNKNOWN: the sensor did not have these hooks, and what they would have shown "
		    "is not known: unlink_exit (No such process)\n");
}

static void test_hook_not_attached_later(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	sample_coverage(&f->s, "unlink_exit");
	assert_int_equal(judge_container(f), 0);
}

static void test_hook_of_the_window_counts(void **state)
{
	struct fixture *f = *state;

	sample_run_start_only(&f->s, NULL, 0);
	sample_coverage(&f->s, "unlink_exit");
	sample_start(&f->s, &f->c, false);
	f->s.now_ns = at(100);
	sample_coverage(&f->s, NULL);
	sample_coverage(&f->s, NULL);
	f->s.now_ns = at(200);
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge_window(f, at(150), INT64_MAX), 0);
	assert_int_equal(judge_window(f, at(50), INT64_MAX), 4);
}

static void test_no_coverage(void **state)
{
	struct fixture *f = *state;

	sample_run_start_only(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	f->s.now_ns = at(100);
	sample_coverage(&f->s, NULL);
	assert_int_equal(judge_container(f), 4);
	assert_says(f, "UNKNOWN: what the sensor could see is not in the evidence (no COVERAGE of "
		       "run " SAMPLE_RUN ")\n");
}

static void test_coverage_first_within_the_life(void **state)
{
	struct fixture *f = *state;

	f->s.drop = true;
	sample_run_start_only(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_coverage(&f->s, NULL);
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge_container(f), 0);
}

/* As strands that are mixed may give them: later records first. */
static void move_to_front(struct sample *s, size_t from)
{
	struct sample_item *items = calloc(s->cnt, sizeof(*items));

	memcpy(items, &s->items[from], (s->cnt - from) * sizeof(*items));
	memcpy(&items[s->cnt - from], s->items, from * sizeof(*items));
	free(s->items);
	s->items = items;
}

/* The hook was gone when the container began, and came back behind it. */
static void test_coverage_in_another_order(void **state)
{
	struct fixture *f = *state;
	size_t from;

	sample_run_start(&f->s, NULL, 0);
	sample_coverage(&f->s, "unlink_exit");
	sample_coverage(&f->s, "unlink_exit");
	sample_life(&f->s, &f->c);
	from = f->s.cnt;
	sample_coverage(&f->s, NULL);
	sample_heartbeat(&f->s);
	sample_run_end(&f->s);
	assert_int_equal(judge(f), 4);
	_cleanup_free_ char *text = strdup(f->text);

	assert_says(f, "did not have these hooks");
	assert_int_equal(f->h->runs->coverage_cnt, 3);
	move_to_front(&f->s, from);
	assert_int_equal(judge(f), 4);
	assert_string_equal(f->text, text);
	assert_int_equal(f->h->runs->coverage_cnt, 3);
}

/* A heartbeat whose canary did not come says so of the time since the one before. */
static void test_canary(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_heartbeat(&f->s);
	sample_start(&f->s, &f->c, false);
	sample_heartbeat_of(&f->s, false);
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge_container(f), 4);
	assert_says(f, "no probe saw what the sensor did itself: programs may not have run");
}

/* Which heartbeat was before it is not known then: it may be any time before. */
static void test_canary_in_another_order(void **state)
{
	struct fixture *f = *state;
	size_t from;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	sample_heartbeat_of(&f->s, false);
	from = f->s.cnt;
	f->s.now_ns = at(100);
	sample_heartbeat(&f->s);
	sample_heartbeat(&f->s);
	move_to_front(&f->s, from);
	assert_int_equal(judge(f), 4);
	assert_says(f, "no probe saw what the sensor did itself");
	assert_int_equal(f->h->runs->heartbeat_ns, at(101));
	assert_int_equal(f->h->runs->settled_ns, at(100));
}

/* It is set back by an hour: what lies between is the time that is known least of. */
static void test_canary_when_the_clock_is_set_back(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_heartbeat(&f->s);
	sample_life(&f->s, &f->c);
	f->s.now_ns = at(-3600);
	sample_heartbeat_of(&f->s, false);
	assert_int_equal(judge(f), 4);
	assert_int_equal(f->h->runs->blind_cnt, 1);
	assert_int_equal(f->h->runs->blinds[0].since_ns, at(-3600));
	assert_true(f->h->runs->blinds[0].until_ns < at(2));
	sample_heartbeat_of(&f->s, false);
	assert_int_equal(judge(f), 4);
	assert_int_equal(f->h->runs->blind_cnt, 2);
}

static void test_canary_of_another_time(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_heartbeat_of(&f->s, false);
	sample_heartbeat(&f->s);
	f->s.now_ns = at(100);
	sample_life(&f->s, &f->c);
	f->s.now_ns = at(200);
	sample_heartbeat(&f->s);
	sample_heartbeat_of(&f->s, false);
	assert_int_equal(judge_container(f), 0);
}

static void test_torn_end(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	sample_damage(&f->s);
	f->s.items[f->s.cnt - 1].at_tail = true;
	assert_int_equal(judge_container(f), 0);
	assert_int_equal(judge(f), 4);
}

static void test_torn_end_of_open_container(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_damage(&f->s);
	f->s.items[f->s.cnt - 1].at_tail = true;
	assert_int_equal(judge_container(f), 4);
	assert_says(f, "UNKNOWN: the end of the log cannot be read");
}

static void test_torn_end_of_stopped_container(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_stop(&f->s, &f->c);
	sample_damage(&f->s);
	f->s.items[f->s.cnt - 1].at_tail = true;
	assert_int_equal(judge_container(f), 3);
	assert_says(f, "INCOMPLETE: the end of the log cannot be read");
}

static void test_start_before_all_hooks(void **state)
{
	struct fixture *f = *state;

	f->s.now_ns = at(10);
	sample_run_start(&f->s, NULL, 0);
	f->s.now_ns = at(9);
	sample_life(&f->s, &f->c);
	assert_int_equal(judge_container(f), 3);
	assert_says(f,
		    "INCOMPLETE: the container started while the sensor was attaching its hooks, "
		    "which ended at 2026-11-20T20:00:10.000000Z");
}

static void test_runs_are_ordered_by_time(void **state)
{
	struct fixture *f = *state;

	/* The later run comes first, and names no run before it. */
	f->s.now_ns = at(60);
	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, true);
	sample_stop(&f->s, &f->c);
	sample_account(&f->s, &f->c, true, 0, 0);
	f->s.now_ns = at(0);
	start_second_run(&f->s, &f->c, at(0));
	sample_start(&f->s, &f->c, false);
	assert_int_equal(judge_container(f), 3);
	assert_string_equal(f->h->runs->id, SAMPLE_RUN2);
	assert_says(f, "INCOMPLETE: not watched between 2026-11-20T20:00:01.000000Z and "
		       "2026-11-20T20:01:00.000000Z");
	assert_null(strstr(f->text, "already ran"));
}

static void test_not_running_then(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	assert_int_equal(judge_window(f, at(100), at(200)), 0);
	assert_string_equal(f->text,
			    "note: it was not running in this time: its records are from "
			    "2026-11-20T20:00:01.000000Z to 2026-11-20T20:00:14.000000Z\n");
}

static void test_nothing_recorded_then(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	f->s.now_ns = at(100);
	sample_start(&f->s, &f->c, true);
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge_window(f, at(10), at(20)), 4);
	assert_says(f, "UNKNOWN: nothing is recorded of it in this time\n");
	assert_null(strstr(f->text, "COMPLETE"));
}

static void test_idle_then(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	f->s.now_ns = at(100);
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge_window(f, at(10), at(20)), 0);
	assert_says(f, "COMPLETE: 1 container, 0 records");
}

static void put_nested(struct fixture *f, bool stop)
{
	Varve__V1__ContainerStart start = VARVE__V1__CONTAINER_START__INIT;
	Varve__V1__ContainerStop gone = VARVE__V1__CONTAINER_STOP__INIT;
	struct sample_event e;

	SAMPLE_SET(&start, nested_cgroup, 1);
	SAMPLE_SET(&gone, nested_cgroup, 1);
	sample_begin(&f->s, &e, &f->c, stop ? 20 : 19);
	if (stop)
		e.ev.container_stop = &gone;
	else
		e.ev.container_start = &start;
	sample_number(&e);
	sample_put(&f->s, &e);
}

static void test_nested_cgroup_is_no_life(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, true);
	put_nested(f, false);
	put_nested(f, true);
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge_container(f), 3);
	assert_says(f, "the container already ran when the sensor started");
	assert_false(f->h->containers->streams->stopped);
}

static void test_hostile_names_are_escaped(void **state)
{
	struct fixture *f = *state;

	f->other.name = "a\033[2J";
	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	sample_start(&f->s, &f->other, false);
	assert_int_equal(judge(f), 4);
	assert_null(strchr(f->text, '\033'));
}

static void test_records_gone_while_read(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	assert_int_equal(judge(f), 0);
	verdict_check_streamed(&f->v, 14);
	assert_int_equal(verdict_exit_status(&f->v), 0);
	verdict_check_streamed(&f->v, 11);
	assert_int_equal(verdict_exit_status(&f->v), 3);
}

static int take_none(const struct history_container *container, const Varve__V1__Event *ev,
		     void *ctx)
{
	(void)container;
	(void)ev;
	(void)ctx;
	return 0;
}

/* Two records say that they are the same one; the first was another container's. */
static void test_records_that_contradict_each_other(void **state)
{
	struct fixture *f = *state;
	uint64_t cnt;

	f->other.in_pod = false;
	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_open_file(&f->s, &f->other, 4201, "/etc/hosts", SAMPLE_READ);
	f->s.sequence--;
	sample_open_file(&f->s, &f->c, 4201, "/etc/shadow", SAMPLE_READ);
	sample_account(&f->s, &f->c, true, 0, 0);
	judge(f);
	f->v.result = VERDICT_COMPLETE; /* say it was numbered as if nothing were missing */
	assert_int_equal(history_stream(f->h, &f->s.source, take_none, NULL, &cnt), 0);
	assert_int_equal(cnt, f->v.record_cnt + 1);
	verdict_check_streamed(&f->v, cnt);
	assert_int_equal(verdict_exit_status(&f->v), 4);
	assert_non_null(strstr(f->v.reasons[f->v.reason_cnt - 1].text,
			       "1 records are printed that others with the same run and sequence "
			       "contradict"));
}

static void start_of_version(struct fixture *f, const char *run, const char *version)
{
	Varve__V1__RunStart body = VARVE__V1__RUN_START__INIT;
	struct sample_event e;

	f->s.run = run;
	f->s.sequence = f->s.node_sequence = 0;
	SAMPLE_SET(&body, watched_since_unix_nano, f->s.now_ns);
	body.sensor_version = (char *)version;
	body.kernel_release = (char *)"6.12.0";
	sample_begin(&f->s, &e, NULL, 27);
	e.ev.run_start = &body;
	sample_put(&f->s, &e);
	sample_coverage(&f->s, NULL);
}

/* Of the runs that the container is in, and only these. */
static void test_watchers_are_named(void **state)
{
	struct fixture *f = *state;

	start_of_version(f, SAMPLE_RUN2, "9.9.9");
	sample_run_end(&f->s);
	start_of_version(f, SAMPLE_RUN, "1.2.3\033");
	sample_life(&f->s, &f->c);
	sample_run_end(&f->s);
	judge_container(f);
	assert_says(f, "note: watched on worker-1 by varve-sensor 1.2.3\\x1b, Linux 6.12.0 "
		       "(run " SAMPLE_RUN ")\n");
	assert_null(strstr(f->text, "9.9.9"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_whole_life_is_complete),
		T(test_duplicates_are_no_loss),
		T(test_clock_set_back_before_start),
		T(test_clock_set_forward_at_start),
		T(test_declared_loss),
		T(test_loss_before_the_first_record),
		T(test_undeclared_loss),
		T(test_loss_of_other_container_is_not_ours),
		T(test_loss_of_node_in_life),
		T(test_loss_of_node_after_life),
		T(test_undelivered_but_held),
		T(test_undelivered),
		T(test_gap_of_node_in_life),
		T(test_gap_beyond_account_does_not_matter),
		T(test_front_of_log_gone),
		T(test_front_of_container_gone),
		T(test_already_ran),
		T(test_already_ran_but_since_is_later),
		T(test_damage_in_life),
		T(test_damage_beyond_account_does_not_matter),
		T(test_garbage_in_life),
		T(test_many_holes_are_summed_up),
		T(test_garbage_of_other_partition),
		T(test_account_does_not_add_up),
		T(test_account_sum),
		T(test_class_without_account),
		T(test_still_running),
		T(test_stopped_without_account),
		T(test_sensor_ended_first),
		T(test_sensor_crashed_and_came_back),
		T(test_sensor_stopped_and_container_not_seen_again),
		T(test_restart_outside_of_window),
		T(test_restart_after_account),
		T(test_tail_of_previous_run),
		T(test_until_with_settled_losses),
		T(test_until_beyond_the_evidence),
		T(test_loss_outside_of_window),
		T(test_suppressed_is_told_and_complete),
		T(test_held_back_is_incomplete),
		T(test_limited_is_incomplete),
		T(test_worst_container_counts),
		T(test_incomplete_is_worse_than_unknown),
		T(test_name_used_again),
		T(test_hook_not_attached),
		T(test_hook_not_attached_later),
		T(test_hook_of_the_window_counts),
		T(test_no_coverage),
		T(test_coverage_first_within_the_life),
		T(test_coverage_in_another_order),
		T(test_canary),
		T(test_canary_in_another_order),
		T(test_canary_when_the_clock_is_set_back),
		T(test_canary_of_another_time),
		T(test_torn_end),
		T(test_torn_end_of_open_container),
		T(test_torn_end_of_stopped_container),
		T(test_start_before_all_hooks),
		T(test_runs_are_ordered_by_time),
		T(test_not_running_then),
		T(test_nothing_recorded_then),
		T(test_idle_then),
		T(test_nested_cgroup_is_no_life),
		T(test_hostile_names_are_escaped),
		T(test_records_gone_while_read),
		T(test_records_that_contradict_each_other),
		T(test_watchers_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
