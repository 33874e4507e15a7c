/* SPDX-License-Identifier: Apache-2.0 */
/* Names of kinds against the generated descriptor; the checked decode. */
#include "evidence/event.h"
#include "bpf/event.h"
#include "evidence/base.h"
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(event_kind_name(17), "EXEC");
	assert_int_equal(event_kind_number("EXEC"), 17);
	assert_string_equal(event_kind_name(EV_ACCOUNT), "ACCOUNT");
	assert_null(event_kind_name(0));
	assert_null(event_kind_name(15));
	assert_null(event_kind_name(EV_KIND_END));
	assert_null(event_kind_name(~0u));
	assert_int_equal(event_kind_number(""), 0);
	assert_int_equal(event_kind_number("exec"), 0);
	assert_int_equal(event_kind_number("EXECX"), 0);
}

static void test_classes(void **state)
{
	(void)state;
	assert_string_equal(event_kind_class(EV_EXEC), "process");
	assert_string_equal(event_kind_class(EV_UNLINK), "file");
	assert_string_equal(event_kind_class(EV_ACCEPT), "network");
	assert_string_equal(event_kind_class(EV_CONTAINER_STOP), "container");
	assert_string_equal(event_kind_class(EV_HEARTBEAT), "sensor");
	assert_null(event_kind_class(0));
	assert_null(event_kind_class(EV_KIND_END));
	assert_string_equal(event_class_name(EV_CLASS_process), "process");
	assert_string_equal(event_class_name(EV_CLASS_sensor), "sensor");
	assert_null(event_class_name(EV_CLASS_sensor + 1));
	assert_null(event_class_name(~0u));
}

static void expect_upper(const char *lower, const char *upper)
{
	assert_int_equal(strlen(lower), strlen(upper));
	for (size_t i = 0; lower[i]; i++)
		assert_int_equal(toupper((unsigned char)lower[i]), upper[i]);
}

/* Each kind has its body in the schema, with its number as the tag; each body has its kind. */
static void test_kinds_are_the_oneof(void **state)
{
	const ProtobufCMessageDescriptor *desc = &varve__v1__event__descriptor;
	unsigned int bodies = 0;

	(void)state;
	for (unsigned int i = 0; i < desc->n_fields; i++) {
		if (!(desc->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
			continue;
		bodies++;
		assert_non_null(event_kind_name(desc->fields[i].id));
		expect_upper(desc->fields[i].name, event_kind_name(desc->fields[i].id));
	}
	for (unsigned int n = 0; n < EV_KIND_END; n++) {
		if (!event_kind_name(n))
			continue;
		bodies--;
		assert_non_null(protobuf_c_message_descriptor_get_field(desc, n));
		assert_int_equal(event_kind_number(event_kind_name(n)), n);
	}
	assert_int_equal(bodies, 0);
}

static Varve__V1__Event *decode(const Varve__V1__Event *ev)
{
	uint8_t buf[512];

	assert_true(varve__v1__event__get_packed_size(ev) <= sizeof(buf));
	return event_decode(buf, varve__v1__event__pack(ev, buf));
}

static void test_decode(void **state)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT, *got;
	Varve__V1__Exit body = VARVE__V1__EXIT__INIT;

	(void)state;
	ev.kind = "EXIT";
	ev.has_sequence = 1;
	ev.run_id = "run";
	ev.node_name = "node";
	body.has_code = 1;
	ev.body_case = VARVE__V1__EVENT__BODY_EXIT;
	ev.exit = &body;
	got = decode(&ev);
	assert_non_null(got);
	assert_string_equal(got->kind, "EXIT");
	assert_int_equal(got->sequence, 0);
	assert_int_equal(got->body_case, VARVE__V1__EVENT__BODY_EXIT);
	assert_true(got->exit->has_code);
	assert_int_equal(got->exit->code, 0);
	assert_false(got->exit->has_signal);
	varve__v1__event__free_unpacked(got, NULL);

	ev.kind = "FROM_THE_FUTURE";
	ev.body_case = VARVE__V1__EVENT__BODY__NOT_SET;
	got = decode(&ev);
	assert_non_null(got);
	varve__v1__event__free_unpacked(got, NULL);
}

static void test_decode_refuses(void **state)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Event without;

	(void)state;
	ev.kind = "EXIT";
	ev.has_sequence = 1;
	ev.run_id = "run";
	ev.node_name = "node";
	without = ev;
	without.kind = NULL;
	assert_null(decode(&without));
	without = ev;
	without.has_sequence = 0;
	assert_null(decode(&without));
	without = ev;
	without.run_id = NULL;
	assert_null(decode(&without));
	without = ev;
	without.node_name = NULL;
	assert_null(decode(&without));
	assert_null(event_decode((const uint8_t *)"", 0));
	assert_null(event_decode((const uint8_t *)"\x0a\xff\xff\xff\xff\x0f", 6));
	assert_null(event_decode((const uint8_t *)"not protobuf at all", 19));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_kinds_are_the_oneof),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
