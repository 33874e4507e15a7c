/* SPDX-License-Identifier: Apache-2.0 */
/* The table of pods: what containers and the API server say of them, and what is written of it. */
#include "tests/unit/fake_log.h"
#include "sensor/pods.h"

#define UID "6f1c7f0e-3b1d-4b66-8f57-1f0a4f1f9d11"

static struct pods *pods;
static struct kube_message m;

static int open_pods(void **state)
{
	memset(&m, 0, sizeof(m));
	return fake_setup(state) || pods_new(4, true, &pods) ? -1 : 0;
}

static int close_pods(void **state)
{
	pods_free(pods);
	return fake_teardown(state);
}

static struct container container_of(const char *uid, const char *name)
{
	struct container c = {.id.container_id = "web", .state = CONTAINER_RESOLVED};

	snprintf(c.meta.pod_uid, sizeof(c.meta.pod_uid), "%s", uid);
	snprintf(c.meta.pod_name, sizeof(c.meta.pod_name), "%s", name);
	snprintf(c.meta.pod_namespace, sizeof(c.meta.pod_namespace), "%s", *name ? "shop" : "");
	return c;
}

static void say(enum kube_message_type type, const char *uid, const char *name)
{
	m.type = type;
	snprintf(m.pod.uid, sizeof(m.pod.uid), "%s", uid);
	snprintf(m.pod.name, sizeof(m.pod.name), "%s", name);
	strcpy(m.pod.namespace_, "shop");
	pods_take(pods, &m, 1000);
}

static void say_owner(void)
{
	m.pod.owner = (struct kube_owner){"ReplicaSet", "web-7c9", 0};
	m.pod.workload = (struct kube_owner){"Deployment", "web", 1};
	strcpy(m.pod.service_account, "shopkeeper");
	m.pod.label_cnt = 1;
	strcpy(m.pod.labels[0].key, "app");
	strcpy(m.pod.labels[0].value, "web");
	m.pod.container_cnt = 1;
	strcpy(m.pod.containers[0].name, "app");
	m.pod.containers[0].restart_count = 3;
}

static void write_record(struct container *c)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Exit body = VARVE__V1__EXIT__INIT;

	arena_reset(&emit.arena);
	ev.body_case = VARVE__V1__EVENT__BODY_EXIT;
	ev.exit = &body;
	pods_attach(pods, c, emit.sequence, 500);
	assert_int_equal(emit_event(&emit, &ev, c), 0);
}

static void expect_flush(bool ended)
{
	uint64_t before = emit.sequence;

	assert_true(pods_are_due(pods));
	pods_flush(pods, &emit);
	assert_int_equal(emit.sequence, before + 1);
	assert_string_equal(fake_last->kind, "POD_STATE");
	assert_string_equal(fake_last->stream, "node");
	assert_string_equal(fake_last->pod->uid, UID);
	assert_int_equal(fake_last->pod_state->ended, ended);
	assert_false(pods_are_due(pods));
}

static void test_life_of_a_pod(void **state)
{
	struct container a = container_of(UID, "web-1"), b = container_of(UID, "web-1");

	(void)state;
	write_record(&a);
	write_record(&b);
	write_record(&a);
	assert_ptr_equal(a.pod, b.pod);
	assert_string_equal(fake_last->pod->api_state, "PENDING");
	expect_flush(false);
	assert_int_equal(fake_last->pod_state->first_sequence, 0);
	assert_int_equal(fake_last->pod_state->last_sequence, 2);
	assert_string_equal(fake_last->pod->name, "web-1");
	pods_detach(pods, &a, emit.sequence, 600);
	assert_false(pods_are_due(pods));
	pods_detach(pods, &b, 4, 700);
	assert_null(b.pod);
	expect_flush(true);
	assert_int_equal(fake_last->pod_state->last_sequence, 3);
	assert_int_equal(fake_last->pod_state->last_unix_nano, 700 + emit.clock_offset_ns);
	/* The API server may answer late, and then it is over. */
	pods_expire(pods, 700 + 59 * NSEC_PER_SEC);
	assert_int_equal(pods_count(pods), 1);
	pods_expire(pods, 700 + 61 * NSEC_PER_SEC);
	assert_int_equal(pods_count(pods), 0);
}

static void test_the_api_server_amends(void **state)
{
	struct container a = container_of(UID, "web-1");

	(void)state;
	write_record(&a);
	expect_flush(false);
	say_owner();
	say(KUBE_POD, UID, "web-1");
	assert_true(a.pod->rebind);
	expect_flush(false);
	assert_string_equal(fake_last->pod->api_state, "KNOWN");
	assert_string_equal(fake_last->pod->owner->name, "web-7c9");
	assert_false(fake_last->pod->owner->has_concluded);
	assert_string_equal(fake_last->pod->workload->kind, "Deployment");
	assert_true(fake_last->pod->workload->concluded);
	assert_string_equal(fake_last->pod_state->service_account, "shopkeeper");
	assert_string_equal(fake_last->pod_state->labels[0]->value, "web");
	assert_int_equal(fake_last->pod_state->containers[0]->restart_count, 3);
	write_record(&a);
	assert_string_equal(fake_last->pod->workload->name, "web");
	/* The same again is nothing new; another restart is, and no record of a container says it.
	 */
	say(KUBE_POD, UID, "web-1");
	assert_false(pods_are_due(pods));
	m.pod.containers[0].restart_count = 4;
	say(KUBE_POD, UID, "web-1");
	assert_false(a.pod->rebind);
	expect_flush(false);
	say(KUBE_POD_GONE, UID, "web-1");
	expect_flush(false);
	assert_true(fake_last->pod_state->deleted);
	assert_string_equal(fake_last->pod_state->service_account, "shopkeeper");
	pods_detach(pods, &a, emit.sequence, 700);
	expect_flush(true);
	assert_true(fake_last->pod_state->deleted);
}

static void test_an_answer_that_does_not_come_is_given_up(void **state)
{
	struct container a = container_of(UID, "web-1");

	(void)state;
	write_record(&a); /* at 500 ns */
	expect_flush(false);
	pods_give_up(pods, 500 + 30 * NSEC_PER_SEC);
	assert_false(pods_are_due(pods));
	pods_give_up(pods, 501 + 30 * NSEC_PER_SEC);
	assert_true(a.pod->rebind);
	expect_flush(false);
	assert_string_equal(fake_last->pod->api_state, "UNRESOLVED");
	write_record(&a);
	assert_string_equal(fake_last->pod->api_state, "UNRESOLVED");
	assert_null(fake_last->pod->owner);
	/* It is told once, and late is better than never. */
	pods_give_up(pods, 90 * NSEC_PER_SEC);
	assert_false(pods_are_due(pods));
	say_owner();
	say(KUBE_POD, UID, "web-1");
	assert_true(a.pod->rebind);
	expect_flush(false);
	assert_string_equal(fake_last->pod->api_state, "KNOWN");
	pods_give_up(pods, 90 * NSEC_PER_SEC);
	assert_false(pods_are_due(pods));
}

static void test_of_a_pod_that_has_gone_too(void **state)
{
	struct container a = container_of(UID, "web-1");

	(void)state;
	write_record(&a);
	pods_detach(pods, &a, emit.sequence, 600);
	expect_flush(true);
	pods_give_up(pods, 31 * NSEC_PER_SEC);
	pods_expire(pods, 31 * NSEC_PER_SEC);
	expect_flush(true);
	assert_string_equal(fake_last->pod->api_state, "UNRESOLVED");
}

static void test_a_new_list_ends_what_is_not_in_it(void **state)
{
	(void)state;
	say(KUBE_LIST_BEGIN, "", "");
	say(KUBE_POD, UID, "web-1");
	say(KUBE_POD, "other", "web-2");
	assert_false(pods_listed(pods));
	say(KUBE_LIST_END, "", "");
	assert_true(pods_listed(pods));
	pods_flush(pods, &emit);
	assert_false(fake_last->pod_state->has_first_sequence);
	say(KUBE_LIST_BEGIN, "", "");
	say(KUBE_POD, "other", "web-2");
	say(KUBE_LIST_END, "", "");
	expect_flush(false);
	assert_true(fake_last->pod_state->deleted);
	pods_expire(pods, 1000 + 61 * NSEC_PER_SEC);
	assert_null(pods_find(pods, UID));
	assert_non_null(pods_find(pods, "other"));
}

static void test_another_name_is_not_believed(void **state)
{
	struct container a = container_of(UID, "web-1"), b = container_of("late", "");

	(void)state;
	say_owner();
	write_record(&a);
	say(KUBE_POD, UID, "intruder");
	assert_int_equal(pods_cost(pods).contradicted, 1);
	assert_int_equal(a.pod->api, POD_API_PENDING);
	say(KUBE_POD_GONE, UID, "intruder");
	assert_false(a.pod->deleted);
	/* And if the runtime is the later one. */
	say(KUBE_POD, "late", "intruder");
	write_record(&b);
	assert_string_equal(fake_last->pod->name, "intruder");
	strcpy(b.meta.pod_name, "web-2");
	strcpy(b.meta.pod_namespace, "shop");
	write_record(&b);
	assert_string_equal(fake_last->pod->name, "web-2");
	assert_string_equal(fake_last->pod->api_state, "PENDING");
	assert_null(fake_last->pod->owner);
}

static void test_bounds(void **state)
{
	struct container held = container_of(UID, "web-1"), fifth = container_of("5", "web-5");
	char uid[8];

	(void)state;
	write_record(&held);
	for (int i = 0; i < 8; i++) {
		snprintf(uid, sizeof(uid), "%d", i);
		say(KUBE_POD, uid, "web");
		pods_flush(pods, &emit);
	}
	assert_int_equal(pods_count(pods), 4);
	assert_int_equal(pods_cost(pods).evicted, 5);
	assert_non_null(pods_find(pods, UID));
	write_record(&fifth);
	assert_non_null(fifth.pod);
}

static void test_what_the_log_did_not_take_is_written_later(void **state)
{
	struct container a = container_of(UID, "web-1");

	(void)state;
	write_record(&a);
	fake_err = -ENOSPC;
	pods_flush(pods, &emit);
	assert_true(pods_are_due(pods));
	fake_err = 0;
	expect_flush(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life_of_a_pod, open_pods, close_pods),
		cmocka_unit_test_setup_teardown(test_the_api_server_amends, open_pods, close_pods),
		cmocka_unit_test_setup_teardown(test_an_answer_that_does_not_come_is_given_up,
						open_pods, close_pods),
		cmocka_unit_test_setup_teardown(test_of_a_pod_that_has_gone_too, open_pods,
						close_pods),
		cmocka_unit_test_setup_teardown(test_a_new_list_ends_what_is_not_in_it, open_pods,
						close_pods),
		cmocka_unit_test_setup_teardown(test_another_name_is_not_believed, open_pods,
						close_pods),
		cmocka_unit_test_setup_teardown(test_bounds, open_pods, close_pods),
		cmocka_unit_test_setup_teardown(test_what_the_log_did_not_take_is_written_later,
						open_pods, close_pods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
