/* SPDX-License-Identifier: Apache-2.0 */
/* Several sources at once, and standard input, as the program reads them. */
#include "tests/unit/responder_sample.h"
#include "tests/unit/run.h"
#include "evidence/diag.h"
#include "evidence/peek.h"
#include "responder/framing.h"
#include "responder/merge.h"
#include "responder/source_stream.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

struct fixture {
	struct sample s;
	struct sample_container c;
	char a[64], b[64], all[64];
	uint64_t segment_bytes;
	char *out;
	size_t out_len;
	char err[8192];
};

static void make_dir(char *dir)
{
	strcpy(dir, "/tmp/varve-sources-XXXXXX");
	assert_non_null(mkdtemp(dir));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	sample_init(&f->s);
	f->c = (struct sample_container){.id = SAMPLE_ID, .name = "app", .in_pod = true};
	f->segment_bytes = 1024;
	make_dir(f->a);
	make_dir(f->b);
	make_dir(f->all);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sample_fini(&f->s);
	sample_remove_dir(f->a);
	sample_remove_dir(f->b);
	sample_remove_dir(f->all);
	free(f->out);
	free(f);
	return 0;
}

/* Runs "varve ARGS" ('|' between words; A, B and ALL are directories); both outputs are kept. */
static int varve(struct fixture *f, const char *args)
{
	_cleanup_free_ char *copy = strdup(args);
	char *argv[24] = {(char *)"varve"};
	int argc = 1;

	for (char *p = strtok(copy, "|"); p && argc < 23; p = strtok(NULL, "|"))
		argv[argc++] = !strcmp(p, "A")	   ? f->a
			       : !strcmp(p, "B")   ? f->b
			       : !strcmp(p, "ALL") ? f->all
						   : p;
	return run_varve(argc, argv, &f->out, &f->out_len, f->err, sizeof(f->err));
}

/* Those of the sample's records that are wanted, in a log of their own. */
static void write_some(struct fixture *f, const char *dir, size_t from, size_t to, size_t step)
{
	struct sample part = f->s;

	part.items = calloc(f->s.cnt + 1, sizeof(*part.items));
	part.cnt = 0;
	for (size_t i = from; i < to && i < f->s.cnt; i += step)
		part.items[part.cnt++] = f->s.items[i];
	sample_write_log(&part, dir, f->segment_bytes);
	free(part.items);
}

/* What is said of A and B is what is said of ALL. */
static void expect_same(struct fixture *f, const char *several, const char *one)
{
	int status = varve(f, one);
	_cleanup_free_ char *out = strdup(f->out);
	_cleanup_free_ char *err = strdup(f->err);

	assert_int_equal(varve(f, several), status);
	assert_string_equal(f->out, out);
	assert_string_equal(f->err, err);
}

static void test_pieces(void **state)
{
	struct fixture *f = *state;
	size_t half;

	sample_story(&f->s, &f->c);
	half = f->s.cnt / 2;
	write_some(f, f->all, 0, SIZE_MAX, 1);
	write_some(f, f->a, half, SIZE_MAX, 1);
	write_some(f, f->b, 0, half, 1);
	expect_same(f, "cat|A|B", "cat|ALL");
	expect_same(f, "replay|A|B|--pod|default/web-7f9|--format|timeline",
		    "replay|ALL|--pod|default/web-7f9|--format|timeline");
	assert_in(f->out, "COMPLETE");
	expect_same(f, "replay|A|B|--container|4b2e9f12|--format|tree",
		    "replay|ALL|--container|4b2e9f12|--format|tree");
	assert_int_equal(varve(f, "cat|A"), 0);
	assert_int_equal(varve(f, "replay|A|--pod|default/web-7f9"), 3);
}

/* As a topic with more partitions than before has them, or worse. */
static void test_every_other_record(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	write_some(f, f->all, 0, SIZE_MAX, 1);
	write_some(f, f->a, 1, SIZE_MAX, 2);
	write_some(f, f->b, 0, SIZE_MAX, 2);
	expect_same(f, "cat|A|B", "cat|ALL");
	expect_same(f, "replay|B|A|--pod|default/web-7f9|--format|jsonl",
		    "replay|ALL|--pod|default/web-7f9|--format|jsonl");
}

static void test_a_clock_that_is_set_back(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	for (int i = 0; i < 20; i++) {
		sample_open_file(&f->s, &f->c, 4201, "/etc/hosts", SAMPLE_READ);
		f->s.now_ns -= 3 * SAMPLE_SEC;
	}
	write_some(f, f->all, 0, SIZE_MAX, 1);
	write_some(f, f->a, 1, SIZE_MAX, 2);
	write_some(f, f->b, 0, SIZE_MAX, 2);
	expect_same(f, "cat|A|B", "cat|ALL");
}

static void test_copies(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct stat st;

	sample_story(&f->s, &f->c);
	write_some(f, f->a, 0, SIZE_MAX, 1);
	sample_write_log(&f->s, f->b, 1 << 20);
	assert_int_equal(varve(f, "cat|A|B"), 0);
	assert_in(f->err, "records came more than once and are printed once");
	/* A copy whose end is half written: the other one has all. */
	snprintf(path, sizeof(path), "%s/00000000000000000000.seg", f->b);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 3), 0);
	assert_int_equal(varve(f, "replay|A|B|--pod|default/web-7f9"), 0);
	assert_in(f->out, "\nCOMPLETE: 1 container, 14 records, nothing is missing\n");
	assert_in(f->err, "cannot be read: 00000000000000000000.seg, offset ");
	/* The other way round something is missing. */
	assert_int_equal(varve(f, "replay|B|--pod|default/web-7f9"), 4);
}

static void test_outlines(void **state)
{
	struct fixture *f = *state;
	struct sample_container noise = {.id = SAMPLE_ID2, .name = "noise"};
	size_t half;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &noise, false);
	for (int i = 0; i < 2000; i++)
		sample_open_file(&f->s, &noise, 4201, "/etc/hosts", SAMPLE_READ);
	f->segment_bytes = 16384;
	half = f->s.cnt;
	sample_start(&f->s, &f->c, false);
	sample_exec(&f->s, &f->c, 4200, 3990, "/bin/sh", "sh", false);
	for (int i = 0; i < 500; i++)
		sample_open_file(&f->s, &noise, 4201, "/etc/hosts", SAMPLE_READ);
	write_some(f, f->a, 0, half, 1);
	write_some(f, f->b, half, SIZE_MAX, 1);
	expect_same(f, "replay|A|B|--container|" SAMPLE_ID "|--format|timeline",
		    "replay|A|B|--container|" SAMPLE_ID "|--format|timeline|--read-all");
	expect_same(f, "pods|A|B", "pods|B|A");
}

static void test_one_cannot_be_opened(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	write_some(f, f->a, 0, SIZE_MAX, 1);
	assert_int_equal(varve(f, "cat|/nonexistent/log|A"), 3);
	assert_in(f->err, "cannot open evidence log /nonexistent/log");
	assert_in(f->err, "cannot be read: /nonexistent/log");
	assert_in(f->out, "\"kind\":\"RUN_START\"");
	assert_int_equal(varve(f, "cat|/nonexistent/log|/nonexistent/2"), 1);
	/* What is asked for may lie there, or more of it. */
	assert_int_equal(varve(f, "replay|A|/nonexistent/log|--pod|default/nobody"), 4);
	assert_in(f->err, "it may have been among what cannot be read, of a node and time that are "
			  "not known");
	assert_int_equal(varve(f, "replay|A|/nonexistent/log|--pod|default/web-7f9"), 4);
	assert_in(f->out, "UNKNOWN: another container of this pod may be among what cannot be read,"
			  " of a node");
	assert_int_equal(varve(f, "replay|A|/nonexistent/log|--container|" SAMPLE_ID), 0);
	assert_int_equal(varve(f, "replay|A|--pod|default/nobody"), 2);
	assert_int_equal(varve(f, "cat|A|A"), 1);
	assert_in(f->err, "is named twice");
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* One that has much does not keep the others waiting, nor do those that have nothing keep it. */
static void test_followed_in_turns(void **state)
{
	struct fixture *f = *state;
	const char *more[] = {f->b, f->all, "/nonexistent/log"};
	const struct source_opts opts = {
		.follow = 1, .follow_since_ns = SAMPLE_T0, .more = more, .more_cnt = 3};
	struct source_item item = {};
	struct source *src;
	size_t cnt = 0, of_b = 0;
	int64_t begin_ms;

	sample_run_start(&f->s, NULL, 0);
	for (int i = 0; i < 1000; i++)
		sample_open_file(&f->s, &f->c, 4201, "/etc/hosts", SAMPLE_READ);
	f->segment_bytes = 1 << 20;
	write_some(f, f->a, 0, SIZE_MAX, 1);
	write_some(f, f->b, 0, 3, 1);
	write_some(f, f->all, 0, 1, 1);
	assert_int_equal(source_open(f->a, &opts, &src), 0);
	begin_ms = now_ms();
	while (of_b < 3) {
		assert_int_equal(source_next(src, &item), 0);
		of_b += item.what == SOURCE_RECORD && item.partition == 1;
		cnt++;
	}
	assert_true(cnt < 100);
	while (item.what != SOURCE_WAIT) {
		assert_int_equal(source_next(src, &item), 0);
		cnt++;
	}
	assert_int_equal(cnt, 1002 + 3 + 1 + 1 + 1);
	assert_true(now_ms() - begin_ms < 2000);
	begin_ms = now_ms();
	for (int i = 0; i < 20; i++) {
		assert_int_equal(source_next(src, &item), 0);
		assert_int_equal(item.what, SOURCE_WAIT);
	}
	assert_in_range(now_ms() - begin_ms, 500, 2500); /* 50 ms each, and not of each source */
	source_close(src);
}

static void test_newer_schema(void **state)
{
	struct fixture *f = *state;
	struct sample_event e;
	Varve__V1__Heartbeat body = VARVE__V1__HEARTBEAT__INIT;

	sample_story(&f->s, &f->c);
	sample_begin(&f->s, &e, NULL, 30);
	e.ev.heartbeat = &body;
	e.ev.kind = (char *)"FROM_LATER";
	e.ev.has_schema_version = 1;
	e.ev.schema_version = 7;
	sample_put(&f->s, &e);
	write_some(f, f->a, 0, SIZE_MAX, 1);
	assert_int_equal(varve(f, "cat|A"), 0);
	assert_in(f->out, "FROM_LATER");
	assert_in(f->err, "1 records are of a later schema (version 7, this is 1)");
}

/* --- the merge alone: strands of "NODE RUN SEQUENCE TIME" */

struct strand {
	const struct strand_item {
		const char *node, *run;
		uint64_t sequence;
		int64_t ns;
	} * v;
	size_t cnt, at;
	uint8_t buf[256];
};

static int next_of_strand(void *ctx, size_t i, struct source_item *ret_item)
{
	struct strand *s = (struct strand *)ctx + i;
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;

	*ret_item = (struct source_item){.what = SOURCE_END};
	if (s->at == s->cnt)
		return 0;
	ev.kind = (char *)"X";
	ev.node_name = (char *)s->v[s->at].node;
	ev.run_id = (char *)s->v[s->at].run;
	SAMPLE_SET(&ev, sequence, s->v[s->at].sequence);
	SAMPLE_SET(&ev, time_unix_nano, s->v[s->at].ns);
	s->at++;
	*ret_item = (struct source_item){.what = SOURCE_RECORD,
					 .payload = s->buf,
					 .len = varve__v1__event__pack(&ev, s->buf)};
	return 0;
}

/* "RUN SEQUENCE" of each, in the order in which they are given; twice. */
static void expect_order(struct strand *strands, size_t cnt, const char *expected)
{
	struct source_item item;
	struct merge m;
	size_t strand;

	merge_init(&m, cnt, next_of_strand, strands);
	for (int i = 0; i < 2; i++) {
		char text[256] = "";

		for (size_t k = 0; k < cnt; k++)
			strands[k].at = 0;
		merge_rewind(&m);
		while (!merge_next(&m, &item, &strand) && item.what != SOURCE_END) {
			struct peek p;

			assert_true(event_peek(item.payload, item.len, &p));
			sprintf(text + strlen(text), "%.*s%u ", (int)p.run_id.len, p.run_id.at,
				(unsigned int)p.sequence);
		}
		assert_string_equal(text, expected);
	}
	merge_fini(&m);
}

#define STRAND(...)                                                        \
	{                                                                  \
		.v = (const struct strand_item[]){__VA_ARGS__},            \
		.cnt = sizeof((const struct strand_item[]){__VA_ARGS__}) / \
		       sizeof(struct strand_item)                          \
	}

/* A topic was given a partition while a node lagged behind another one. */
static void test_a_run_that_moves_to_another_strand(void **state)
{
	struct strand strands[] = {
		STRAND({"a", "A", 0, 10}, {"a", "A", 1, 11}, {"b", "B", 0, 90}, {"b", "B", 1, 91},
		       {"a", "A", 2, 12}, {"a", "A", 3, 13}, {"b", "B", 2, 92}),
		STRAND({"a", "A", 4, 14}, {"a", "A", 5, 15}),
	};

	(void)state;
	expect_order(strands, 2, "A0 A1 B0 B1 A2 A3 A4 A5 B2 ");
}

/* What is missing is not behind the next run. */
static void test_a_run_that_lacks_records(void **state)
{
	struct strand strands[] = {
		STRAND({"a", "A", 0, 10}, {"a", "A", 1, 11}, {"a", "R", 0, 90}, {"a", "R", 1, 91}),
		STRAND({"a", "A", 4, 14}, {"a", "A", 5, 15}),
	};

	(void)state;
	expect_order(strands, 2, "A0 A1 A4 A5 R0 R1 ");
}

/* Each has what the other one waits for; nothing is lost, and it ends. */
static void test_runs_that_wait_for_each_other(void **state)
{
	struct strand strands[] = {
		STRAND({"a", "A", 0, 10}, {"b", "B", 5, 30}, {"a", "A", 1, 11}),
		STRAND({"b", "B", 0, 10}, {"a", "A", 5, 30}, {"b", "B", 1, 11}),
	};

	(void)state;
	expect_order(strands, 2, "A0 B0 B5 A1 A5 B1 ");
}

/* --- standard input */

static void feed(struct fixture *f, const char *args, const void *bytes, size_t len, int expect)
{
	int fds[2], old = dup(0);

	assert_int_equal(pipe(fds), 0);
	assert_true(len < 65536);
	assert_int_equal(write(fds[1], bytes, len), len);
	close(fds[1]);
	dup2(fds[0], 0);
	close(fds[0]);
	int status = varve(f, args);

	dup2(old, 0);
	close(old);
	if (status != expect)
		fail_msg("status %d: %s", status, f->err);
}

/* The sample's records as kcat -f '%R%s' prints them; the caller frees. */
static uint8_t *as_kcat(const struct fixture *f, size_t *ret_len)
{
	char *bytes;
	FILE *out = open_memstream(&bytes, ret_len);

	for (size_t i = 0; i < f->s.cnt; i++) {
		uint8_t head[4] = {0, f->s.items[i].len >> 16, f->s.items[i].len >> 8,
				   f->s.items[i].len};

		fwrite(head, 1, 4, out);
		fwrite(f->s.items[i].payload, 1, f->s.items[i].len, out);
	}
	fclose(out);
	return (uint8_t *)bytes;
}

static void test_delimited_there_and_back(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	write_some(f, f->all, 0, SIZE_MAX, 1);
	assert_int_equal(varve(f, "cat|ALL|--format|delimited"), 0);
	size_t len = f->out_len;
	_cleanup_free_ char *bytes = memcpy(malloc(len), f->out, len);

	assert_int_equal(varve(f, "cat|ALL"), 0);
	_cleanup_free_ char *json = strdup(f->out);

	feed(f, "cat|-", bytes, len, 0);
	assert_string_equal(f->out, json);
	feed(f, "replay|-|--pod|default/web-7f9", bytes, len, 0);
	assert_in(f->out, "\nCOMPLETE: 1 container, 14 records, nothing is missing\n");
	/* Together with what else there is. */
	feed(f, "replay|ALL|-|--pod|default/web-7f9", bytes, len, 0);
	/* It ends within a record: said, and the rest is shown. */
	feed(f, "cat|-", bytes, len - 5, 3);
	assert_in(f->err, "it ends within a record");
	assert_in(f->err, "(nothing readable behind it)");
	assert_memory_equal(f->out, json, strlen(f->out));
	assert_true(strlen(f->out) > strlen(json) / 2);
}

static void test_kcat(void **state)
{
	struct fixture *f = *state;
	size_t len;

	sample_story(&f->s, &f->c);
	_cleanup_free_ uint8_t *bytes = as_kcat(f, &len);

	feed(f, "replay|-|--pod|default/web-7f9", bytes, len, 0);
	assert_in(f->out, "\nCOMPLETE: 1 container, 14 records, nothing is missing\n");
	feed(f, "cat|-", bytes, 2, 3);
	assert_in(f->err, "it ends within the length of a record");
	bytes[0] = 0xff;
	feed(f, "cat|-", bytes, len, 3);
	assert_in(f->err, "no length of a record; what follows cannot be read");
}

static void test_nothing_and_nonsense(void **state)
{
	struct fixture *f = *state;

	feed(f, "cat|-", "", 0, 0);
	assert_string_equal(f->out, "");
	feed(f, "cat|-", "hello, world\n", 13, 3);
	feed(f, "verify|-", "PK\3\4 and more", 13, 1);
	assert_in(f->err, "standard input is a bundle: name its file instead");
	feed(f, "follow|-", "", 0, 1);
	assert_in(f->err, "-: only a log directory and Kafka can be followed");
}

static void test_no_room(void **state)
{
	struct fixture *f = *state;

	setenv("TMPDIR", "/nonexistent", 1);
	feed(f, "cat|-", "x", 1, 1);
	assert_in(f->err, "cannot keep standard input in /nonexistent (TMPDIR)");
	setenv("TMPDIR", "/dev/full", 1);
	feed(f, "cat|-", "x", 1, 1);
	unsetenv("TMPDIR");
}

static void test_framing(void **state)
{
	size_t head_len, len;

	(void)state;
	assert_int_equal(framing_of((const uint8_t *)"\x0a", 1), FRAMING_DELIMITED);
	assert_int_equal(framing_of((const uint8_t *)"\x00\x00\x00\x05", 4), FRAMING_KCAT);
	assert_int_equal(framing_of((const uint8_t *)"\xff\xff\xff\xff", 4), FRAMING_KCAT);
	assert_int_equal(framing_of(NULL, 0), FRAMING_DELIMITED);
	for (uint32_t n = 1; n <= LOG_FRAME_MAX; n = n * 2 + (n & 1)) {
		_cleanup_free_ char *bytes = NULL;
		_cleanup_free_ uint8_t *payload = calloc(1, n);
		size_t size;
		FILE *out = open_memstream(&bytes, &size);

		framing_write(out, payload, n);
		fclose(out);
		assert_int_equal(
			framing_parse(FRAMING_DELIMITED, (uint8_t *)bytes, size, &head_len, &len),
			1);
		assert_int_equal(len, n);
		assert_int_equal(head_len + n, size);
	}
	assert_int_equal(
		framing_parse(FRAMING_DELIMITED, (const uint8_t *)"\x00", 1, &head_len, &len),
		-EBADMSG);
	assert_int_equal(framing_parse(FRAMING_DELIMITED, (const uint8_t *)"\xff\xff\x7f", 3,
				       &head_len, &len),
			 -EBADMSG);
	assert_int_equal(framing_parse(FRAMING_DELIMITED, (const uint8_t *)"\xff\xff\xff\x01", 4,
				       &head_len, &len),
			 -EBADMSG);
	assert_int_equal(
		framing_parse(FRAMING_DELIMITED, (const uint8_t *)"\xff", 1, &head_len, &len), 0);
	assert_int_equal(framing_parse(FRAMING_KCAT, (const uint8_t *)"\xff\xff\xff\xff", 4,
				       &head_len, &len),
			 1);
	assert_int_equal(len, 0);
}

/* --- peeking */

static void test_peek(void **state)
{
	struct fixture *f = *state;
	struct peek p;

	sample_story(&f->s, &f->c);
	for (size_t i = 0; i < f->s.cnt; i++) {
		const struct sample_item *item = &f->s.items[i];
		Varve__V1__Event *ev = event_decode(item->payload, item->len);

		assert_true(event_peek(item->payload, item->len, &p));
		assert_int_equal(p.sequence, ev->sequence);
		assert_int_equal(p.time_unix_nano, ev->time_unix_nano);
		assert_int_equal(p.run_id.len, strlen(ev->run_id));
		assert_memory_equal(p.run_id.at, ev->run_id, p.run_id.len);
		assert_int_equal(!!p.container_id.at, !!ev->container);
		if (ev->container)
			assert_memory_equal(p.container_id.at, ev->container->id,
					    p.container_id.len);
		varve__v1__event__free_unpacked(ev, NULL);
	}
	assert_false(event_peek((const uint8_t *)"\x0a\xff", 2, &p));
	assert_false(event_peek((const uint8_t *)"", 0, &p));
	/* a group, which protobuf-c does not know */
	assert_false(event_peek((const uint8_t *)"\x10\x01\x2a\x01r\x0b\x0c", 7, &p));
	/* the last one holds */
	assert_true(event_peek((const uint8_t *)"\x10\x01\x2a\x01r\x10\x02", 7, &p));
	assert_int_equal(p.sequence, 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_pieces),
		T(test_every_other_record),
		T(test_a_clock_that_is_set_back),
		T(test_copies),
		T(test_outlines),
		T(test_one_cannot_be_opened),
		cmocka_unit_test(test_a_run_that_moves_to_another_strand),
		cmocka_unit_test(test_a_run_that_lacks_records),
		cmocka_unit_test(test_runs_that_wait_for_each_other),
		T(test_followed_in_turns),
		T(test_newer_schema),
		T(test_delimited_there_and_back),
		T(test_kcat),
		T(test_nothing_and_nonsense),
		T(test_no_room),
		T(test_framing),
		T(test_peek),
	};

	diag_init("varve", DIAG_INFO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
