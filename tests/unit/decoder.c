/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder takes what event_decode() takes, and makes the same of it: also of what is odd. And
 * the text of what it keeps is the text that it would have.
 */
#include "evidence/decoder.h"
#include "evidence/base.h"
#include "evidence/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define ID	"4b2e9f12ac0111111111111111111111111111111111111111111111111111aa"
#define UID	"aaaaaaaa-0000-4000-8000-000000000001"
#define BUF_LEN 4096

static int set_up(void **state)
{
	struct decoder *d;

	if (decoder_new(&d))
		return -1;
	*state = d;
	return 0;
}

static int tear_down(void **state)
{
	decoder_free(*state);
	return 0;
}

static void expect_same(const Varve__V1__Event *a, const Varve__V1__Event *b)
{
	uint8_t x[4 * BUF_LEN], y[4 * BUF_LEN];
	size_t len = varve__v1__event__get_packed_size(b);

	assert_true(len <= sizeof(x));
	assert_int_equal(varve__v1__event__get_packed_size(a), len);
	varve__v1__event__pack(a, x);
	varve__v1__event__pack(b, y);
	assert_memory_equal(x, y, len);
}

static char *text_of(const Varve__V1__Event *ev, struct decoder *d)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(json_print_record(out, &ev->base, d), 0);
	fclose(out);
	return text;
}

/* The second time by what was kept of the first. */
static void expect_same_text(struct decoder *d, const Varve__V1__Event *ev,
			     const Varve__V1__Event *expected)
{
	_cleanup_free_ char *plain = text_of(expected, NULL), *first = text_of(ev, d),
			    *again = text_of(ev, d);

	assert_string_equal(first, plain);
	assert_string_equal(again, plain);
}

/* In memory of just that size, for the sanitizer. True: it is a record. */
static bool decode_both(struct decoder *d, const uint8_t *payload, size_t len)
{
	_cleanup_free_ uint8_t *exact = malloc(len + !len);

	assert_non_null(exact);
	memcpy(exact, payload, len);
	Varve__V1__Event *expected = event_decode(exact, len);
	const Varve__V1__Event *ev = decoder_event(d, exact, len);

	assert_int_equal(!ev, !expected);
	if (ev) {
		expect_same(ev, expected);
		expect_same_text(d, ev, expected);
	}
	varve__v1__event__free_unpacked(expected, NULL);
	return ev;
}

static void add_process(Varve__V1__Event *ev)
{
	static Varve__V1__Ancestor above = VARVE__V1__ANCESTOR__INIT,
				   *ancestry[] = {&above, &above};
	static Varve__V1__ParentProcess parent = VARVE__V1__PARENT_PROCESS__INIT;
	static Varve__V1__Process p = VARVE__V1__PROCESS__INIT;

	above.process_uid = parent.process_uid = p.process_uid = (char *)UID;
	above.name = (char *)"sh";
	p.has_pid = p.has_cap_effective = p.has_from_snapshot = 1;
	p.pid = 4201;
	p.cap_effective = UINT64_MAX >> 1;
	p.name = (char *)"";
	p.has_name_raw = 1;
	p.name_raw = (ProtobufCBinaryData){.len = 3, .data = (uint8_t *)"\xff\x00x"};
	p.parent = &parent;
	p.ancestry = ancestry;
	p.n_ancestry = ARRAY_SIZE(ancestry);
	ev->process = &p;
}

static size_t make_record(uint8_t buf[BUF_LEN])
{
	static char *args[] = {(char *)"sh", (char *)"", (char *)"-c"};
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Container container = VARVE__V1__CONTAINER__INIT;
	Varve__V1__Pod pod = VARVE__V1__POD__INIT;
	Varve__V1__Exec exec = VARVE__V1__EXEC__INIT;
	Varve__V1__File file = VARVE__V1__FILE__INIT;

	ev.kind = (char *)"EXEC";
	ev.has_sequence = ev.has_time_unix_nano = 1;
	ev.sequence = 300;
	ev.time_unix_nano = INT64_MAX;
	ev.run_id = (char *)UID;
	ev.node_name = (char *)"n";
	ev.container = &container;
	container.id = (char *)ID;
	ev.pod = &pod;
	pod.uid = (char *)UID;
	add_process(&ev);
	ev.body_case = VARVE__V1__EVENT__BODY_EXEC;
	ev.exec = &exec;
	exec.file = &file;
	file.path = (char *)"/bin/sh";
	exec.args = args;
	exec.n_args = ARRAY_SIZE(args);
	assert_true(varve__v1__event__get_packed_size(&ev) <= BUF_LEN);
	return varve__v1__event__pack(&ev, buf);
}

static void test_record(void **state)
{
	uint8_t buf[BUF_LEN];
	size_t len = make_record(buf);

	for (int i = 0; i < 3; i++)
		assert_true(decode_both(*state, buf, len));
}

static void test_every_beginning(void **state)
{
	uint8_t buf[BUF_LEN];
	size_t len = make_record(buf);

	for (size_t i = 0; i <= len; i++)
		decode_both(*state, buf, i);
	assert_true(decode_both(*state, buf, len));
}

/* Tags, lengths and values; some come to be another field's, or repeat one. */
static void test_every_byte_changed(void **state)
{
	static const uint8_t changes[] = {0x01, 0x02, 0x08, 0x7f, 0x80, 0xff};
	uint8_t buf[BUF_LEN];
	size_t len = make_record(buf);

	for (size_t i = 0; i < len; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(changes); k++) {
			buf[i] ^= changes[k];
			decode_both(*state, buf, len);
			buf[i] ^= changes[k];
		}
		/* What the change left behind is not taken for the record's own. */
		assert_true(decode_both(*state, buf, len));
	}
}

/* Appended to a whole record: out of order, or again. */
static void expect_behind(struct decoder *d, const char *bytes, size_t len, bool is_record)
{
	uint8_t buf[BUF_LEN + 64];
	size_t at = make_record(buf);

	memcpy(buf + at, bytes, len);
	assert_int_equal(decode_both(d, buf, at + len), is_record);
}

#define BEHIND(d, bytes, is_record) expect_behind(d, bytes, sizeof(bytes) - 1, is_record)

static void test_odd(void **state)
{
	struct decoder *d = *state;

	BEHIND(d, "\x0a\x04OPEN", true); /* kind again: the last one holds */
	/* The time again, before 1970: ten bytes. */
	BEHIND(d, "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", true);
	BEHIND(d, "\x10\x05", true);		    /* sequence again */
	BEHIND(d, "\x4a\x05\x1a\x03web", true);	    /* container again: merged */
	BEHIND(d, "\x5a\x02\x10\x07", true);	    /* process again: merged */
	BEHIND(d, "\x82\x01\x02\x08\x01", true);    /* another body, of a lower number */
	BEHIND(d, "\xaa\x01\x02\x10\x01", true);    /* another body, of a higher number */
	BEHIND(d, "\x8a\x01\x05\x2a\x03-la", true); /* the body again */
	BEHIND(d, "\xfa\x3f\x01x", true);	    /* a field that is not known */
	BEHIND(d, "\x8a\x80\x00\x00", true);	    /* a tag in more bytes than it takes */
	BEHIND(d, "\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", false); /* 2^63 */
	BEHIND(d, "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", false);
	BEHIND(d, "\x12\x01\x05", false); /* sequence as bytes */
	BEHIND(d, "\x08\x05", false);	  /* kind as a number */
	BEHIND(d, "\x4b\x4c", false);	  /* a group */
	BEHIND(d, "\x00\x00", false);	  /* field 0 */
	BEHIND(d, "\x68\x80", false);
}

/* Only what is in all records: no other field, no record. */
static void test_not_valid(void **state)
{
	static const char bytes[] = "\x0a\x01K\x10\x00\x2a\x01r\x32\x01n";

	assert_true(decode_both(*state, (const uint8_t *)bytes, sizeof(bytes) - 1));
	assert_false(decode_both(*state, (const uint8_t *)bytes, sizeof(bytes) - 4));
	assert_false(decode_both(*state, (const uint8_t *)bytes, 0));
	assert_false(decode_both(*state, (const uint8_t *)"not protobuf at all", 19));
}

static size_t pack_container(uint8_t *buf, const char *id, const char *name)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Container container = VARVE__V1__CONTAINER__INIT;

	ev.kind = (char *)"FORK";
	ev.has_sequence = 1;
	ev.run_id = ev.node_name = (char *)"x";
	ev.container = &container;
	container.id = (char *)id;
	container.name = (char *)name;
	return varve__v1__event__pack(&ev, buf);
}

/* More of them than are kept, which come and go; of one that is kept, another name. */
static void test_containers(void **state)
{
	struct decoder *d = *state;
	uint8_t buf[BUF_LEN];
	char id[65];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++) {
			snprintf(id, sizeof(id), "%08x%056x", i * 2654435761u, i);
			size_t len = pack_container(buf, id, round < 2 ? "web" : "sidecar");

			assert_true(decode_both(d, buf, len));
			assert_string_equal(decoder_event(d, buf, len)->container->id, id);
		}
	}
}

/* A message that stands where one was kept is not taken for it. */
static void test_find_known(void **state)
{
	struct decoder *d = *state;
	uint8_t buf[BUF_LEN];
	const Varve__V1__Event *ev = decoder_event(d, buf, make_record(buf));
	struct decoder_known *k = decoder_find_known(d, &ev->container->base);
	Varve__V1__Container copy = *ev->container;

	assert_non_null(k);
	assert_null(k->text);
	free(text_of(ev, d));
	assert_int_equal(k->text_len, strlen("{\"id\":\"" ID "\"}"));
	assert_memory_equal(k->text, "{\"id\":\"" ID "\"}", k->text_len);
	assert_null(decoder_find_known(d, &copy.base));
	assert_null(decoder_find_known(d, &ev->base));
	assert_null(decoder_find_known(d, &ev->exec->base));
	ev = decoder_event(d, buf, pack_container(buf, ID, "web"));
	assert_null(decoder_find_known(d, &ev->container->base)->text);
}

/* Kept or not, by its length. */
static void test_long(void **state)
{
	_cleanup_free_ uint8_t *buf = malloc(2 * BUF_LEN);
	char name[BUF_LEN] = "";

	for (size_t len = 1900; len < 2200; len++) {
		memset(name, 'x', len);
		size_t n = pack_container(buf, ID, name);

		assert_true(decode_both(*state, buf, n));
		assert_true(decode_both(*state, buf, n));
	}
}

/* The text of what is kept outgrows the buffer, and what is within it comes behind that. */
static void test_long_text(void **state)
{
	char command[1025], path[251];
	uint8_t buf[BUF_LEN];
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Process p = VARVE__V1__PROCESS__INIT;
	Varve__V1__Ancestor above = VARVE__V1__ANCESTOR__INIT, *ancestry[8];

	memset(command, 1, 1024);
	command[1024] = '\0';
	memset(path, 1, 250);
	path[250] = '\0';
	ev.kind = (char *)"EXEC";
	ev.has_sequence = 1;
	ev.run_id = (char *)UID;
	ev.node_name = (char *)"n";
	ev.process = &p;
	p.cmd_line = command;
	p.exe_path = path;
	above.process_uid = (char *)UID;
	p.ancestry = ancestry;
	for (size_t i = 0; i < ARRAY_SIZE(ancestry); i++)
		ancestry[i] = &above;
	for (p.n_ancestry = 0; p.n_ancestry <= ARRAY_SIZE(ancestry); p.n_ancestry++) {
		size_t len = varve__v1__event__pack(&ev, buf);

		assert_true(decode_both(*state, buf, len));
		assert_true(decode_both(*state, buf, len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_every_beginning),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_every_byte_changed),
		cmocka_unit_test(test_not_valid),
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test_setup_teardown(test_find_known, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
