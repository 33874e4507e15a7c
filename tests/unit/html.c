/* SPDX-License-Identifier: Apache-2.0 */
/* The page of --format html: what is packed into it, what is markup, and what it leaves out. That
 * it works is tests/e2e/html.sh's. */
#include "tests/unit/responder_sample.h"
#include "evidence/base64.h"
#include "responder/json_line.h"
#include "responder/select.h"
#include "responder/verdict.h"
#include "responder/views/html_impl.h"
#include "responder/views/view.h"
#include <zlib.h>

#define UNPACKED_MAX (16u << 20)

struct fixture {
	struct sample s;
	struct sample_container c, other;
	struct history *h;
	struct html_limits limits; /* 0: the view's own */
	bool as_recorded;
	enum verdict_seals seals;
	void *state;
	FILE *out;
	char *page;
	size_t len;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	sample_init(&f->s);
	f->c = (struct sample_container){.id = SAMPLE_ID, .name = "app", .in_pod = true};
	f->other = (struct sample_container){.id = SAMPLE_ID2, .name = "side", .in_pod = true};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	history_free(f->h);
	sample_fini(&f->s);
	free(f->page);
	free(f);
	return 0;
}

static int print_record(const struct history_container *c, const Varve__V1__Event *ev, void *ctx)
{
	struct fixture *f = ctx;

	view_html.record(f->state, f->out, c, ev);
	return 0;
}

/* As replay does it. */
static void make(struct fixture *f)
{
	struct verdict verdict;
	uint64_t cnt;

	f->h = sample_load(&f->s, INT64_MIN, INT64_MAX);
	f->h->as_recorded = f->as_recorded;
	assert_int_equal(select_pod(f->h, SAMPLE_POD), 0);
	verdict_make(f->h, &verdict);
	verdict.seals = f->seals;
	verdict.seals_text = f->seals ? strdup("<why>") : NULL;
	f->out = open_memstream(&f->page, &f->len);
	f->state = view_html.open(f->h, &verdict, f->out);
	if (f->limits.rows)
		((struct html *)f->state)->limits = f->limits;
	assert_int_equal(history_stream(f->h, &f->s.source, print_record, f, &cnt), 0);
	verdict_check_streamed(&verdict, cnt);
	view_html.finish(f->state, f->out);
	view_html.free(f->state);
	verdict_fini(&verdict);
	fclose(f->out);
}

static void assert_has(const struct fixture *f, const char *words)
{
	if (!strstr(f->page, words))
		fail_msg("\"%s\" is not in the page", words);
}

/* The text of the n-th block of its kind; NULL: there is none. The caller frees. */
static char *block(const struct fixture *f, const char *what, size_t n)
{
	_cleanup_free_ char *head = NULL;
	const char *at = f->page, *end;
	uLongf len = UNPACKED_MAX;
	size_t packed_len;

	assert(asprintf(&head, "<script type=\"text/plain\" class=\"%s\"", what) > 0);
	do {
		at = strstr(at + 1, head);
	} while (at && n--);
	if (!at)
		return NULL;
	at = strchr(at, '>') + 1;
	end = strchr(at, '<');
	_cleanup_free_ uint8_t *packed = malloc(end - at);
	char *text = calloc(1, len + 1);

	assert_true(base64_decode(at, end - at, packed, &packed_len));
	assert_int_equal(uncompress((Bytef *)text, &len, packed, packed_len), Z_OK);
	return text;
}

static json_t *rows(const struct fixture *f)
{
	_cleanup_free_ char *text = block(f, "rows", 0);
	json_t *j = json_loads(text, 0, NULL);

	assert_true(json_is_array(j));
	return j;
}

enum {
	ROW_TIME,
	ROW_KIND,
	ROW_CLASS,
	ROW_CONTAINER,
	ROW_UID,
	ROW_PID,
	ROW_NAME,
	ROW_FLAGS,
	ROW_TEXT,
	ROW_PROCESS,
	ROW_RECORDED
};

static const char *cell(const json_t *all, size_t row, size_t i)
{
	return json_string_value(json_array_get(json_array_get(all, row), i));
}

static json_int_t number(const json_t *all, size_t row, size_t i)
{
	return json_integer_value(json_array_get(json_array_get(all, row), i));
}

static const json_t *process(const json_t *all, size_t row)
{
	return json_array_get(json_array_get(all, row), ROW_PROCESS);
}

static const char *of_process(const json_t *all, size_t row, const char *key)
{
	return json_string_value(json_object_get(process(all, row), key));
}

static void test_story(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	make(f);
	json_t *r = rows(f);
	_cleanup_free_ char *records = block(f, "records", 0), *names = block(f, "names", 0);

	assert_int_equal(json_array_size(r), 14);
	assert_int_equal(number(r, 2, ROW_TIME), (SAMPLE_T0 + 3 * SAMPLE_SEC) / 1000);
	assert_string_equal(cell(r, 2, ROW_KIND), "EXEC");
	assert_string_equal(cell(r, 2, ROW_CLASS), "process");
	assert_int_equal(number(r, 2, ROW_CONTAINER), 0);
	assert_int_equal(number(r, 2, ROW_PID), 4201);
	assert_string_equal(cell(r, 2, ROW_TEXT),
			    "/bin/sh: sh -c \"cp /bin/id /tmp/x; /tmp/x\", euid 0");
	assert_string_equal(of_process(r, 2, "args"), "sh -c \"cp /bin/id /tmp/x; /tmp/x\"");
	assert_string_equal(of_process(r, 2, "parentName"), "containerd-shim");
	assert_string_equal(of_process(r, 7, "exeFlags"), " [upper layer]");
	assert_int_equal(strncmp(records, "{\"kind\":\"CONTAINER_START\"", 25), 0);
	assert_string_equal(names, "[\"app\"]");
	assert_has(f, "<strong>COMPLETE</strong> Nothing is missing. 1 container, 14 records.");
	assert_has(f, "<h1>Pod default/web-7f9</h1>");
	json_decref(r);
}

/* Bits as in 2_data.js. */
static void test_flags(void **state)
{
	struct fixture *f = *state;
	static const struct {
		size_t row;
		json_int_t flags;
	} want[] = {{0, 8}, {1, 4}, {2, 2}, {3, 0}, {4, 1}, {5, 0}};

	sample_run_start(&f->s, NULL, 0);
	sample_fork(&f->s, &f->c, 1, 3990, "runc:[1:CHILD]");
	sample_exec(&f->s, &f->c, 1, 3990, "/tmp/x", "x", true);
	sample_open_file(&f->s, &f->c, 1, "/etc/shadow", SAMPLE_READ);
	sample_open_file(&f->s, &f->c, 1, "/etc/hosts", SAMPLE_READ);
	sample_connect(&f->s, &f->c, 1, "failed", false);
	sample_connect(&f->s, &f->c, 1, "in_progress", false);
	make(f);
	json_t *r = rows(f);

	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		assert_int_equal(number(r, want[i].row, ROW_FLAGS), want[i].flags);
	json_decref(r);
}

/* What is known of a process goes along once, and again when it is another. */
static void test_process_is_told_once(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_open_file(&f->s, &f->c, 7, "/a", SAMPLE_READ);
	sample_open_file(&f->s, &f->c, 7, "/b", SAMPLE_READ);
	sample_open_file(&f->s, &f->c, 8, "/b", SAMPLE_READ);
	sample_open_file(&f->s, &f->other, 7, "/b", SAMPLE_READ);
	sample_exit(&f->s, &f->c, 7, 1, 0, 0); /* another parent */
	make(f);
	json_t *r = rows(f);

	assert_true(json_is_object(process(r, 0)));
	assert_true(json_is_null(process(r, 1)));
	assert_true(json_is_object(process(r, 2)));
	assert_true(json_is_object(process(r, 3)));
	assert_true(json_is_object(process(r, 4)));
	assert_int_equal(number(r, 3, ROW_CONTAINER), 1);
	json_decref(r);
}

static void test_limit_of_rows(void **state)
{
	struct fixture *f = *state;

	f->limits = (struct html_limits){.rows = 5, .row_bytes = 1 << 20, .bytes = 1 << 20};
	sample_story(&f->s, &f->c);
	make(f);
	json_t *r = rows(f);

	assert_int_equal(json_array_size(r), 5);
	assert_has(f, "<strong>NOT ALL IS SHOWN</strong> This page has the first 5 of 14 records");
	assert_has(
		f,
		"The other 9 are from 2026-11-20T20:00:06.000000Z to 2026-11-20T20:00:14.000000Z");
	assert_has(f, "--since 2026-11-20T20:00:06.000000Z");
	assert_has(f, "1 container, 14 records."); /* what the verdict is of */
	json_decref(r);
}

/* Beyond a block of each; what does not fit is told. */
static void test_limits_of_bytes(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *second = NULL;

	sample_run_start(&f->s, NULL, 0);
	for (unsigned int i = 0; i < 6000; i++)
		sample_open_file(&f->s, &f->c, i, "/some/path", SAMPLE_CREATE);
	f->limits = (struct html_limits){.rows = 10000, .row_bytes = 1, .bytes = 1 << 20};
	make(f);
	second = block(f, "rows", 1);
	assert_null(second);
	assert_has(f, "NOT ALL IS SHOWN");
	history_free(f->h);
	free(f->page);
	f->limits = (struct html_limits){.rows = 10000, .row_bytes = 1 << 28, .bytes = 1};
	make(f);
	second = block(f, "rows", 1);
	assert_null(second);
	assert_has(f, "NOT ALL IS SHOWN");
	history_free(f->h);
	free(f->page);
	f->limits = (struct html_limits){};
	make(f);
	second = block(f, "rows", 1);
	assert_non_null(second);
	assert_null(strstr(f->page, "NOT ALL IS SHOWN"));
}

/* Long text is cut in the row, between characters; the record has all of it. */
static void test_long_text(void **state)
{
	struct fixture *f = *state;
	char path[3001];

	for (size_t i = 0; i < sizeof(path) - 1; i++)
		path[i] = "/\xc3\xa9"[i % 3];
	path[3000] = '\0';
	sample_run_start(&f->s, NULL, 0);
	sample_open_file(&f->s, &f->c, 7, path, SAMPLE_CREATE);
	make(f);
	json_t *r = rows(f);
	const char *text = cell(r, 0, ROW_TEXT);
	_cleanup_free_ char *records = block(f, "records", 0);

	assert_in_range(strlen(text), 600, 620);
	assert_string_equal(text + strlen(text) - 10, " ... [cut]");
	assert_non_null(strstr(records, path));
	json_decref(r);
}

/* Records that went between the passes: the page has the verdict of what came. */
static void test_final_verdict(void **state)
{
	struct fixture *f = *state;
	struct verdict verdict;
	uint64_t cnt;

	sample_story(&f->s, &f->c);
	f->h = sample_load(&f->s, INT64_MIN, INT64_MAX);
	assert_int_equal(select_pod(f->h, SAMPLE_POD), 0);
	verdict_make(f->h, &verdict);
	assert_int_equal(verdict.result, VERDICT_COMPLETE);
	f->out = open_memstream(&f->page, &f->len);
	f->state = view_html.open(f->h, &verdict, f->out);
	f->s.hide_from = 6;
	assert_int_equal(history_stream(f->h, &f->s.source, print_record, f, &cnt), 0);
	verdict_check_streamed(&verdict, cnt);
	view_html.finish(f->state, f->out);
	view_html.free(f->state);
	verdict_fini(&verdict);
	fclose(f->out);
	assert_has(f, "<strong>INCOMPLETE</strong>");
	assert_null(strstr(f->page, "<strong>COMPLETE</strong>"));
	assert_has(f, "records went from the source while it was read");
}

static void test_as_recorded(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	f->c.state = "PENDING";
	sample_fork(&f->s, &f->c, 7, 1, "x");
	f->as_recorded = true;
	make(f);
	json_t *r = rows(f);

	assert_string_equal(cell(r, 0, ROW_RECORDED), "app");
	assert_string_equal(cell(r, 1, ROW_RECORDED), SAMPLE_ID " [PENDING]");
	assert_has(f, "names as each record has them");
	json_decref(r);
}

/* Whether it is what was sealed stands beside whether it is all. */
static void test_seals(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	make(f);
	assert_null(strstr(f->page, "id=\"seals\""));
	history_free(f->h);
	free(f->page);
	f->seals = VERDICT_SEALS_AUTHENTIC;
	make(f);
	assert_has(f, "<section id=\"seals\" class=\"verdict complete\"");
	assert_has(f, "<strong>AUTHENTIC</strong> &lt;why&gt;</p>");
	history_free(f->h);
	free(f->page);
	f->seals = VERDICT_SEALS_BROKEN;
	make(f);
	assert_has(f, "<section id=\"seals\" class=\"verdict incomplete\"");
	assert_has(f, "<strong>BROKEN</strong>");
}

static size_t count_of(const char *text, const char *word)
{
	size_t cnt = 0;

	for (; (text = strstr(text, word)); text += strlen(word))
		cnt++;
	return cnt;
}

static void test_hostile(void **state)
{
	struct fixture *f = *state;
	static const char evil[] =
		"</title></script><script>x()</script><!--<img src=x>'\"&\xff\xe2\x80\xae\x1b";

	f->c.name = evil;
	f->c.pod_name = evil;
	sample_run_start(&f->s, NULL, 0);
	sample_exec(&f->s, &f->c, 7, 1, evil, evil, false);
	make(f);
	assert_null(strstr(f->page, "<img"));
	assert_null(strstr(f->page, "<script>"));
	assert_null(strstr(f->page, "<!--"));
	assert_null(strstr(f->page, "\xe2\x80\xae"));
	assert_null(strchr(f->page, '\x1b'));
	assert_int_equal(count_of(f->page, "<script"), count_of(f->page, "</script>"));
	assert_int_equal(count_of(f->page, "<script"),
			 4); /* rows, records, names, the page's own */
	assert_has(f, "&lt;/title&gt;&lt;/script&gt;&lt;script&gt;x()&lt;/script&gt;&lt;!--&lt;img "
		      "src=x&gt;"
		      "&#39;&quot;&amp;");
}

/* Nothing but its own style and script, each by the hash of what stands there. */
static void test_policy(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	make(f);
	assert_has(f, "content=\"default-src 'none'; script-src 'sha256-");
	assert_has(f, "'; style-src 'sha256-");
	assert_int_equal(count_of(f->page, "<style"), 1);
	assert_null(strstr(f->page, " style=\""));
	assert_null(strstr(f->page, " src="));
	assert_null(strstr(f->page, " href="));
	assert_null(strstr(f->page, "://"));
	assert_null(strstr(f->page, "innerHTML"));
}

static void test_escape_and_pack(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	html_escape(out, "<a b='c' d=\"e\">&\n\xff</a>");
	html_escape(out, NULL);
	fputc('\n', out);
	html_pack(out, "x", 3, "", 0);
	fclose(out);
	assert_string_equal(
		text,
		"&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;\\n\\xff&lt;/a&gt;?\n"
		"<script type=\"text/plain\" class=\"x\" data-count=\"3\">eJwDAAAAAAE=</script>\n");
	free(text);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_story),	       T(test_flags),		T(test_process_is_told_once),
		T(test_limit_of_rows), T(test_limits_of_bytes), T(test_long_text),
		T(test_final_verdict), T(test_as_recorded),	T(test_seals),
		T(test_hostile),       T(test_policy),		T(test_escape_and_pack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
