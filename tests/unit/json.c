/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical JSON of messages, also of types that the schema does not use (yet). */
#include "evidence/json.h"
#include "evidence/base.h"
#include "varve.pb-c.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void expect_json(const void *msg, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(json_print(out, msg), 0);
	fclose(out);
	assert_string_equal(text, expected);
}

static void test_absent_and_zero(void **state)
{
	Varve__V1__Exit body = VARVE__V1__EXIT__INIT;

	(void)state;
	expect_json(&body, "{}");
	body.has_code = 1;
	expect_json(&body, "{\"code\":0}");
	body.has_core_dumped = 1;
	expect_json(&body, "{\"code\":0,\"core_dumped\":false}");
	body.core_dumped = 1;
	body.code = 255;
	expect_json(&body, "{\"code\":255,\"core_dumped\":true}");
}

static void test_integers(void **state)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;

	(void)state;
	ev.has_sequence = 1;
	ev.has_time_unix_nano = 1;
	ev.time_unix_nano = INT64_MIN;
	ev.has_boot_time_nano = 1;
	ev.boot_time_nano = UINT64_MAX;
	ev.has_schema_version = 1;
	ev.schema_version = UINT32_MAX;
	expect_json(&ev, "{\"sequence\":\"0\",\"time_unix_nano\":\"-9223372036854775808\","
			 "\"boot_time_nano\":\"18446744073709551615\","
			 "\"schema_version\":4294967295}");
}

static void expect_text(const char *s, const char *expected)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	char json[256];

	ev.kind = (char *)s;
	snprintf(json, sizeof(json), "{\"kind\":\"%s\"}", expected);
	expect_json(&ev, json);
}

static void test_strings(void **state)
{
	(void)state;
	expect_text("", "");
	expect_text("EXEC", "EXEC");
	expect_text("a\"b\\c/d", "a\\\"b\\\\c/d");
	expect_text("\n\t\r\x01\x1b[0m\x7f", "\\n\\t\\r\\u0001\\u001b[0m\\u007f");
	expect_text("\xc2\x9b\xc3\xbc", "\\u009b\xc3\xbc");
	expect_text("\xe2\x80\xae\xe2\x80\xa8", "\\u202e\\u2028");
	expect_text("\xf0\x9f\x98\x80\xf3\xa0\x81\x81", "\xf0\x9f\x98\x80\\udb40\\udc41");
}

static void test_strings_not_utf8(void **state)
{
	(void)state;
	expect_text("a\xff", "a\xef\xbf\xbd");
	expect_text("\xed\xa0\x80\"", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\\\"");
	expect_text("\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd");
}

/* Whatever it is made in, it is made of pieces: a string of any length, with an escape at its end.
 */
static void test_long_strings(void **state)
{
	enum { MAX = 3 * 8192 };
	_cleanup_free_ char *s = malloc(MAX + 2), *expected = malloc(MAX + 32);
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;

	(void)state;
	assert_non_null(s);
	assert_non_null(expected);
	for (size_t len = 1; len<MAX; len += len % 8192> 8100 || len % 8192 < 20 ? 1 : 97) {
		memset(s, 'x', len);
		strcpy(s + len, "\x1b");
		memcpy(expected, "{\"kind\":\"", 9);
		memset(expected + 9, 'x', len);
		strcpy(expected + 9 + len, "\\u001b\",\"run_id\":\"r\"}");
		ev.kind = s;
		ev.run_id = "r";
		expect_json(&ev, expected);
	}
}

static void expect_bytes(const char *data, size_t len, const char *base64)
{
	Varve__V1__Process p = VARVE__V1__PROCESS__INIT;
	char json[128];

	p.has_name_raw = 1;
	p.name_raw.data = (uint8_t *)data;
	p.name_raw.len = len;
	snprintf(json, sizeof(json), "{\"name_raw\":\"%s\"}", base64);
	expect_json(&p, json);
}

static void test_bytes(void **state)
{
	(void)state;
	/* RFC 4648, section 10 */
	expect_bytes(NULL, 0, "");
	expect_bytes("f", 1, "Zg==");
	expect_bytes("fo", 2, "Zm8=");
	expect_bytes("foo", 3, "Zm9v");
	expect_bytes("foob", 4, "Zm9vYg==");
	expect_bytes("fooba", 5, "Zm9vYmE=");
	expect_bytes("foobar", 6, "Zm9vYmFy");
	expect_bytes("\xfb\xff\xfe\0\xff", 5, "+//+AP8=");
}

static void test_nested_and_repeated(void **state)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Process p = VARVE__V1__PROCESS__INIT;
	Varve__V1__Pod pod = VARVE__V1__POD__INIT;
	Varve__V1__Ancestor a = VARVE__V1__ANCESTOR__INIT, b = VARVE__V1__ANCESTOR__INIT;
	Varve__V1__Ancestor *ancestry[] = {&a, &b};

	(void)state;
	a.has_pid = 1;
	a.pid = 7;
	b.name = "init";
	p.n_ancestry = 2;
	p.ancestry = ancestry;
	ev.pod = &pod;
	ev.process = &p;
	pod.namespace_ = "prod";
	expect_json(&ev, "{\"pod\":{\"namespace\":\"prod\"},"
			 "\"process\":{\"ancestry\":[{\"pid\":7},{\"name\":\"init\"}]}}");
}

static void test_oneof(void **state)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Exec exec = VARVE__V1__EXEC__INIT;
	Varve__V1__Unlink removed = VARVE__V1__UNLINK__INIT;
	char *args[] = {"sh", "", "-c"};

	(void)state;
	exec.n_args = 3;
	exec.args = args;
	ev.body_case = VARVE__V1__EVENT__BODY_EXEC;
	ev.exec = &exec;
	expect_json(&ev, "{\"exec\":{\"args\":[\"sh\",\"\",\"-c\"]}}");
	ev.body_case = VARVE__V1__EVENT__BODY_UNLINK;
	ev.unlink = &removed;
	expect_json(&ev, "{\"unlink\":{}}");
	ev.body_case = VARVE__V1__EVENT__BODY__NOT_SET;
	expect_json(&ev, "{}");
}

/* A message of the other scalar types, as protoc-c would lay it out. */
struct scalars {
	ProtobufCMessage base;
	double d;
	float f;
	int32_t i;
	int color;
	size_t n_flags;
	protobuf_c_boolean *flags;
	size_t n_longs;
	int64_t *longs;
	int which;
	union {
		uint32_t u;
		char *s;
	};
};

static const ProtobufCEnumValue colors[] = {{"RED", "COLOR__RED", 1}};
static const ProtobufCIntRange color_ranges[] = {{1, 0}, {0, 1}};
static const ProtobufCEnumDescriptor color_descriptor = {
	.magic = PROTOBUF_C__ENUM_DESCRIPTOR_MAGIC,
	.name = "Color",
	.n_values = 1,
	.values = colors,
	.n_value_ranges = 1,
	.value_ranges = color_ranges,
};

#define FIELD(n, id_, label_, type_, q, flags_)                                                    \
	{                                                                                          \
		.name = #n, .id = id_, .label = PROTOBUF_C_LABEL_##label_,                         \
		.type = PROTOBUF_C_TYPE_##type_, .offset = offsetof(struct scalars, n),            \
		.quantifier_offset = q, .flags = flags_,                                           \
		.descriptor =                                                                      \
			PROTOBUF_C_TYPE_##type_ == PROTOBUF_C_TYPE_ENUM ? &color_descriptor : NULL \
	}
static const ProtobufCFieldDescriptor fields[] = {
	FIELD(d, 1, REQUIRED, DOUBLE, 0, 0),
	FIELD(f, 2, REQUIRED, FLOAT, 0, 0),
	FIELD(i, 3, REQUIRED, SINT32, 0, 0),
	FIELD(color, 4, REQUIRED, ENUM, 0, 0),
	FIELD(flags, 5, REPEATED, BOOL, offsetof(struct scalars, n_flags), 0),
	FIELD(longs, 6, REPEATED, SFIXED64, offsetof(struct scalars, n_longs), 0),
	FIELD(u, 7, OPTIONAL, FIXED32, offsetof(struct scalars, which),
	      PROTOBUF_C_FIELD_FLAG_ONEOF),
	FIELD(s, 8, OPTIONAL, STRING, offsetof(struct scalars, which), PROTOBUF_C_FIELD_FLAG_ONEOF),
};
static const ProtobufCMessageDescriptor scalars_descriptor = {
	.magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
	.name = "Scalars",
	.sizeof_message = sizeof(struct scalars),
	.n_fields = ARRAY_SIZE(fields),
	.fields = fields,
};

static void test_other_scalars(void **state)
{
	protobuf_c_boolean flags[] = {1, 0};
	int64_t longs[] = {-1, INT64_MAX};
	struct scalars m = {
		.base.descriptor = &scalars_descriptor,
		.d = 0.1,
		.f = 1.5f,
		.i = -5,
		.color = 1,
		.which = 7,
		.u = 9,
	};

	(void)state;
	expect_json(&m, "{\"d\":0.10000000000000001,\"f\":1.5,\"i\":-5,\"color\":\"RED\",\"u\":9}");
	m.d = NAN;
	m.f = -INFINITY;
	m.color = 99;
	m.n_flags = 2;
	m.flags = flags;
	m.n_longs = 2;
	m.longs = longs;
	m.which = 8;
	m.s = "x";
	expect_json(&m, "{\"d\":\"NaN\",\"f\":\"-Infinity\",\"i\":-5,\"color\":99,"
			"\"flags\":[true,false],\"longs\":[\"-1\",\"9223372036854775807\"],"
			"\"s\":\"x\"}");
}

static void test_write_error(void **state)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	setvbuf(full, NULL, _IONBF, 0);
	ev.kind = "EXEC";
	assert_int_equal(json_print(full, &ev.base), -EIO);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent_and_zero),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_long_strings),
		cmocka_unit_test(test_strings_not_utf8),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_nested_and_repeated),
		cmocka_unit_test(test_oneof),
		cmocka_unit_test(test_other_scalars),
		cmocka_unit_test(test_write_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
