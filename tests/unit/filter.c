/* SPDX-License-Identifier: Apache-2.0 */
/* Which records pass a filter, and which parts of a record it looks at. */
#include "tests/unit/responder_sample.h"
#include "responder/filter.h"
#include "responder/parts.h"

struct fixture {
	struct sample s;
	struct sample_container c;
	struct filter_opts opts;
	struct filter f;
	char passed[1024]; /* kinds of the records that did */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	sample_init(&f->s);
	f->c = (struct sample_container){.id = SAMPLE_ID, .name = "app", .in_pod = true};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	filter_fini(&f->f);
	sample_fini(&f->s);
	free(f);
	return 0;
}

static const char *run(struct fixture *f)
{
	filter_fini(&f->f);
	filter_init(&f->f, &f->opts);
	f->passed[0] = 0;
	for (size_t i = 0; i < f->s.cnt; i++) {
		Varve__V1__Event *ev = event_decode(f->s.items[i].payload, f->s.items[i].len);

		if (filter_takes(&f->f, ev)) {
			strcat(f->passed, *f->passed ? " " : "");
			strcat(f->passed, ev->kind);
		}
		varve__v1__event__free_unpacked(ev, NULL);
	}
	return f->passed;
}

static void test_kind_and_class(void **state)
{
	struct fixture *f = *state;

	sample_life(&f->s, &f->c);
	assert_false(filter_is_on(&f->opts));
	run(f);
	assert_int_equal(f->f.shown_cnt, 14);
	assert_null(filter_summary(&f->f));
	assert_int_equal(filter_set_kind(&f->opts, "exec,CONNECT"), 0);
	assert_true(filter_is_on(&f->opts));
	assert_string_equal(run(f), "EXEC EXEC CONNECT CONNECT");
	assert_int_equal(filter_set_class(&f->opts, "container"), 0);
	assert_string_equal(run(f), "CONTAINER_START EXEC EXEC CONNECT CONNECT CONTAINER_STOP");
	assert_int_equal(filter_set_kind(&f->opts, "EXIT"), -EINVAL); /* a second time */
	assert_int_equal(filter_set_class(&f->opts, "file"), -EINVAL);
	f->opts = (struct filter_opts){};
	assert_int_equal(filter_set_kind(&f->opts, "EXCE"), -EINVAL);
	f->opts = (struct filter_opts){};
	assert_int_equal(filter_set_kind(&f->opts, "EXEC,"), -EINVAL);
	f->opts = (struct filter_opts){};
	assert_int_equal(filter_set_class(&f->opts, "files"), -EINVAL);
}

/* Who came in with the process is there even when the kernel names another parent by then. */
static void test_subtree(void **state)
{
	struct fixture *f = *state;

	sample_life(&f->s, &f->c);
	assert_int_equal(filter_set_process(&f->opts, "4202"), 0);
	assert_string_equal(run(f), "FORK EXEC CONNECT CONNECT EXIT");
	sample_fork(&f->s, &f->c, 4203, 4202, "sh");
	sample_exec(&f->s, &f->c, 4203, 1, "/bin/id", "id", false);
	sample_fork(&f->s, &f->c, 4299, 4201, "sh");
	assert_string_equal(run(f), "FORK EXEC CONNECT CONNECT EXIT FORK EXEC");
	assert_int_equal(filter_set_process(&f->opts, "cccccccc-0000-8000-8000-000000001069"), 0);
	run(f); /* 4201: all but the runtime's own */
	assert_int_equal(f->f.shown_cnt, 14);
	/* Who began them all has no record of its own. */
	assert_int_equal(filter_set_process(&f->opts, "3990"), 0);
	run(f);
	assert_int_equal(f->f.shown_cnt, 14);
	assert_int_equal(filter_set_process(&f->opts, "77"), 0);
	assert_string_equal(run(f), "");
	char *said = filter_summary(&f->f);

	assert_non_null(strstr(said, "no process here is it"));
	free(said);
	assert_int_equal(filter_set_process(&f->opts, "0"), -EINVAL);
	assert_int_equal(filter_set_process(&f->opts, "sh"), -EINVAL);
}

static void test_path(void **state)
{
	struct fixture *f = *state;

	sample_life(&f->s, &f->c);
	assert_int_equal(filter_set_path(&f->opts, "/tmp/*"), 0);
	assert_string_equal(run(f), "OPEN EXEC");
	assert_int_equal(filter_set_path(&f->opts, "token"), 0);
	assert_string_equal(run(f), "OPEN");
	assert_int_equal(filter_set_path(&f->opts, "/run/secrets"), 0);
	assert_string_equal(run(f), "");
	assert_int_equal(filter_set_path(&f->opts, ""), -EINVAL);
	assert_true(filter_path_matches("/a/*/z", "/a/b/c/z", 8));
	assert_true(filter_path_matches("*.sh", "/tmp/x.sh", 9));
	assert_false(filter_path_matches("x.sh", "/tmp/x.sh/y", 11));
	assert_false(filter_path_matches("/tmp/x", "/tmp/xy", 7));
	assert_true(filter_path_matches("/tmp/x", "/tmp/xy", 6));
}

static void test_result_and_limit(void **state)
{
	struct fixture *f = *state;

	sample_life(&f->s, &f->c);
	sample_connect(&f->s, &f->c, 4202, "failed", true);
	assert_int_equal(filter_set_result(&f->opts, "failed"), 0);
	assert_string_equal(run(f), "CONNECT");
	assert_int_equal(filter_set_result(&f->opts, "ok"), 0);
	assert_int_equal(filter_set_kind(&f->opts, "CONNECT,EXIT"), 0);
	assert_string_equal(run(f), "CONNECT CONNECT EXIT EXIT");
	assert_int_equal(filter_set_limit(&f->opts, "3"), 0);
	assert_string_equal(run(f), "CONNECT CONNECT EXIT");
	_cleanup_free_ char *text = filter_summary(&f->f);

	assert_string_equal(text, "a filter was applied (--kind CONNECT,EXIT --result ok --limit "
				  "3): 3 of 15 records are shown; 1 more would be");
	assert_int_equal(filter_set_result(&f->opts, "good"), -EINVAL);
	assert_int_equal(filter_set_limit(&f->opts, "-1"), -EINVAL);
}

static bool list_part(const struct part *part, void *ctx)
{
	char *text = ctx;

	snprintf(text + strlen(text), 512 - strlen(text), "%d:%.*s ", part->what, (int)part->len,
		 part->s);
	return false;
}

static void test_parts_of_dns(void **state)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Dns dns = VARVE__V1__DNS__INIT;
	Varve__V1__DnsMessage m = VARVE__V1__DNS_MESSAGE__INIT, *messages[] = {&m};
	Varve__V1__DnsQuestion q = VARVE__V1__DNS_QUESTION__INIT, *questions[] = {&q};
	Varve__V1__DnsRecord r[2] = {VARVE__V1__DNS_RECORD__INIT, VARVE__V1__DNS_RECORD__INIT};
	Varve__V1__DnsRecord *answers[] = {&r[0], &r[1]};
	Varve__V1__Endpoint to = VARVE__V1__ENDPOINT__INIT;
	char text[512] = "";

	(void)state;
	ev.body_case = VARVE__V1__EVENT__BODY_DNS;
	ev.dns = &dns;
	to.ip = (char *)"10.0.0.10";
	dns.destination = &to;
	dns.messages = messages;
	dns.n_messages = 1;
	q.name = (char *)"evil.example";
	m.questions = questions;
	m.n_questions = 1;
	r[0].name = (char *)"evil.example";
	r[0].type = (char *)"CNAME";
	r[0].data = (char *)"c2.evil.example";
	r[1].name = (char *)"c2.evil.example";
	r[1].type = (char *)"A";
	r[1].data = (char *)"192.0.2.9";
	m.answers = answers;
	m.n_answers = 2;
	assert_false(parts_each(&ev, list_part, text));
	assert_string_equal(text, "1:10.0.0.10 2:evil.example 2:evil.example 2:c2.evil.example "
				  "2:c2.evil.example 1:192.0.2.9 ");
	ev.body_case = VARVE__V1__EVENT__BODY__NOT_SET;
	ev.dns = NULL;
	assert_false(parts_each(&ev, list_part, text));
	assert_false(parts_failed(&ev));
}

/* The exact bytes count, not what stands for them in the text. */
static void test_parts_raw(void **state)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Symlink link = VARVE__V1__SYMLINK__INIT;
	Varve__V1__File file = VARVE__V1__FILE__INIT;
	char text[512] = "";

	(void)state;
	ev.body_case = VARVE__V1__EVENT__BODY_SYMLINK;
	ev.symlink = &link;
	link.file = &file;
	file.path = (char *)"/tmp/\xef\xbf\xbd";
	SAMPLE_SET(&file, path_raw, ((ProtobufCBinaryData){6, (uint8_t *)"/tmp/\xff"}));
	link.target = (char *)"/etc/\xef\xbf\xbd";
	SAMPLE_SET(&link, target_raw, ((ProtobufCBinaryData){6, (uint8_t *)"/etc/\xfe"}));
	SAMPLE_SET(&link, call_errno, 13);
	parts_each(&ev, list_part, text);
	assert_string_equal(text, "0:/tmp/\xff 0:/etc/\xfe ");
	assert_true(parts_failed(&ev));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_kind_and_class),
		TEST(test_subtree),
		TEST(test_path),
		TEST(test_result_and_limit),
		cmocka_unit_test(test_parts_of_dns),
		cmocka_unit_test(test_parts_raw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
