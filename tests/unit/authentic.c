/* SPDX-License-Identifier: Apache-2.0 */
/* varve replay --key: what is said of the seals beside the verdict, and the exit status; --verdict.
 */
#include "tests/unit/sealed_sample.h"
#include "tests/unit/run.h"
#include "evidence/diag.h"
#include <fcntl.h>
#include <jansson.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct fixture {
	struct sample s;
	struct sample_container c, other;
	struct sealer sealer;
	char dir[64], key[80], json[80];
	char *out;
	size_t out_len;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	sample_init(&f->s);
	sealer_init(&f->sealer);
	f->c = (struct sample_container){.id = SAMPLE_ID, .name = "app", .in_pod = true};
	f->other = (struct sample_container){.id = SAMPLE_ID2, .name = "side", .pod_uid = "other"};
	strcpy(f->dir, "/tmp/varve-authentic-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->key, sizeof(f->key), "%s.pub", f->dir);
	snprintf(f->json, sizeof(f->json), "%s.json", f->dir);
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
	unlink(f->json);
	free(f->out);
	free(f);
	return 0;
}

/* replay of the pod with these options ('|' between words; KEY, JSON for the files). */
static int replay(struct fixture *f, const char *args)
{
	_cleanup_free_ char *copy = strdup(args);
	char *argv[24] = {(char *)"varve", (char *)"replay", f->dir, (char *)"--pod",
			  (char *)SAMPLE_POD};
	int argc = 5;

	for (char *p = strtok(copy, "|"); p && argc < 23; p = strtok(NULL, "|"))
		argv[argc++] = !strcmp(p, "KEY") ? f->key : !strcmp(p, "JSON") ? f->json : p;
	free(f->out);
	FILE *out = open_memstream(&f->out, &f->out_len);
	int status = commands_run(argc, argv, out);

	fclose(out);
	return status;
}

/* A sealed run with one container in it; change(): before it is written. */
static void write_sealed(struct fixture *f, void (*change)(struct fixture *f))
{
	sample_run_start(&f->s, NULL, 0);
	sample_seal(&f->s, &f->sealer, false);
	sample_life(&f->s, &f->c);
	sample_seal(&f->s, &f->sealer, false);
	sample_heartbeat(&f->s);
	sample_run_end(&f->s);
	sample_seal(&f->s, &f->sealer, true);
	if (change)
		change(f);
	sample_write_log(&f->s, f->dir, 1 << 20);
}

static void test_authentic(void **state)
{
	struct fixture *f = *state;

	write_sealed(f, NULL);
	assert_int_equal(replay(f, "--key|KEY"), 0);
	assert_in(f->out,
		  "COMPLETE: 1 container, 14 records, nothing is missing\n"
		  "AUTHENTIC: the records of 1 run of the sensor are as they were sealed\n\n"
		  "Container app\n");
	assert_in(f->out, "nothing is missing\nAUTHENTIC: the records of 1 run");
}

static void test_not_asked(void **state)
{
	struct fixture *f = *state;

	write_sealed(f, NULL);
	assert_int_equal(replay(f, "--format|timeline"), 0);
	assert_null(strstr(f->out, "AUTHENTIC"));
}

static void change_byte(struct fixture *f)
{
	Varve__V1__Event *ev = event_decode(f->s.items[7].payload, f->s.items[7].len);

	assert_non_null(ev);
	ev->process->pid ^= 1;
	varve__v1__event__pack(ev, f->s.items[7].payload);
	varve__v1__event__free_unpacked(ev, NULL);
}

static void test_broken(void **state)
{
	struct fixture *f = *state;

	write_sealed(f, change_byte);
	assert_int_equal(replay(f, "--key|KEY"), 3);
	assert_in(f->out, "COMPLETE: 1 container");
	assert_in(f->out, "\nBROKEN: CHANGED records 3-16 of run " SAMPLE_RUN);
	assert_int_equal(replay(f, ""), 0);
}

static void test_unauthenticated(void **state)
{
	struct fixture *f = *state;

	write_sealed(f, NULL);
	assert_int_equal(replay(f, "--changes|/dev/null"), 4);
	assert_in(f->out, "\nUNAUTHENTICATED: without --key nobody knows who sealed them\n");
}

static void test_another_key(void **state)
{
	struct fixture *f = *state;
	struct sealer other;

	write_sealed(f, NULL);
	sealer_init(&other);
	sealer_write_key(&other, f->key);
	sealer_fini(&other);
	assert_int_equal(replay(f, "--key|KEY"), 3);
	assert_in(f->out, "\nBROKEN: KEY_UNKNOWN of run");
}

/* The sensor runs still: what is sealed up to the pod's last record needs no end of the run. */
static void test_running_sensor(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	sample_seal(&f->s, &f->sealer, false);
	sample_heartbeat(&f->s);
	sample_write_log(&f->s, f->dir, 1 << 20);
	replay(f, "--key|KEY");
	assert_in(f->out, "\nAUTHENTIC: ");
}

static void test_not_sealed_yet(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_seal(&f->s, &f->sealer, false);
	sample_life(&f->s, &f->c);
	sample_heartbeat(&f->s);
	sample_write_log(&f->s, f->dir, 1 << 20);
	assert_int_equal(replay(f, "--key|KEY"), 4);
	assert_in(f->out, "\nOPEN: ");
}

static void test_no_such_key_file(void **state)
{
	struct fixture *f = *state;

	write_sealed(f, NULL);
	assert_int_equal(replay(f, "--key|/nowhere/sensor.pub"), EXIT_IO);
	assert_string_equal(f->out, "");
}

static json_t *read_verdict(const struct fixture *f)
{
	json_error_t error;
	json_t *j = json_load_file(f->json, 0, &error);

	assert_non_null(j);
	return j;
}

#define assert_field(j, field, text) \
	assert_string_equal(json_string_value(json_object_get(j, field)), text)

static void test_verdict_file(void **state)
{
	struct fixture *f = *state;
	json_t *j;

	write_sealed(f, change_byte);
	assert_int_equal(replay(f, "--key|KEY|--verdict|JSON|--format|jsonl"), 3);
	assert_int_equal(strncmp(f->out, "{\"kind\":", 8), 0);
	j = read_verdict(f);
	assert_field(j, "verdict", "COMPLETE");
	assert_field(j, "pod", SAMPLE_POD);
	assert_true(json_is_null(json_object_get(j, "container")));
	assert_int_equal(json_integer_value(json_object_get(j, "exit_status")), 3);
	assert_int_equal(json_integer_value(json_object_get(j, "records")), 14);
	assert_field(json_object_get(j, "seals"), "verdict", "BROKEN");
	json_decref(j);
}

static void test_verdict_file_reasons(void **state)
{
	struct fixture *f = *state;
	json_t *j, *reason;

	sample_run_start(&f->s, NULL, 0);
	f->c.name = "\"\n\xff";
	sample_loss(&f->s, &f->c, "file", 3, SAMPLE_T0, SAMPLE_T0);
	sample_life(&f->s, &f->c);
	sample_write_log(&f->s, f->dir, 1 << 20);
	assert_int_equal(replay(f, "--verdict|JSON"), 3);
	j = read_verdict(f);
	assert_field(j, "verdict", "INCOMPLETE");
	reason = json_array_get(json_object_get(j, "reasons"), 0);
	assert_non_null(json_object_get(reason, "kind"));
	assert_true(json_is_string(json_object_get(reason, "text")));
	assert_true(json_is_null(json_object_get(j, "seals")));
	json_decref(j);
}

static void test_verdict_file_of_nothing(void **state)
{
	struct fixture *f = *state;
	json_t *j;

	write_sealed(f, NULL);
	assert_int_equal(replay(f, "--verdict|JSON|--until|2020-01-01T00:00:00Z"), 0);
	j = read_verdict(f);
	assert_field(j, "verdict", "NOT_RUNNING");
	assert_field(j, "until", "2020-01-01T00:00:00.000000Z");
	json_decref(j);
	sample_remove_dir(f->dir);
	assert_int_equal(replay(f, "--verdict|JSON"), EXIT_IO);
	j = read_verdict(f);
	assert_field(j, "verdict", "FAILED");
	json_decref(j);
	assert_int_equal(replay(f, "--verdict|/nowhere/x"), EXIT_IO);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_authentic),
		T(test_not_asked),
		T(test_broken),
		T(test_unauthenticated),
		T(test_another_key),
		T(test_running_sensor),
		T(test_not_sealed_yet),
		T(test_no_such_key_file),
		T(test_verdict_file),
		T(test_verdict_file_reasons),
		T(test_verdict_file_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
