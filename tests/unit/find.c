/* SPDX-License-Identifier: Apache-2.0 */
/* Where something was seen; and that "nowhere" is only said of evidence without holes. */
#include "tests/unit/cli.h"
#include "responder/found.h"

#define OTHER_POD "bbbbbbbb-0000-4000-8000-000000000002"

/* Two pods: the intruder's, and one that has a record too many of its kind for being found. */
static void write_two(struct fixture *f)
{
	f->other = (struct sample_container){.id = SAMPLE_ID2,
					     .name = "side",
					     .in_pod = true,
					     .pod_uid = OTHER_POD,
					     .pod_name = "api-1"};
	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	sample_start(&f->s, &f->other, false);
	sample_exec(&f->s, &f->other, 4300, 3990, "/usr/bin/curl", "curl|http://192.0.2.7:4444/x",
		    false);
	sample_connect(&f->s, &f->other, 4300, "connected", true);
	sample_exit(&f->s, &f->other, 4300, 3990, 0, 0);
	sample_stop(&f->s, &f->other);
	sample_account(&f->s, &f->other, true, 0, 0);
	sample_heartbeat(&f->s);
	sample_run_end(&f->s);
	sample_write_log(&f->s, f->dir, 1 << 20);
}

static void test_found(void **state)
{
	struct fixture *f = *state;

	write_two(f);
	assert_int_equal(varve(f, "find|DIR|--ip|192.0.2.0/24|--path|/tmp/*|--exec|id"), 0);
	assert_string_equal(
		f->out,
		"default/api-1  uid " OTHER_POD "  node worker-1\n"
		"  side  " SAMPLE_ID2 "\n"
		"    ip 192.0.2.0/24\n"
		"      2026-11-20T20:00:17.000000Z to 2026-11-20T20:00:17.000000Z  1 CONNECT\n"
		"      first: tcp to 192.0.2.7:4444 connected\n"
		"default/web-7f9  uid " SAMPLE_POD "  node worker-1\n"
		"  app  " SAMPLE_ID "\n"
		"    path /tmp/*\n"
		"      2026-11-20T20:00:06.000000Z to 2026-11-20T20:00:08.000000Z  1 OPEN, "
		"1 EXEC\n"
		"      first: /tmp/x created\n"
		"    ip 192.0.2.0/24\n"
		"      2026-11-20T20:00:09.000000Z to 2026-11-20T20:00:10.000000Z  2 CONNECT\n"
		"      first: tcp to 192.0.2.7:4444 in progress\n"
		"\n"
		"found in 2 containers\n"
		"not found: exec id\n"
		"looked at 24 records; the evidence is from 2026-11-20T20:00:00.000000Z to "
		"2026-11-20T20:00:22.000000Z\n");
	assert_string_equal(f->err, "");
	assert_int_equal(varve(f, "find|DIR|--ip|192.0.2.7|--until|2026-11-20T20:00:10Z"), 0);
	assert_in(f->out, "found in 1 container\n");
}

static void test_json(void **state)
{
	struct fixture *f = *state;

	write_two(f);
	assert_int_equal(varve(f, "find|DIR|--exec|curl|--domain|evil.example|--json"), 0);
	assert_int_equal(lines(f->out), 2);
	assert_in(f->out, "{\"type\":\"exec\",\"indicator\":\"curl\",\"where\":null,\"namespace\":"
			  "\"default\",\"pod\":\"api-1\",\"pod_uid\":\"" OTHER_POD
			  "\",\"container\":\"side\",\"container_id\":\"" SAMPLE_ID2 "\",");
	assert_in(f->out, "\"first\":\"2026-11-20T20:00:16.000000Z\"");
	assert_in(f->out,
		  "\"records\":1,\"kinds\":{\"EXEC\":1},\"first_event\":\"" SAMPLE_RUN "/17\"");
	assert_in(f->out, "{\"summary\":true,\"found\":true,\"records\":24,");
	assert_in(f->out,
		  "\"not_found\":[{\"type\":\"domain\",\"indicator\":\"evil.example\"}],"
		  "\"holes\":[],\"more_holes\":0,\"records_left_out\":0,\"complete\":true}");
}

static void test_nowhere(void **state)
{
	struct fixture *f = *state;

	write_two(f);
	assert_int_equal(varve(f, "find|DIR|--path|/etc/shadow"), 5);
	assert_string_equal(
		f->out, "found nowhere\nnot found: path /etc/shadow\n"
			"looked at 24 records; the evidence is from 2026-11-20T20:00:00.000000Z to "
			"2026-11-20T20:00:22.000000Z\n");
	/* Nothing was hashed: what it was is not known. */
	assert_int_equal(varve(f,
			       "find|DIR|--sha256|"
			       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
			 4);
	assert_in(f->out,
		  "UNKNOWN: not found, but it may have been among\n  all files: no SHA-256");
}

/* What was cut out of a command line cannot be looked through. */
static void test_cut_command_line(void **state)
{
	struct fixture *f = *state;
	Varve__V1__Exec body = VARVE__V1__EXEC__INIT;
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_begin(&f->s, &e, &f->c, VARVE__V1__EVENT__BODY_EXEC);
	SAMPLE_SET(&body, args_truncated, true);
	e.ev.exec = &body;
	sample_process(&e, 4201, 3990, "sh");
	sample_number(&e);
	sample_put(&f->s, &e);
	sample_account(&f->s, &f->c, true, 0, 0);
	sample_heartbeat(&f->s);
	sample_run_end(&f->s);
	sample_write_log(&f->s, f->dir, 1 << 20);
	assert_int_equal(varve(f, "find|DIR|--exec|*evil*"), 4);
	assert_in(f->out, "  1 command lines of which the middle is not recorded\n");
	assert_int_equal(varve(f, "find|DIR|--path|*evil*"), 5);
}

/* What was read again and again had been recorded once: before the time that is asked for, perhaps.
 */
static void test_repeated_read(void **state)
{
	struct fixture *f = *state;
	Varve__V1__Suppression body = VARVE__V1__SUPPRESSION__INIT;
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	f->s.now_ns += 600 * SAMPLE_SEC;
	sample_begin(&f->s, &e, &f->c, VARVE__V1__EVENT__BODY_SUPPRESSION);
	body.event_class = (char *)"file";
	body.reason = (char *)"read_open_repeated";
	SAMPLE_SET(&body, count, 3);
	SAMPLE_SET(&body, first_unix_nano, f->s.now_ns - 2 * SAMPLE_SEC);
	SAMPLE_SET(&body, last_unix_nano, f->s.now_ns);
	e.ev.suppression = &body;
	sample_put(&f->s, &e);
	sample_account(&f->s, &f->c, true, 0, 0);
	sample_heartbeat(&f->s);
	sample_run_end(&f->s);
	sample_write_log(&f->s, f->dir, 1 << 20);
	assert_int_equal(varve(f, "find|DIR|--path|/etc/shadow"), 5);
	assert_int_equal(varve(f, "find|DIR|--path|/etc/shadow|--since|2026-11-20T20:05:00Z"), 4);
	assert_in(
		f->out,
		"3 file events of node worker-1 that were left out by policy (read_open_repeated)");
}

/* One that was lost, one that was left out for its number, one that never came. */
static void test_holes(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_loss(&f->s, &f->c, "file", 120, SAMPLE_T0, SAMPLE_T0 + SAMPLE_SEC);
	sample_loss(&f->s, &f->c, "file", 3, SAMPLE_T0 + SAMPLE_SEC, SAMPLE_T0 + 2 * SAMPLE_SEC);
	sample_heartbeat(&f->s);
	sample_run_end(&f->s);
	sample_write_log(&f->s, f->dir, 1 << 20);
	assert_int_equal(varve(f, "find|DIR|--path|/etc/shadow"), 4);
	assert_in(f->out, "UNKNOWN: not found, but it may have been among\n"
			  "  123 file events of node worker-1 that were lost (ring_full) between "
			  "2026-11-20T20:00:00.000000Z and 2026-11-20T20:00:02.000000Z\n");
	/* No connection was lost. */
	assert_int_equal(varve(f, "find|DIR|--ip|192.0.2.7"), 5);
	/* No record is no answer. */
	assert_int_equal(varve(f, "find|DIR|--ip|192.0.2.7|--since|2026-11-20T21:00:00Z"), 4);
	assert_in(f->out, "  all of this time: there is no record of it\n");
	assert_int_equal(varve(f, "find|DIR|--path|/etc/shadow|--json"), 4);
	assert_in(f->out, "\"holes\":[\"123 file events of node");
	assert_in(f->out, "\"complete\":false}");
}

static void test_gap(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	f->s.drop = true;
	sample_open_file(&f->s, &f->c, 4201, "/etc/shadow", SAMPLE_READ);
	sample_open_file(&f->s, &f->c, 4201, "/tmp/x", SAMPLE_READ);
	sample_write_log(&f->s, f->dir, 1 << 20);
	assert_int_equal(varve(f, "find|DIR|--path|/etc/shadow"), 4);
	assert_in(f->out, "  1 record of node worker-1 that is missing between ");
	/* Found all the same, and there may be more. */
	assert_int_equal(varve(f, "find|DIR|--path|/tmp/x"), 0);
	assert_in(f->out, "INCOMPLETE: there may be more of it among\n  1 record of node");
}

static void test_begins_in_the_middle(void **state)
{
	struct fixture *f = *state;

	f->s.drop = true;
	sample_run_start_only(&f->s, NULL, 0);
	sample_coverage(&f->s, "connect");
	sample_heartbeat(&f->s);
	sample_write_log(&f->s, f->dir, 1 << 20);
	assert_int_equal(varve(f, "find|DIR|--ip|192.0.2.7"), 4);
	assert_in(f->out, "  1 record of node worker-1 that is missing before ");
	assert_in(f->out,
		  "  the sensor on node worker-1 did not have these hooks: connect (No such "
		  "process)\n");
}

/* A sensor that fell silent: who can say what came then. */
static void test_silent(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_heartbeat(&f->s);
	sample_write_log(&f->s, f->dir, 1 << 20);
	assert_int_equal(varve(f, "find|DIR|--ip|192.0.2.7"), 4);
	assert_in(f->out,
		  "  nothing is here of node worker-1 after 2026-11-20T20:00:01.000000Z, and its "
		  "sensor had not ended\n");
	assert_int_equal(varve(f, "find|DIR|--ip|192.0.2.7|--until|2026-11-20T20:00:30Z"), 5);
}

static void test_hostile_text(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	f->c.name = "a\033]0;x\007\nCOMPLETE: yes";
	sample_start(&f->s, &f->c, false);
	sample_exec(&f->s, &f->c, 4201, 3990, "/tmp/\033[2Jx\n", "x", false);
	sample_write_log(&f->s, f->dir, 1 << 20);
	assert_int_equal(varve(f, "find|DIR|--path|/tmp/*"), 0);
	assert_null(strchr(f->out, '\033'));
	assert_null(strstr(f->out, "\nCOMPLETE"));
	assert_in(f->out, "first: /tmp/\\x1b[2Jx\\n: x, euid 0\n");
	assert_int_equal(varve(f, "find|DIR|--path|/tmp/*|--json"), 0);
	assert_int_equal(lines(f->out), 2);
	assert_null(strchr(f->out, '\033'));
}

static void test_file_of_indicators(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *path = NULL, *args = NULL;

	write_two(f);
	assert_true(asprintf(&path, "%s.list", f->dir) > 0);
	FILE *list = fopen(path, "w");

	fputs("# known\n192.0.2.7\nexec */curl\n/no/such\n", list);
	fclose(list);
	assert_true(asprintf(&args, "find|DIR|--indicators|%s", path) > 0);
	assert_int_equal(varve(f, args), 0);
	assert_in(f->out, "    exec */curl  (/tmp/varve-cli-");
	assert_in(f->out, ".list:3)\n");
	assert_in(f->out, "not found: path /no/such\n");
	list = fopen(path, "w");
	fputs("192.0.2.7\nnonsense\n", list);
	fclose(list);
	assert_int_equal(varve(f, args), 2);
	assert_in(f->err, ".list:2: \"nonsense\" is neither");
	assert_string_equal(f->out, "");
	unlink(path);
	assert_int_equal(varve(f, args), 2);
	assert_in(f->err, "No such file");
}

static void test_called_wrongly(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(varve(f, "find|DIR"), 2);
	assert_in(f->err, "say what to find: --path, ");
	assert_int_equal(varve(f, "find|DIR|--ip|10.0.0"), 2);
	assert_in(f->err, "--ip \"10.0.0\": is neither an IPv4");
	assert_int_equal(varve(f, "find|/no/such|--ip|10.0.0.1"), 1);
}

static void test_limit(void **state)
{
	struct fixture *f = *state;
	struct found_list list = {};
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;

	(void)f;
	ev.node_name = (char *)"n";
	ev.run_id = (char *)SAMPLE_RUN;
	for (size_t i = 0; i < FOUND_MAX + 5; i++)
		found_add(&list, NULL, i, SAMPLE_T0, &ev);
	found_add(&list, NULL, 3, SAMPLE_T0 + 1, &ev);
	assert_int_equal(list.cnt, FOUND_MAX);
	assert_int_equal(list.left_out_cnt, 5);
	assert_int_equal(list.v[3].cnt, 2);
	assert_int_equal(list.v[3].last_ns, SAMPLE_T0 + 1);
	found_fini(&list);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_found),
		T(test_json),
		T(test_nowhere),
		T(test_cut_command_line),
		T(test_gap),
		T(test_begins_in_the_middle),
		T(test_repeated_read),
		T(test_gap),
		T(test_begins_in_the_middle),
		T(test_holes),
		T(test_gap),
		T(test_begins_in_the_middle),
		T(test_silent),
		T(test_hostile_text),
		T(test_file_of_indicators),
		T(test_called_wrongly),
		T(test_limit),
	};

	diag_init("varve", DIAG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
