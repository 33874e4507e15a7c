/* SPDX-License-Identifier: Apache-2.0 */
/* A pod is not called complete when a container of it could be missing altogether. */
#include "tests/unit/verdict.h"

static void test_unknown_pod_may_be_this_one(void **state)
{
	struct fixture *f = *state;

	f->other.state = "PENDING";
	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->other, false);
	sample_life(&f->s, &f->c);
	assert_int_equal(judge(f), 4);
	assert_says(f, "UNKNOWN: 1 container whose pod is not known was there in this time and may "
		       "be of this pod: " SAMPLE_ID2 "\n");
	assert_int_equal(judge_container(f), 0);
}

static void test_unknown_pod_is_another_by_its_path(void **state)
{
	struct fixture *f = *state;

	f->other.state = "UNRESOLVED";
	f->other.cgroup_path =
		"/kubepods.slice/kubepods-podbbbbbbbb_0000_4000_8000_000000000002.slice/x";
	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->other, false);
	sample_life(&f->s, &f->c);
	assert_int_equal(judge(f), 0);
}

static void test_unknown_pod_is_this_one_by_its_path(void **state)
{
	struct fixture *f = *state;

	f->other.state = "UNRESOLVED";
	f->other.cgroup_path =
		"/kubepods.slice/kubepods-podaaaaaaaa_0000_4000_8000_000000000001.slice/x";
	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->other, false);
	sample_life(&f->s, &f->c);
	assert_int_equal(judge(f), 4);
}

static void test_unknown_pod_is_not_in_the_cgroup_of_this_one(void **state)
{
	struct fixture *f = *state;

	f->other.state = "UNRESOLVED";
	f->other.cgroup_path = "/system.slice/x";
	f->c.cgroup_path = "/kubepods/podaaaaaaaa-0000-4000-8000-000000000001/x";
	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->other, false);
	sample_start(&f->s, &f->c, false);
	sample_account(&f->s, &f->c, true, 0, 0);
	assert_int_equal(judge(f), 0);
}

static void test_unknown_pod_at_another_time(void **state)
{
	struct fixture *f = *state;

	f->other.state = "PENDING";
	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	f->s.now_ns = at(500);
	sample_start(&f->s, &f->other, false);
	assert_int_equal(judge_window(f, at(0), at(60)), 0);
}

static void put_node_gap(struct fixture *f)
{
	f->s.drop = true;
	sample_heartbeat(&f->s);
	sample_heartbeat(&f->s);
}

static void test_pod_with_a_gap_elsewhere(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	f->s.now_ns = at(100);
	put_node_gap(f);
	assert_int_equal(judge(f), 4);
	assert_says(f,
		    "UNKNOWN: another container of this pod may be among 1 record of node worker-1 "
		    "that is missing between 2026-11-20T20:00:14.000000Z and "
		    "2026-11-20T20:01:41.000000Z\n");
	assert_int_equal(judge_container(f), 0);
	assert_int_equal(judge_window(f, at(-9), at(3)), 0); /* not within slack of the gap */
}

static void test_pod_with_a_missing_beginning(void **state)
{
	struct fixture *f = *state;

	f->s.drop = true;
	sample_run_start(&f->s, NULL, 0);
	f->s.now_ns = at(100);
	sample_life(&f->s, &f->c);
	assert_int_equal(judge(f), 4);
	assert_says(f, "among 1 record of node worker-1 that is missing before "
		       "2026-11-20T20:00:00.000000Z");
	assert_int_equal(judge_window(f, at(50), INT64_MAX), 0);
}

static void test_pod_with_damage_and_garbage_elsewhere(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	f->s.now_ns = at(100);
	sample_damage(&f->s);
	sample_heartbeat(&f->s);
	sample_garbage(&f->s, "hello", 5);
	assert_int_equal(judge(f), 4);
	assert_says(f, "among what cannot be read of node worker-1, between");
	assert_says(f, "among 1 record of node worker-1 that cannot be decoded, after");
	assert_int_equal(judge_container(f), 0);
}

static void put_record_loss(struct sample *s, const char *cause, int64_t first_ns, int64_t last_ns)
{
	Varve__V1__Loss body = VARVE__V1__LOSS__INIT;
	struct sample_event e;

	body.cause = (char *)cause;
	SAMPLE_SET(&body, count, 12);
	SAMPLE_SET(&body, first_unix_nano, first_ns);
	SAMPLE_SET(&body, last_unix_nano, last_ns);
	sample_begin(s, &e, NULL, 31);
	e.ev.loss = &body;
	sample_put(s, &e);
}

static void test_pod_with_lost_records_elsewhere(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	put_record_loss(&f->s, "log_limit", at(100), at(110));
	assert_int_equal(judge(f), 4);
	assert_says(f, "among 12 records of node worker-1 that were declared lost, between "
		       "2026-11-20T20:01:40.000000Z and 2026-11-20T20:01:50.000000Z");
	assert_int_equal(judge_window(f, INT64_MIN, at(60)), 0);
	assert_int_equal(judge_container(f), 0);
}

static void test_pod_with_lost_starts(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	sample_loss(&f->s, NULL, "container", 2, at(100), at(110));
	sample_loss(&f->s, NULL, "file", 2, at(100), at(110)); /* a container has its start, too */
	assert_int_equal(judge(f), 4);
	assert_says(f,
		    "UNKNOWN: another container of this pod may be among 2 container events of the "
		    "node lost (ring_full) between");
	assert_null(strstr(f->text, "file"));
	assert_int_equal(judge_container(f), 0);
	assert_int_equal(judge_window(f, INT64_MIN, at(60)), 0);
}

static void put_sandbox_life(struct fixture *f, bool from_snapshot)
{
	f->other.is_sandbox = true;
	sample_run_start(&f->s, NULL, 0);
	f->s.now_ns = at(100);
	sample_start(&f->s, &f->other, from_snapshot);
	sample_life(&f->s, &f->c);
	sample_stop(&f->s, &f->other);
	sample_account(&f->s, &f->other, true, 0, 0);
	f->s.now_ns = at(500);
}

static void test_sandbox_bounds_the_pod(void **state)
{
	struct fixture *f = *state;

	put_sandbox_life(f, false);
	f->s.now_ns = at(500);
	sample_heartbeat(&f->s);
	put_node_gap(f);
	assert_int_equal(judge(f), 0);
	assert_says(f, "COMPLETE: 2 containers");
}

static void test_sandbox_that_ran_already_bounds_nothing(void **state)
{
	struct fixture *f = *state;

	put_sandbox_life(f, true);
	sample_heartbeat(&f->s);
	put_node_gap(f);
	judge(f);
	assert_says(f, "another container of this pod may be among 1 record of node worker-1");
}

static void test_gap_in_the_life_of_the_sandbox(void **state)
{
	struct fixture *f = *state;

	f->other.is_sandbox = true;
	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->other, false);
	sample_life(&f->s, &f->c);
	f->s.drop = true;
	sample_heartbeat(&f->s);
	sample_stop(&f->s, &f->other);
	sample_account(&f->s, &f->other, true, 0, 0);
	assert_int_equal(judge(f), 3);
}

static void put_nameless(struct fixture *f, const char *cgroup_path)
{
	Varve__V1__ContainerStart body = VARVE__V1__CONTAINER_START__INIT;
	struct sample_event e;

	body.cgroup_path = (char *)cgroup_path;
	sample_begin(&f->s, &e, NULL, 19);
	e.ev.container_start = &body;
	sample_put(&f->s, &e);
}

static void test_container_without_identity(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	put_nameless(f, "/kubepods/x/y");
	sample_life(&f->s, &f->c);
	assert_int_equal(judge(f), 4);
	assert_says(f, "UNKNOWN: a container whose identity was not kept started at "
		       "2026-11-20T20:00:01.000000Z, cgroup /kubepods/x/y\n");
	assert_int_equal(judge_container(f), 0);
	assert_int_equal(judge_window(f, INT64_MIN, at(0)), 0); /* it was not there yet */
}

static void test_container_without_identity_of_other_pod(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	put_nameless(f, "/kubepods/podbbbbbbbb-0000-4000-8000-000000000002/y");
	sample_life(&f->s, &f->c);
	assert_int_equal(judge(f), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_unknown_pod_may_be_this_one),
		T(test_unknown_pod_is_another_by_its_path),
		T(test_unknown_pod_is_this_one_by_its_path),
		T(test_unknown_pod_is_not_in_the_cgroup_of_this_one),
		T(test_unknown_pod_at_another_time),
		T(test_pod_with_a_gap_elsewhere),
		T(test_pod_with_a_missing_beginning),
		T(test_pod_with_damage_and_garbage_elsewhere),
		T(test_pod_with_lost_records_elsewhere),
		T(test_pod_with_lost_starts),
		T(test_sandbox_bounds_the_pod),
		T(test_sandbox_that_ran_already_bounds_nothing),
		T(test_gap_in_the_life_of_the_sandbox),
		T(test_container_without_identity),
		T(test_container_without_identity_of_other_pod),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
