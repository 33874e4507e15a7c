/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope: sequences without gaps whatever the log says, times, container and pod. */
#include "tests/unit/fake_log.h"

static int emit_exit(struct container *c)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Exit body = VARVE__V1__EXIT__INIT;

	arena_reset(&emit.arena);
	ev.body_case = VARVE__V1__EVENT__BODY_EXIT;
	ev.exit = &body;
	return emit_event(&emit, &ev, c);
}

static void expect_numbers(uint64_t sequence, const char *stream, uint64_t stream_sequence)
{
	assert_int_equal(fake_last->sequence, sequence);
	assert_string_equal(fake_last->stream, stream);
	assert_int_equal(fake_last->stream_sequence, stream_sequence);
}

static void test_sequences(void **state)
{
	struct container a = {.id.container_id = "a"}, b = {.id.container_id = "b"};

	(void)state;
	assert_int_equal(emit_exit(NULL), 0);
	expect_numbers(0, "node", 0);
	assert_int_equal(emit_exit(&a), 0);
	expect_numbers(1, "a", 0);
	assert_int_equal(emit_exit(&b), 0);
	expect_numbers(2, "b", 0);
	assert_int_equal(emit_exit(&a), 0);
	expect_numbers(3, "a", 1);
	assert_int_equal(emit_exit(NULL), 0);
	expect_numbers(4, "node", 1);
}

static void test_a_refused_record_uses_no_number(void **state)
{
	struct container c = {.id.container_id = "a", .state = CONTAINER_PENDING};

	(void)state;
	assert_int_equal(emit_exit(&c), 0);
	fake_err = -ENOSPC;
	assert_int_equal(emit_exit(&c), -ENOSPC);
	assert_int_equal(emit_exit(NULL), -ENOSPC);
	assert_int_equal(emit.failed_cnt, 2);
	assert_int_equal(c.pending_records, 1);
	fake_err = 0;
	assert_int_equal(emit_exit(&c), 0);
	expect_numbers(1, "a", 1);
	assert_int_equal(emit_exit(NULL), 0);
	expect_numbers(2, "node", 0);
	assert_int_equal(c.pending_records, 2);
}

static void test_too_large_or_no_memory(void **state)
{
	static char name[LOG_FRAME_MAX + 1];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	emit.node_name = name;
	assert_int_equal(emit_exit(NULL), -EMSGSIZE);
	emit.node_name = "node-1";
	emit.arena.size = 16;
	assert_int_equal(emit_exit(&(struct container){.id.container_id = "a"}), -ENOMEM);
	emit.arena.size = ARENA_SIZE;
	assert_int_equal(emit_exit(NULL), 0);
	expect_numbers(0, "node", 0);
	assert_int_equal(emit.failed_cnt, 2);
}

static void test_envelope_of_the_node(void **state)
{
	uint64_t before = emit_boot_ns();

	(void)state;
	assert_int_equal(emit_exit(NULL), 0);
	assert_string_equal(fake_last->kind, "EXIT");
	assert_string_equal(fake_last->node_name, "node-1");
	assert_string_equal(fake_last->run_id, emit.run_id);
	assert_int_equal(strlen(fake_last->run_id), UUID_LEN);
	assert_int_equal(fake_last->run_id[14], '4');
	assert_int_equal(fake_last->schema_version, 1);
	assert_null(fake_last->container);
	assert_null(fake_last->pod);
	assert_in_range(fake_last->boot_time_nano, before, emit_boot_ns());
	assert_int_equal(fake_last->time_unix_nano,
			 (int64_t)fake_last->boot_time_nano + emit.clock_offset_ns);
	/* The offset makes it the time of day, to the second. */
	assert_in_range(fake_last->time_unix_nano / NSEC_PER_SEC, time(NULL) - 2, time(NULL) + 2);
}

static void test_time_of_the_event(void **state)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;

	(void)state;
	SET(&ev, boot_time_nano, 5);
	ev.body_case = VARVE__V1__EVENT__BODY_RUN_END;
	ev.run_end = &(Varve__V1__RunEnd)VARVE__V1__RUN_END__INIT;
	emit.clock_offset_ns = -3;
	assert_int_equal(emit_event(&emit, &ev, NULL), 0);
	assert_int_equal(fake_last->boot_time_nano, 5);
	assert_int_equal(fake_last->time_unix_nano, 2);
}

static void test_container_and_pod(void **state)
{
	struct container c = {
		.cgroup_id = 42, .id.container_id = "abc", .state = CONTAINER_PENDING};

	(void)state;
	assert_int_equal(emit_exit(&c), 0);
	assert_string_equal(fake_last->container->id, "abc");
	assert_string_equal(fake_last->container->metadata_state, "PENDING");
	assert_int_equal(fake_last->container->cgroup_id, 42);
	assert_null(fake_last->container->runtime);
	assert_null(fake_last->container->name);
	assert_null(fake_last->container->image);
	assert_false(fake_last->container->has_is_sandbox);
	assert_null(fake_last->pod);

	strcpy(c.id.pod_uid, "uid-of-path"); /* known before the bundle is */
	assert_int_equal(emit_exit(&c), 0);
	assert_string_equal(fake_last->pod->uid, "uid-of-path");
	assert_null(fake_last->pod->name);

	strcpy(c.id.runtime, "containerd");
	strcpy(c.meta.name, "app");
	strcpy(c.meta.image, "img");
	strcpy(c.meta.pod_uid, "uid-of-bundle");
	strcpy(c.meta.pod_name, "pod");
	strcpy(c.meta.pod_namespace, "ns");
	c.meta.is_sandbox = true;
	c.state = CONTAINER_RESOLVED;
	assert_int_equal(emit_exit(&c), 0);
	assert_string_equal(fake_last->container->runtime, "containerd");
	assert_string_equal(fake_last->container->name, "app");
	assert_string_equal(fake_last->container->image, "img");
	assert_string_equal(fake_last->container->metadata_state, "RESOLVED");
	assert_true(fake_last->container->is_sandbox);
	assert_string_equal(fake_last->pod->uid, "uid-of-bundle");
	assert_string_equal(fake_last->pod->name, "pod");
	assert_string_equal(fake_last->pod->namespace_, "ns");
	assert_int_equal(c.pending_records, 2);
	c.state = CONTAINER_UNRESOLVED;
	assert_int_equal(emit_exit(&c), 0);
	assert_string_equal(fake_last->container->metadata_state, "UNRESOLVED");
}

/* What a reader of the outline must find: each container in each segment, and some kinds always. */
static void test_outline(void **state)
{
	struct container c = {.id.container_id = "a"};
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;

	(void)state;
	fake_first = 0;
	assert_int_equal(emit_exit(&c), 0);
	assert_true(fake_marked);
	assert_int_equal(emit_exit(&c), 0);
	assert_false(fake_marked);
	assert_int_equal(emit_exit(NULL), 0);
	assert_false(fake_marked);
	fake_first = 100;
	assert_int_equal(emit_exit(NULL), 0);
	assert_false(fake_marked);
	assert_int_equal(emit_exit(&c), 0);
	assert_true(fake_marked);
	assert_int_equal(emit_exit(&c), 0);
	assert_false(fake_marked);
	ev.body_case = VARVE__V1__EVENT__BODY_RUN_END;
	ev.run_end = &(Varve__V1__RunEnd)VARVE__V1__RUN_END__INIT;
	assert_int_equal(emit_event(&emit, &ev, NULL), 0);
	assert_true(fake_marked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_LOG_TEST(test_sequences),
		FAKE_LOG_TEST(test_a_refused_record_uses_no_number),
		FAKE_LOG_TEST(test_too_large_or_no_memory),
		FAKE_LOG_TEST(test_envelope_of_the_node),
		FAKE_LOG_TEST(test_time_of_the_event),
		FAKE_LOG_TEST(test_container_and_pod),
		FAKE_LOG_TEST(test_outline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
