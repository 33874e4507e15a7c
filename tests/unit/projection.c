/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views in other people's schemas: each kind is in the table and the table in the manual, and for a
 * record of any kind, with anything or nothing in it, one line comes out that its format's parser
 * takes.
 */
#include "responder/views/projection.h"
#include "evidence/base.h"
#include "evidence/text.h"
#include "responder/views/view.h"
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define EV(number, NAME, name, group)	     {number, #NAME},
#define EV_SENSOR(number, NAME, name, group) {number, #NAME},
static const struct {
	unsigned int number;
	const char *name;
} kinds[] = {
#include "bpf/events.def"
};

static const struct ocsf {
	unsigned int uid;
	const char *caption;
} classes[] = {
#define CLASS(name, uid_, caption_, needs) {uid_, caption_},
	OCSF_CLASSES(CLASS)
#undef CLASS
};

/* --- the table */

static void test_each_kind_is_in_the_table(void **state)
{
	size_t cnt, at = 0;
	const struct projection *table = projection_table(&cnt);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (at == cnt || table[at].kind != kinds[i].number)
			fail_msg("%s is not in projection.def, behind the kind before it",
				 kinds[i].name);
		while (at < cnt && table[at].kind == kinds[i].number &&
		       strcmp(table[at].condition, "any"))
			at++;
		if (at == cnt || table[at].kind != kinds[i].number)
			fail_msg("%s has no line for any", kinds[i].name);
		at++;
	}
	assert_int_equal(at, cnt);
}

static void test_numbers_fit(void **state)
{
	size_t cnt;
	const struct projection *table = projection_table(&cnt);

	(void)state;
	for (size_t i = 0; i < cnt; i++) {
		assert_true(!table[i].sysmon_id || *table[i].sigma_category);
		assert_null(strchr(table[i].ecs_category, ' '));
		assert_null(strchr(table[i].ecs_type, ' '));
		assert_true(table[i].ocsf_class != OCSF_BASE || table[i].ocsf_activity == 99);
	}
}

static char *slurp(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!f)
		fail_msg("%s is missing (tests run from the top of the source)", path);
	assert_true(getdelim(&text, &size, '\0', f) > 0);
	return text;
}

static void row(const struct projection *p, char *buf, size_t size)
{
	const struct ocsf *class = &classes[p->ocsf_class];
	char sysmon[32] = "";

	if (p->sysmon_id)
		snprintf(sysmon, sizeof(sysmon), "%u ", p->sysmon_id);
	snprintf(buf, size, "| %s | %s | %u %s, %u | %s: %s | %s%s |\n", event_kind_name(p->kind),
		 p->words, class->uid, class->caption, p->ocsf_activity, p->ecs_category,
		 p->ecs_type, sysmon, *p->sigma_category ? p->sigma_category : "-");
}

static void test_manual_has_the_table(void **state)
{
	_cleanup_free_ char *manual = slurp("docs/PROJECTIONS.md");
	const char *at = manual;
	size_t cnt;
	const struct projection *table = projection_table(&cnt);
	char line[512];

	(void)state;
	for (size_t i = 0; i < cnt; i++) {
		row(&table[i], line, sizeof(line));
		const char *found = strstr(at, line);

		if (!found || (i && found != at))
			fail_msg("docs/PROJECTIONS.md should go on with:\n%s", line);
		at = found + strlen(line);
	}
	assert_true(strncmp(at, "| ", 2)); /* no more than that */
}

/* --- any record */

static const struct view_type *const views[] = {&view_csv, &view_ocsf, &view_ecs, &view_sysmon,
						&view_timesketch};

static char *text_of(const struct view_type *view, const Varve__V1__Event *ev)
{
	struct history h = {};
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	void *view_state = view->open(&h, NULL, out);

	view->record(view_state, out, NULL, ev);
	if (view->finish)
		view->finish(view_state, out);
	view->free(view_state);
	fclose(out);
	assert_int_equal(strlen(text), len);
	return text;
}

/* One line (of CSV two: its names), of harmless UTF-8. */
static void check_text(const char *text, bool is_csv)
{
	size_t len = strlen(text), lines = 0, n;
	uint32_t cp;

	for (size_t i = 0; i < len; i += n) {
		n = text_decode(text + i, len - i, &cp);
		assert_true(n);
		if (is_csv && cp == '\r' && text[i + 1] == '\n')
			continue;
		lines += cp == '\n';
		assert_true(cp == '\n' || text_is_harmless(cp));
	}
	assert_int_equal(text[len - 1], '\n');
	assert_int_equal(lines, is_csv ? 2 : 1);
}

static json_t *check_line(const struct view_type *view, const Varve__V1__Event *ev)
{
	_cleanup_free_ char *text = text_of(view, ev);
	json_error_t error;

	check_text(text, view == &view_csv);
	if (view == &view_csv)
		return NULL;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!json)
		fail_msg("%s, %s: %s: %s", view->name, ev->kind, error.text, text);
	return json;
}

/* The body of a kind, every field of it filled with this, depth messages deep. */
static void *fill(const ProtobufCMessageDescriptor *d, const char *text, int depth);

static size_t element_size(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64:
		return 8;
	default:
		return 4;
	}
}

static void fill_value(const ProtobufCFieldDescriptor *f, void *at, const char *text, int depth)
{
	static const uint64_t number = 0x8000000000000007; /* as nothing should be */

	if (f->type == PROTOBUF_C_TYPE_STRING)
		*(char **)at = strdup(text);
	else if (f->type == PROTOBUF_C_TYPE_MESSAGE)
		*(void **)at = fill(f->descriptor, text, depth - 1);
	else if (f->type == PROTOBUF_C_TYPE_BYTES)
		*(ProtobufCBinaryData *)at =
			(ProtobufCBinaryData){strlen(text), (uint8_t *)strdup(text)};
	else if (f->type == PROTOBUF_C_TYPE_BOOL)
		*(protobuf_c_boolean *)at = 1;
	else
		memcpy(at, &number, element_size(f));
}

static void *fill(const ProtobufCMessageDescriptor *d, const char *text, int depth)
{
	char *msg = calloc(1, d->sizeof_message);

	protobuf_c_message_init(d, msg);
	for (unsigned int i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];

		if (f->type == PROTOBUF_C_TYPE_MESSAGE && !depth)
			continue;
		if (f->label == PROTOBUF_C_LABEL_REPEATED) {
			*(size_t *)(msg + f->quantifier_offset) = 2;
			*(void **)(msg + f->offset) = calloc(2, element_size(f));
			for (size_t n = 0; n < 2; n++)
				fill_value(f, *(char **)(msg + f->offset) + n * element_size(f),
					   text, depth);
			continue;
		}
		if (f->type != PROTOBUF_C_TYPE_STRING && f->type != PROTOBUF_C_TYPE_MESSAGE)
			*(protobuf_c_boolean *)(msg + f->quantifier_offset) = 1;
		fill_value(f, msg + f->offset, text, depth);
	}
	return msg;
}

/* An event of the kind; text NULL: an empty body, and nothing else. */
static Varve__V1__Event *make(unsigned int kind, const char *text)
{
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field(&varve__v1__event__descriptor, kind);
	Varve__V1__Event *ev = malloc(sizeof(*ev));
	void *body;

	varve__v1__event__init(ev);
	ev->kind = strdup(event_kind_name(kind));
	ev->run_id = strdup(text ? text : "r");
	ev->node_name = strdup(text ? text : "n");
	ev->has_sequence = ev->has_time_unix_nano = 1;
	ev->time_unix_nano = 1795204800123456789;
	ev->body_case = (int)kind;
	if (text) {
		ev->stream = strdup(text);
		ev->container = fill(&varve__v1__container__descriptor, text, 1);
		ev->pod = fill(&varve__v1__pod__descriptor, text, 1);
		ev->process = fill(&varve__v1__process__descriptor, text, 1);
		body = fill(f->descriptor, text, 3);
	} else {
		const ProtobufCMessageDescriptor *d = f->descriptor;

		body = calloc(1, d->sizeof_message);
		protobuf_c_message_init(d, body);
	}
	*(void **)((char *)ev + f->offset) = body;
	return ev;
}

static void each_view_prints(unsigned int kind, const char *text)
{
	Varve__V1__Event *ev = make(kind, text);

	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		json_decref(check_line(views[i], ev));
	varve__v1__event__free_unpacked(ev, NULL);
}

static void test_hostile_records(void **state)
{
	static const char *const texts[] = {
		"",
		"\"},{\"a\":\"",
		"\\",
		"=cmd|' /C calc'!A0",
		"a\r\n=1,\"x\";=1\t=1",
		"\x1b]0;x\x07\x1b[2J\xc2\x9b\x7f",
		"\xff\xfe\xc0\x80\xed\xa0\x80\xf5\x80\x80\x80",
		"\xe2\x80\xae\xe2\x80\xa8\xf3\xa0\x81\x81\xef\xbb\xbf",
		"%s%n</script><!--",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (size_t n = 0; n < ARRAY_SIZE(texts); n++)
			each_view_prints(kinds[i].number, texts[n]);
}

static void test_empty_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		each_view_prints(kinds[i].number, NULL);
}

static const char *string_at(const json_t *json, const char *path)
{
	char *copy = strdup(path), *rest = copy, *key;

	while ((key = strsep(&rest, ".")))
		json = json_is_array(json) ? json_array_get(json, strtoul(key, NULL, 10))
					   : json_object_get(json, key);
	free(copy);
	return json_string_value(json);
}

static int64_t number_at(const json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}

/* What a class requires is not there: a base event, and still a line. */
static void test_class_that_cannot_be(void **state)
{
	Varve__V1__Event *ev = make(VARVE__V1__EVENT__BODY_UNLINK, NULL);
	json_t *json = check_line(&view_ocsf, ev);

	(void)state;
	assert_int_equal(number_at(json, "class_uid"), 0);
	assert_int_equal(number_at(json, "type_uid"), 99);
	assert_string_equal(string_at(json, "activity_name"), "File deleted");
	json_decref(json);
	varve__v1__event__free_unpacked(ev, NULL);
}

/* A newer sensor's. */
static void test_unknown_kind(void **state)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;

	(void)state;
	ev.kind = (char *)"TELEPORT";
	ev.run_id = (char *)"r";
	ev.node_name = (char *)"n";
	ev.has_time_unix_nano = 1;
	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		json_decref(check_line(views[i], &ev));
	json_t *json = check_line(&view_ecs, &ev);

	assert_string_equal(string_at(json, "event.code"), "TELEPORT");
	json_decref(json);
}

static void set_file(Varve__V1__File **file, const char *path)
{
	*file = malloc(sizeof(**file));
	varve__v1__file__init(*file);
	(*file)->path = strdup(path);
}

static void test_two_names(void **state)
{
	Varve__V1__Event *rename = make(VARVE__V1__EVENT__BODY_RENAME, NULL);
	Varve__V1__Event *link = make(VARVE__V1__EVENT__BODY_LINK, NULL);

	(void)state;
	set_file(&rename->rename->old_file, "/a/old");
	set_file(&rename->rename->new_file, "/a/new");
	set_file(&link->link->old_file, "/a/old");
	set_file(&link->link->new_file, "/a/new");
	json_t *sysmon = check_line(&view_sysmon, rename), *ecs = check_line(&view_ecs, rename);

	assert_null(json_object_get(sysmon, "EventID"));
	assert_string_equal(string_at(sysmon, "Category"), "file_rename");
	assert_string_equal(string_at(sysmon, "SourceFilename"), "/a/old");
	assert_string_equal(string_at(sysmon, "TargetFilename"), "/a/new");
	assert_string_equal(string_at(ecs, "file.path"), "/a/new");
	assert_string_equal(string_at(ecs, "labels.old_path"), "/a/old");
	json_decref(sysmon);
	json_decref(ecs);
	sysmon = check_line(&view_sysmon, link);
	ecs = check_line(&view_ecs, link);
	assert_int_equal(number_at(sysmon, "EventID"), 11);
	assert_string_equal(string_at(sysmon, "TargetFilename"), "/a/new");
	assert_string_equal(string_at(ecs, "file.path"), "/a/new");
	assert_string_equal(string_at(ecs, "labels.old_path"), "/a/old");
	json_decref(sysmon);
	json_decref(ecs);
	varve__v1__event__free_unpacked(rename, NULL);
	varve__v1__event__free_unpacked(link, NULL);
}

/* outcome, errno: activity of OCSF, EventID, event.outcome. */
static void connect_is(const char *outcome, uint32_t err, int activity, int event_id,
		       const char *ecs)
{
	Varve__V1__Event *ev = make(VARVE__V1__EVENT__BODY_CONNECT, NULL);
	Varve__V1__KernelNumber number = VARVE__V1__KERNEL_NUMBER__INIT;

	ev->connect->outcome = strdup(outcome);
	ev->connect->has_call_errno = 1;
	ev->connect->call_errno = err;
	ev->kernel_number = &number;
	json_t *ocsf = check_line(&view_ocsf, ev), *sysmon = check_line(&view_sysmon, ev);
	json_t *doc = check_line(&view_ecs, ev);

	assert_int_equal(number_at(ocsf, "activity_id"), activity);
	assert_int_equal(number_at(ocsf, "type_uid"), 400100 + activity);
	assert_int_equal(number_at(sysmon, "EventID"), event_id);
	assert_string_equal(string_at(doc, "event.outcome"), ecs);
	json_decref(ocsf);
	json_decref(sysmon);
	json_decref(doc);
	ev->kernel_number = NULL;
	varve__v1__event__free_unpacked(ev, NULL);
}

static void test_connect(void **state)
{
	(void)state;
	connect_is("connected", 0, 1, 3, "success");
	connect_is("in_progress", EINPROGRESS, 99, 0, "unknown");
	connect_is("failed", ECONNREFUSED, 5, 3, "failure");
	connect_is("failed", ETIMEDOUT, 4, 3, "failure");
}

/* In is what came from the destination, also where that is the container. */
static void test_traffic(void **state)
{
	Varve__V1__Event *ev = make(VARVE__V1__EVENT__BODY_CLOSE, NULL);
	Varve__V1__Close close = VARVE__V1__CLOSE__INIT, *made = ev->close;
	Varve__V1__Endpoint from = VARVE__V1__ENDPOINT__INIT, to = VARVE__V1__ENDPOINT__INIT;

	(void)state;
	ev->close = &close;
	from.ip = (char *)"192.0.2.1";
	to.ip = (char *)"10.0.0.9";
	close.source = &from;
	close.destination = &to;
	close.has_bytes_sent = close.has_bytes_received = 1;
	close.bytes_sent = 223;
	close.bytes_received = 89;
	for (int is_server = 0; is_server < 2; is_server++) {
		close.role = (char *)(is_server ? "server" : "client");
		json_t *line = check_line(&view_ocsf, ev);
		const json_t *traffic = json_object_get(line, "traffic");

		assert_int_equal(number_at(traffic, "bytes_in"), is_server ? 223 : 89);
		assert_int_equal(number_at(traffic, "bytes_out"), is_server ? 89 : 223);
		json_decref(line);
	}
	ev->close = made;
	varve__v1__event__free_unpacked(ev, NULL);
}

static void cell_is(const char *path, const char *cell)
{
	Varve__V1__Event *ev = make(VARVE__V1__EVENT__BODY_UNLINK, NULL);

	set_file(&ev->unlink->file, path);
	_cleanup_free_ char *text = text_of(&view_csv, ev);

	if (!strstr(text, cell))
		fail_msg("%s is not in %s", cell, text);
	varve__v1__event__free_unpacked(ev, NULL);
}

static void test_csv_cells(void **state)
{
	(void)state;
	cell_is("/a,b", ",\"/a,b\",");
	cell_is("a\"b", ",\"a\"\"b\",");
	cell_is("=1+1", ",\"'=1+1\",");
	cell_is("'a", ",\"''a\",");
	cell_is("\xef\xbc\x9d"
		"1",
		",\"'\xef\xbc\x9d"
		"1\",");
	cell_is("\t=1", ",\"\\t=1\",");
	cell_is("a\\b\n\x1b", ",\"a\\\\b\\n\\x1b\",");
	cell_is("a;=1", ",\"a\\x3b=1\",");
	cell_is("a;b", ",\"a;b\",");
}

static void test_manual_has_the_columns(void **state)
{
	_cleanup_free_ char *manual = slurp("docs/PROJECTIONS.md");
	Varve__V1__Event *ev = make(VARVE__V1__EVENT__BODY_UNLINK, NULL);
	_cleanup_free_ char *text = text_of(&view_csv, ev);
	char *rest = text, *name, quoted[64];

	(void)state;
	*strchr(text, '\r') = '\0';
	while ((name = strsep(&rest, ","))) {
		snprintf(quoted, sizeof(quoted), "`%s`", name);
		if (!strstr(manual, quoted))
			fail_msg("docs/PROJECTIONS.md does not say what the column %s is", name);
	}
	varve__v1__event__free_unpacked(ev, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind_is_in_the_table),
		cmocka_unit_test(test_numbers_fit),
		cmocka_unit_test(test_manual_has_the_table),
		cmocka_unit_test(test_hostile_records),
		cmocka_unit_test(test_empty_records),
		cmocka_unit_test(test_class_that_cannot_be),
		cmocka_unit_test(test_unknown_kind),
		cmocka_unit_test(test_two_names),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_traffic),
		cmocka_unit_test(test_csv_cells),
		cmocka_unit_test(test_manual_has_the_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
