/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle's reports are what the commands print, though all of them come of one pass. */
#include "tests/unit/sealed_sample.h"
#include "responder/bundle.h"
#include "responder/commands.h"
#include <sys/stat.h>

struct fixture {
	struct sample s;
	struct sample_container c, other;
	struct sealer sealer;
	char dir[64], key[80], zip[80], zip2[80];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	sample_init(&f->s);
	sealer_init(&f->sealer);
	f->c = (struct sample_container){.id = SAMPLE_ID, .name = "app", .in_pod = true};
	f->other = (struct sample_container){.id = SAMPLE_ID2,
					     .name = "side",
					     .in_pod = true,
					     .pod_uid = "other",
					     .pod_name = "db"};
	strcpy(f->dir, "/tmp/varve-export-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->key, sizeof(f->key), "%s.pub", f->dir);
	snprintf(f->zip, sizeof(f->zip), "%s.zip", f->dir);
	snprintf(f->zip2, sizeof(f->zip2), "%s-2.zip", f->dir);
	sealer_write_key(&f->sealer, f->key);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sample_fini(&f->s);
	sealer_fini(&f->sealer);
	sample_remove_dir(f->dir);
	unlink(f->key);
	unlink(f->zip);
	unlink(f->zip2);
	free(f);
	return 0;
}

/* What the command prints ('|' between words; DIR, KEY, ZIP, ZIP2). */
static char *run(struct fixture *f, const char *args, int *ret_status)
{
	_cleanup_free_ char *copy = strdup(args);
	char *argv[24] = {(char *)"varve"}, *text = NULL;
	size_t len;
	int argc = 1;

	for (char *p = strtok(copy, "|"); p && argc < 23; p = strtok(NULL, "|"))
		argv[argc++] = !strcmp(p, "DIR")    ? f->dir
			       : !strcmp(p, "KEY")  ? f->key
			       : !strcmp(p, "ZIP")  ? f->zip
			       : !strcmp(p, "ZIP2") ? f->zip2
						    : p;
	FILE *out = open_memstream(&text, &len);

	*ret_status = commands_run(argc, argv, out);
	fclose(out);
	return text;
}

static char *read_entry(const struct fixture *f, const char *name)
{
	char *data;
	size_t len;

	assert_int_equal(bundle_read(f->zip, name, 1 << 20, &data, &len), 0);
	return data;
}

static void expect_same(struct fixture *f, const char *name, const char *command)
{
	int status;
	_cleanup_free_ char *printed = run(f, command, &status);
	_cleanup_free_ char *held = read_entry(f, name);

	assert_string_equal(held, printed);
}

static void write_two_pods(struct fixture *f, bool lossy)
{
	sample_run_start(&f->s, NULL, 0);
	sample_seal(&f->s, &f->sealer, false);
	sample_life(&f->s, &f->other);
	if (lossy)
		sample_loss(&f->s, &f->c, "file", 3, SAMPLE_T0, SAMPLE_T0);
	sample_life(&f->s, &f->c);
	sample_seal(&f->s, &f->sealer, false);
	sample_heartbeat(&f->s);
	sample_run_end(&f->s);
	sample_seal(&f->s, &f->sealer, true);
	sample_write_log(&f->s, f->dir, 1 << 20);
}

static void export(struct fixture *f)
{
	int status;

	free(run(f, "export|DIR|--pod|" SAMPLE_POD "|--case|1|--key|KEY|--out|ZIP", &status));
	assert_int_equal(status, 0);
	expect_same(f, "report.txt", "replay|DIR|--pod|" SAMPLE_POD);
	expect_same(f, "summary.txt", "replay|DIR|--format|summary|--pod|" SAMPLE_POD);
	expect_same(f, "timeline.txt", "replay|DIR|--format|timeline|--pod|" SAMPLE_POD);
	expect_same(f, "records.jsonl", "replay|DIR|--format|jsonl|--pod|" SAMPLE_POD);
	expect_same(f, "coverage.txt", "coverage|DIR");
}

static void test_reports(void **state)
{
	struct fixture *f = *state;
	int status;

	write_two_pods(f, false);
	export(f);
	_cleanup_free_ char *verify = read_entry(f, "verify.txt");
	_cleanup_free_ char *acquisition = read_entry(f, "acquisition.json");

	assert_non_null(strstr(verify, "AUTHENTIC: 1 runs, "));
	assert_non_null(strstr(acquisition, "\"replay_status\": 0"));
	assert_non_null(strstr(acquisition, "\"verify_status\": 0"));
	_cleanup_free_ char *again = run(f, "replay|ZIP|--key|KEY|--pod|" SAMPLE_POD, &status);

	assert_non_null(strstr(again, "\nAUTHENTIC: the records of 1 run of the sensor"));
}

static void test_incomplete(void **state)
{
	struct fixture *f = *state;

	write_two_pods(f, true);
	export(f);
	_cleanup_free_ char *acquisition = read_entry(f, "acquisition.json");

	assert_non_null(strstr(acquisition, "\"replay_status\": 3"));
}

static void test_nothing_matches(void **state)
{
	struct fixture *f = *state;
	int status;

	write_two_pods(f, false);
	free(run(f, "export|DIR|--pod|no/such|--case|1|--out|ZIP", &status));
	assert_int_equal(status, 2);
	assert_int_equal(access(f->zip, F_OK), -1);
}

static void expect_in(struct fixture *f, const char *args, int expected, const char *words)
{
	int status;
	_cleanup_free_ char *text = run(f, args, &status);

	if (status != expected || !strstr(text, words))
		fail_msg("%s: status %d, and \"%s\" is not in:\n%s", args, status, words, text);
}

/* What one has the other has the hash of, a thousand records long; or the log has all. */
static void test_two_bundles_of_a_node(void **state)
{
	static const char *const sources[] = {"ZIP|ZIP2", "ZIP2|ZIP", "DIR|ZIP", "ZIP2|DIR"};
	struct fixture *f = *state;
	char args[128];
	int status;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->other, false);
	for (int i = 0; i < 1500; i++)
		sample_open_file(&f->s, &f->other, 4201, "/etc/hosts", SAMPLE_READ);
	sample_account(&f->s, &f->other, true, 0, 0);
	sample_life(&f->s, &f->c);
	sample_heartbeat(&f->s);
	sample_seal(&f->s, &f->sealer, false);
	sample_run_end(&f->s);
	sample_seal(&f->s, &f->sealer, true);
	sample_write_log(&f->s, f->dir, 16 << 20);
	free(run(f, "export|DIR|--pod|" SAMPLE_POD "|--case|1|--out|ZIP", &status));
	assert_int_equal(status, 0);
	free(run(f, "export|DIR|--pod|other|--case|2|--out|ZIP2", &status));
	assert_int_equal(status, 0);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		snprintf(args, sizeof(args), "verify|%s|--key|KEY", sources[i]);
		expect_in(f, args, 0, "\nAUTHENTIC: 1 runs, ");
		snprintf(args, sizeof(args), "replay|%s|--key|KEY|--pod|" SAMPLE_POD, sources[i]);
		expect_in(f, args, 0, "\nAUTHENTIC: the records of 1 run");
		snprintf(args, sizeof(args), "replay|%s|--key|KEY|--pod|other", sources[i]);
		expect_in(f, args, 0, "\nCOMPLETE: 1 container, 1502 records");
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_reports),
		T(test_incomplete),
		T(test_two_bundles_of_a_node),
		T(test_nothing_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
