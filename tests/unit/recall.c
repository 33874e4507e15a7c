/* SPDX-License-Identifier: Apache-2.0 */
/* Who a container was that ended while no sensor ran: as the log of that run says, and no other. */
#include "sensor/recall.h"

#include "evidence/event.h"
#include "evidence/log.h"
#include "sensor/container.h"
#include "tests/unit/log.h"

#define RUN    "11111111-1111-4111-8111-111111111111"
#define OTHER  "22222222-2222-4222-8222-222222222222"
#define CGROUP 77

static struct container_table *table;
static struct container *c;

static int set_up(void **state)
{
	struct cgroup_identity id = {.container_id = "web", .runtime = "runc"};

	return setup(state) || container_table_new(dir, 4, &table) ||
	       container_table_add(table, CGROUP, "/web", &id, NULL, 0, &c);
}

static int tear_down(void **state)
{
	container_table_free(table);
	return teardown(state);
}

/* A log of one record of that run. */
static void say(const char *run, uint64_t cgroup_id, const char *id, const char *state_)
{
	Varve__V1__Container said = VARVE__V1__CONTAINER__INIT;
	Varve__V1__Pod pod = VARVE__V1__POD__INIT;
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	uint8_t buf[512];
	struct log *log;

	ev.kind = "BINDING";
	ev.has_sequence = 1;
	ev.run_id = (char *)run;
	ev.node_name = "n";
	ev.container = &said;
	ev.pod = &pod;
	said.id = (char *)id;
	said.name = "front";
	said.image = "img:1";
	said.metadata_state = (char *)state_;
	said.has_cgroup_id = 1;
	said.cgroup_id = cgroup_id;
	pod.uid = "33333333-3333-4333-8333-333333333333";
	pod.name = "web-0";
	pod.namespace_ = "shop";
	log = open_log(1 << 20, 0, NULL);
	assert_int_equal(log_append(log, buf, varve__v1__event__pack(&ev, buf), NULL), 0);
	log_mark(log);
	assert_int_equal(log_flush(log), 0);
	log_close(log);
	assert_int_equal(recall_containers(table, dir, RUN), 0);
}

static void test_named_as_that_run_did(void **state)
{
	(void)state;
	say(RUN, CGROUP, "web", "RESOLVED");
	assert_int_equal(c->state, CONTAINER_RESOLVED);
	assert_string_equal(c->meta.name, "front");
	assert_string_equal(c->meta.image, "img:1");
	assert_string_equal(c->meta.pod_name, "web-0");
	assert_string_equal(c->meta.pod_namespace, "shop");
	assert_string_equal(c->meta.pod_uid, "33333333-3333-4333-8333-333333333333");
	assert_false(c->meta.is_sandbox);
}

static void test_by_nothing_else(void **state)
{
	(void)state;
	say(OTHER, CGROUP, "web", "RESOLVED");
	say(RUN, CGROUP + 1, "web", "RESOLVED");
	say(RUN, CGROUP, "db", "RESOLVED");
	say(RUN, CGROUP, "web", "PENDING");
	assert_int_equal(c->state, CONTAINER_PENDING);
	assert_string_equal(c->meta.name, "");
}

static void test_what_is_known_stays(void **state)
{
	(void)state;
	c->state = CONTAINER_UNRESOLVED;
	say(RUN, CGROUP, "web", "RESOLVED");
	assert_int_equal(c->state, CONTAINER_UNRESOLVED);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_named_as_that_run_did),
		T(test_by_nothing_else),
		T(test_what_is_known_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
