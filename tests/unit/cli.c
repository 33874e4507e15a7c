/* SPDX-License-Identifier: Apache-2.0 */
/* The program as it is called: output, exit status, and what it says when it is called wrongly. */
#include "tests/unit/cli.h"
#include <fcntl.h>
#include <sys/stat.h>

static void test_replay(void **state)
{
	struct fixture *f = *state;

	write_story(f);
	assert_int_equal(varve(f, "replay|DIR|--pod|default/web-7f9"), 0);
	assert_in(f->out, "└─ 4201 sh -c \"cp /bin/id /tmp/x; /tmp/x\"\n");
	assert_in(f->out, "\nCOMPLETE: 1 container, 14 records, nothing is missing\n");
	assert_string_equal(f->err, "");
	assert_int_equal(varve(f, "replay|--format=timeline|--container=4b2e9f12|DIR"), 0);
	assert_int_equal(lines(f->out), 14 + 2 + 1);
	assert_int_equal(strncmp(f->out, "COMPLETE: 1 container", 21), 0);
}

static void test_replay_jsonl_keeps_stdout_pure(void **state)
{
	struct fixture *f = *state;

	write_story(f);
	assert_int_equal(varve(f, "replay|DIR|--pod|" SAMPLE_POD "|--format|jsonl"), 0);
	assert_int_equal(lines(f->out), 14);
	assert_null(strstr(f->out, "COMPLETE"));
	assert_string_equal(f->err, "COMPLETE: 1 container, 14 records, nothing is missing\n");
}

static void test_replay_window(void **state)
{
	struct fixture *f = *state;

	write_story(f);
	assert_int_equal(varve(f, "replay|DIR|--container|4b2e9f12|--format|timeline"
				  "|--since|2026-11-20T20:00:03Z|--until|2026-11-20T20:00:05Z"),
			 0);
	assert_int_equal(lines(f->out), 3 + 2 * 2 + 1);
	assert_in(f->out, "note: a part of the container's life");
	assert_int_equal(varve(f, "replay|DIR|--container|4b2e9f12|--since|2027-11-20T20:00:03Z"),
			 0);
	assert_string_equal(f->out, "note: it was not running in this time: its records are from "
				    "2026-11-20T20:00:01.000000Z to 2026-11-20T20:00:14.000000Z\n");
}

/* A sensor of next year: its records are shown as far as they are known, and that is said. */
static void test_later_schema(void **state)
{
	struct fixture *f = *state;
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_begin(&f->s, &e, &f->c, 17);
	e.ev.kind = (char *)"TELEPATHY";
	e.ev.body_case = 0;
	SAMPLE_SET(&e.ev, schema_version, 7);
	sample_put(&f->s, &e);
	sample_write_log(&f->s, f->dir, 1 << 20);
	varve(f, "replay|DIR|--pod|default/web-7f9|--format|timeline");
	assert_in(f->out, "TELEPATHY");
	assert_in(f->out,
		  "\nnote: 1 records are of a later schema (version 7, this is 1): what this "
		  "varve does not know of them it does not show\n");
	assert_in(f->err, "1 records are of a later schema (version 7");
	assert_int_equal(varve(f, "find|DIR|--ip|192.0.2.7"), 4);
	assert_in(f->out, "  1 records of kinds that this version does not know\n");
}

/* What is left out is said; the verdict is still about all of it. */
static void test_filters(void **state)
{
	struct fixture *f = *state;

	write_story(f);
	assert_int_equal(varve(f, "replay|DIR|--pod|default/web-7f9|--format|timeline|--kind|exec"
				  "|--path|/tmp/*|--limit|1"),
			 0);
	assert_int_equal(lines(f->out), 1 + 2 + 1 + 3);
	assert_in(f->out,
		  "\nnote: a filter is applied: the verdict is about all records\n"
		  "note: a filter was applied (--kind exec --path /tmp/* --limit 1): 1 of 14 "
		  "records are shown\n"
		  "COMPLETE: 1 container, 14 records, nothing is missing\n");
	assert_int_equal(varve(f, "cat|DIR|--class|network|--since|2026-11-20T20:00:10Z|--limit|1"),
			 0);
	assert_int_equal(lines(f->out), 1);
	assert_in(f->out, "\"CONNECT\"");
	assert_in(f->err, "records are shown");
	assert_int_equal(varve(f, "replay|DIR|--pod|a/b|--kind|EXCE"), 2);
	assert_in(f->err, "--kind \"EXCE\": there is no such kind; nearest: EXEC, ");
}

static void test_exit_status_of_verdicts(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_start(&f->s, &f->other, false);
	sample_loss(&f->s, &f->other, "file", 120, SAMPLE_T0, SAMPLE_T0 + SAMPLE_SEC);
	sample_write_log(&f->s, f->dir, 1 << 20);
	assert_int_equal(varve(f, "replay|DIR|--pod|default/web-7f9"), 4);
	assert_in(f->out, "\nUNKNOWN: ");
	assert_int_equal(varve(f, "replay|DIR|--container|demo"), 3);
	assert_in(f->out, "\nINCOMPLETE: 120 file events lost (ring_full) between "
			  "2026-11-20T20:00:00.000000Z and 2026-11-20T20:00:01.000000Z\n");
}

static void test_nothing_matches(void **state)
{
	struct fixture *f = *state;

	write_story(f);
	assert_int_equal(varve(f, "replay|DIR|--pod|default/web-7f8"), 2);
	assert_in(
		f->err,
		"no pod matches \"default/web-7f8\"; nearest: default/web-7f9 (1 containers, from "
		"2026-11-20T20:00:00.000000Z to 2026-11-20T20:00:16.000000Z)");
	assert_int_equal(lines(f->err), 1);
	assert_string_equal(f->out, "");
}

static void test_pods(void **state)
{
	struct fixture *f = *state;

	f->other.state = "PENDING";
	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->other, false);
	sample_life(&f->s, &f->c);
	sample_write_log(&f->s, f->dir, 1 << 20);
	assert_int_equal(varve(f, "pods|DIR"), 0);
	assert_string_equal(f->out,
			    "default/web-7f9  uid " SAMPLE_POD "  node worker-1\n"
			    "  app  " SAMPLE_ID "\n"
			    "    2026-11-20T20:00:02.000000Z to "
			    "2026-11-20T20:00:15.000000Z  ended  14 records  RESOLVED  "
			    "docker.io/library/busybox:1.36\n"
			    "(in no pod)\n"
			    "  -  demo\n"
			    "    2026-11-20T20:00:01.000000Z to "
			    "2026-11-20T20:00:01.000000Z or later  no end seen  1 record or more  "
			    "PENDING\n"
			    "2 containers, 17 records from 2026-11-20T20:00:00.000000Z to "
			    "2026-11-20T20:00:15.000000Z\n");
}

static void test_cat(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	sample_garbage(&f->s, f->s.items[3].payload, f->s.items[3].len);
	sample_write_log(&f->s, f->dir, 1 << 20);
	assert_int_equal(varve(f, "cat|DIR"), 0);
	assert_int_equal(lines(f->out), 18);
	assert_int_equal(strncmp(f->out, "{\"kind\":\"RUN_START\",\"sequence\":\"0\",", 34), 0);
	assert_in(f->err, "1 records came more than once and are printed once");
}

static void test_cat_of_garbage(void **state)
{
	struct fixture *f = *state;

	sample_run_start_only(&f->s, NULL, 0);
	sample_garbage(&f->s, "garbage", 7);
	sample_heartbeat(&f->s);
	sample_write_log(&f->s, f->dir, 1 << 20);
	assert_int_equal(varve(f, "cat|DIR"), 3);
	assert_int_equal(lines(f->out), 2);
	assert_in(f->err, "1 payloads are no records, between record 0 of run " SAMPLE_RUN
			  " and record 1 of run");
}

static void write_gap(struct fixture *f)
{
	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	f->s.drop = true;
	sample_heartbeat(&f->s);
	sample_heartbeat(&f->s);
	sample_write_log(&f->s, f->dir, 1 << 20);
}

static void test_gap_of_the_node(void **state)
{
	struct fixture *f = *state;
	static const char gap[] = "1 record of node worker-1 that is missing between "
				  "2026-11-20T20:00:14.000000Z and 2026-11-20T20:00:16.000000Z";

	write_gap(f);
	assert_int_equal(varve(f, "cat|DIR"), 3);
	assert_in(f->err, gap);
	assert_in(f->err, "(sequence 16 to 16 of run " SAMPLE_RUN ")");
	assert_int_equal(varve(f, "pods|DIR"), 3);
	assert_in(f->err, gap);
	assert_int_equal(varve(f, "replay|DIR|--pod|default/other"), 4);
	assert_in(f->err, "no pod matches \"default/other\"");
	assert_in(f->err, "it may have been among 1 record of node worker-1 that is missing");
	assert_int_equal(varve(f, "replay|DIR|--container|other"), 4);
	assert_int_equal(varve(f, "replay|DIR|--pod|default/other|--until|2026-11-20T20:00:03Z"),
			 2);
}

static void test_beginning_that_is_gone(void **state)
{
	struct fixture *f = *state;

	f->s.drop = true;
	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	sample_write_log(&f->s, f->dir, 1 << 20);
	assert_int_equal(varve(f, "cat|DIR"), 0); /* retention is no damage */
	assert_string_equal(f->err, "");
	assert_int_equal(varve(f, "replay|DIR|--pod|default/other"), 4);
	assert_in(f->err, "is missing before 2026-11-20T20:00:00.000000Z");
}

static void test_torn_end(void **state)
{
	struct fixture *f = *state;
	char path[128];

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	sample_heartbeat(&f->s);
	sample_write_log(&f->s, f->dir, 1 << 20);
	snprintf(path, sizeof(path), "%s/00000000000000000000.seg", f->dir);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 3), 0);
	assert_int_equal(varve(f, "cat|DIR"), 3);
	assert_in(f->err, "cannot be read: 00000000000000000000.seg, offset ");
	assert_int_equal(varve(f, "pods|DIR"), 3);
	assert_int_equal(varve(f, "replay|DIR|--pod|default/web-7f9"), 4);
	assert_in(f->out,
		  "UNKNOWN: another container of this pod may be among what cannot be read");
	assert_int_equal(varve(f, "replay|DIR|--container|4b2e9f12"), 0);
}

static void test_called_wrongly(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *args, *says;
	} wrong[] = {
		{"", "no command: want replay, pods, cat, find, diff, verify, coverage, export, "
		     "prove, checkpoint or follow"},
		{"repaly", "unknown command \"repaly\""},
		{"pods", "SOURCE is missing"},
		{"pods|DIR|--format|tree",
		 "unknown option \"--format\" (varve pods --help lists them)"},
		{"cat|DIR|--read-all", "unknown option \"--read-all\""},
		{"pods|DIR|--read-all=1", "--read-all takes no value"},
		{"export|DIR|DIR2|--pod|a/b|--case|1", "one SOURCE only"},
		{"cat|-|DIR|-", "standard input (-) can be read once only"},
		{"cat|DIR|--format|delimited|--kind|EXEC", "no filters, no time"},
		{"cat|DIR|--format|xml", "--format \"xml\": want jsonl or delimited"},
		{"follow|DIR|--format|tree", "--format \"tree\": want timeline or jsonl"},
		{"replay|DIR", "say what to replay: --pod NAMESPACE/NAME or --container ID"},
		{"replay|DIR|--pod|a/b|--container|c", "--pod and --container exclude each other"},
		{"replay|DIR|--pod", "--pod wants a value: NAMESPACE/NAME|UID"},
		{"replay|DIR|--pod|/b", "--pod \"/b\": want NAMESPACE/NAME"},
		{"replay|DIR|--pod|a/b|--since|teatime",
		 "--since \"teatime\": \"teatime\" is no time; want"},
		{"replay|DIR|--pod|a/b|--until=5x", "--until \"5x\": \"5x\" is no age; want"},
		{"replay|DIR|--pod|a/b|--since|1h|--until|2h", "--since is later than --until"},
		{"replay|DIR|--pod|a/b|--format|xml",
		 "--format \"xml\": want tree|timeline|"},
		{"replay|DIR|--pod|a/b|-X|novalue", "-X \"novalue\": want PROPERTY=VALUE"},
		{"cat|DIR|--follow", "unknown option \"--follow\""},
		{"cat|DIR|--evil\033[2J", "unknown option \"--evil\\x1b[2J\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(varve(f, wrong[i].args), 2);
		assert_in(f->err, wrong[i].says);
		assert_int_equal(lines(f->err), 1);
		assert_string_equal(f->out, "");
	}
}

static void test_unreadable_source(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(varve(f, "cat|/nonexistent"), 1);
	assert_int_equal(lines(f->err), 1);
	assert_int_equal(varve(f, "pods|DIR"), 1);
	assert_int_equal(lines(f->err), 1);
	assert_int_equal(varve(f, "pods|kafka://localhost:1|-Xno.such=1"), 1);
	assert_in(f->err, "-X no.such=...: No such configuration property");
}

static void test_help_and_version(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(varve(f, "--version"), 0);
	assert_string_equal(f->out, "varve " VARVE_VERSION " (schema 1)\n");
	assert_int_equal(varve(f, "--help"), 0);
	assert_in(f->out, "varve replay SOURCE");
	assert_int_equal(varve(f, "replay|--help"), 0);
	assert_in(f->out, "--since TIME");
	assert_int_equal(varve(f, "cat|--help"), 0);
	assert_null(strstr(f->out, "--pods-topic"));
}

static void test_output_that_cannot_be_written(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {(char *)"varve", (char *)"cat", f->dir, NULL};
	FILE *full = fopen("/dev/full", "w");

	write_story(f);
	assert_int_equal(commands_run(3, argv, full), 1);
	fclose(full);
}

/* Two pods that had one name, one after the other, and one of which only the directory knows. */
static void write_namesakes(struct fixture *f)
{
	struct sample_container second = {.id = SAMPLE_ID2,
					  .name = "app",
					  .in_pod = true,
					  .pod_uid = "bbbbbbbb-0000-4000-8000-000000000002"};
	struct sample_container quiet = {.id = "x",
					 .in_pod = true,
					 .pod_uid = "cccccccc-0000-4000-8000-000000000003",
					 .pod_name = "quiet"};

	sample_run_start(&f->s, NULL, 0);
	sample_pod_state(&f->s, &f->c, false, NULL);
	sample_life(&f->s, &f->c);
	sample_pod_state(&f->s, &f->c, true, "web");
	f->s.now_ns += 3600 * SAMPLE_SEC;
	sample_life(&f->s, &second);
	sample_pod_state(&f->s, &second, true, NULL);
	sample_pod_state(&f->s, &quiet, false, NULL);
	sample_write_log(&f->s, f->dir, 2048);
}

static void test_pods_of_one_name(void **state)
{
	struct fixture *f = *state;

	write_namesakes(f);
	assert_int_equal(varve(f, "pods|DIR"), 0);
	assert_in(f->out, "default/web-7f9  uid " SAMPLE_POD "  node worker-1  Deployment web\n"
			  "  2026-11-20T20:00:01.000000Z to 2026-11-20T20:00:16.000000Z  ended\n"
			  "  app  " SAMPLE_ID "\n"
			  "    2026-11-20T20:00:02.000000Z to 2026-11-20T20:00:15.000000Z  ended  "
			  "14 records  RESOLVED  docker.io/library/busybox:1.36\n"
			  "default/web-7f9  uid bbbbbbbb-0000-4000-8000-000000000002  node");
	assert_in(f->out, "default/quiet  uid cccccccc-0000-4000-8000-000000000003");
	_cleanup_free_ char *outline = strdup(f->out);

	assert_int_equal(varve(f, "pods|DIR|--read-all"), 0);
	assert_string_equal(f->out, outline);
	assert_int_equal(varve(f, "pods|DIR|--pod|default/web-7f9"), 0);
	assert_in(f->out, SAMPLE_POD);
	assert_in(f->out, "bbbbbbbb-");
	assert_null(strstr(f->out, "quiet"));
	assert_int_equal(varve(f, "pods|DIR|--pod|default/web-7f9|--since|2026-11-20T20:30:00Z"),
			 0);
	assert_null(strstr(f->out, SAMPLE_POD));
	assert_in(f->out, "bbbbbbbb-");
	assert_int_equal(varve(f, "pods|DIR|--pod|" SAMPLE_POD), 0);
	assert_null(strstr(f->out, "bbbbbbbb-"));
	assert_int_equal(varve(f, "pods|DIR|--pod|default/web-7f9|--until|2026-11-20T19:00:00Z"),
			 2);
	assert_in(f->err, "no pod matches \"default/web-7f9\" in this time");
	assert_int_equal(varve(f, "pods|DIR|--pod|default/quite"), 2);
	assert_in(f->err, "no pod matches \"default/quite\"; nearest: default/quiet, ");
}

static void test_replay_of_one_name(void **state)
{
	struct fixture *f = *state;

	write_namesakes(f);
	assert_int_equal(varve(f, "replay|DIR|--pod|default/web-7f9"), 2);
	assert_string_equal(f->out, "");
	assert_in(f->err, "2 pods had the name \"default/web-7f9\": choose one by --pod UID, or by "
			  "--since and --until:\n");
	assert_in(f->err, "  " SAMPLE_POD "  node worker-1  2026-11-20T20:00:02.000000Z to "
			  "2026-11-20T20:00:15.000000Z\n");
	assert_in(f->err, "  bbbbbbbb-0000-4000-8000-000000000002  node worker-1  ");
	/* One of them was there in that time. */
	varve(f, "replay|DIR|--pod|default/web-7f9|--since|2026-11-20T20:30:00Z|--format|jsonl");
	assert_null(strstr(f->err, "pods had the name"));
	assert_null(strstr(f->out, SAMPLE_ID));
	assert_in(f->out, SAMPLE_ID2);
	varve(f, "replay|DIR|--format=jsonl|--pod|bbbbbbbb-0000-4000-8000-000000000002");
	assert_null(strstr(f->err, "pods had the name"));
	assert_null(strstr(f->out, SAMPLE_ID));
	assert_in(f->out, SAMPLE_ID2);
}

/* What came later is in every record, or, if that is asked for, in those that came later only. */
static void test_amended_and_as_recorded(void **state)
{
	struct fixture *f = *state;

	f->c.state = "PENDING";
	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	f->c.state = NULL;
	sample_exec(&f->s, &f->c, 4201, 3990, "/bin/sh", "sh", false);
	sample_write_log(&f->s, f->dir, 1 << 20);
	varve(f, "replay|DIR|--pod|default/web-7f9|--format|jsonl");
	assert_in(f->out, "{\"kind\":\"CONTAINER_START\"");
	assert_null(strstr(f->out, "PENDING"));
	assert_in(strchr(f->out, '{'), "\"name\":\"web-7f9\"");
	assert_true(strstr(f->out, "web-7f9") < strchr(f->out, '\n'));
	varve(f, "replay|DIR|--pod|default/web-7f9|--format|jsonl|--as-recorded");
	assert_in(f->out, "\"metadata_state\":\"PENDING\"");
	assert_true(strstr(f->out, "web-7f9") > strchr(f->out, '\n'));
	varve(f, "replay|DIR|--pod|default/web-7f9|--format|timeline|--as-recorded");
	assert_in(f->out, "  " SAMPLE_ID " [PENDING]  CONTAINER_START ");
	assert_in(f->out, "  app  EXEC ");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_replay),
		T(test_replay_jsonl_keeps_stdout_pure),
		T(test_replay_window),
		T(test_filters),
		T(test_later_schema),
		T(test_exit_status_of_verdicts),
		T(test_nothing_matches),
		T(test_pods),
		T(test_pods_of_one_name),
		T(test_replay_of_one_name),
		T(test_amended_and_as_recorded),
		T(test_cat),
		T(test_cat_of_garbage),
		T(test_gap_of_the_node),
		T(test_beginning_that_is_gone),
		T(test_torn_end),
		T(test_called_wrongly),
		T(test_unreadable_source),
		T(test_help_and_version),
		T(test_output_that_cannot_be_written),
	};

	diag_init("varve", DIAG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
