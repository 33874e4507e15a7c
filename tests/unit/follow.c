/* SPDX-License-Identifier: Apache-2.0 */
/* varve follow: a log that is written to meanwhile, by a process of its own that interrupts in the
 * end. */
#include "tests/unit/responder_sample.h"
#include "tests/unit/run.h"
#include "evidence/diag.h"
#include "responder/follow_held.h"
#include "responder/follow_runs.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

struct fixture {
	struct sample s;
	struct sample_container c, other;
	char dir[64];
	uint64_t segment_bytes, limit_bytes;
	bool is_torn;
	size_t before, pause_at; /* records that are there, and behind which the writer pauses */
	char *out;
	size_t out_len;
	char err[16384];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	sample_init(&f->s);
	f->c = (struct sample_container){.id = SAMPLE_ID, .name = "app", .in_pod = true};
	f->other = (struct sample_container){.id = SAMPLE_ID2, .name = "other"};
	f->segment_bytes = 1 << 20;
	strcpy(f->dir, "/tmp/varve-follow-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sample_fini(&f->s);
	sample_remove_dir(f->dir);
	free(f->out);
	free(f);
	return 0;
}

static void sleep_ms(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static void append(struct log *log, const struct fixture *f, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		assert_int_equal(log_append(log, f->s.items[i].payload, f->s.items[i].len, NULL),
				 0);
	assert_int_equal(log_flush(log), 0);
}

static struct log *open_log(const struct fixture *f)
{
	const struct log_opts opts = {.segment_bytes = f->segment_bytes};
	struct log_recovery recovery;
	struct log *log;

	assert_int_equal(log_open(f->dir, &opts, &log, &recovery), 0);
	return log;
}

static bool is_open_in(pid_t pid, const char *dir)
{
	char path[64], target[256];

	for (int fd = 3; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		ssize_t len = readlink(path, target, sizeof(target) - 1);

		target[len < 0 ? 0 : len] = 0;
		if (!strncmp(target, dir, strlen(dir)) && strstr(target, ".seg"))
			return true;
	}
	return false;
}

/* Until it has the segment open, and has had time to come to its end. */
static void wait_for_reader(const struct fixture *f)
{
	for (int i = 0; i < 1000 && !is_open_in(getppid(), f->dir); i++)
		sleep_ms(10);
	sleep_ms(200);
}

/* The rest of the sample, in two parts; segments are removed in between if there is a limit. */
static void write_rest(const struct fixture *f)
{
	struct log_removed removed;
	size_t middle = f->pause_at ? f->pause_at : (f->before + f->s.cnt) / 2;

	wait_for_reader(f);
	struct log *log = open_log(f);

	append(log, f, f->before, middle);
	sleep_ms(150);
	append(log, f, middle, f->s.cnt);
	log_set_limit(log, f->limit_bytes);
	while (f->limit_bytes && log_enforce_limit(log, &removed) == 1)
		;
	log_close(log);
	sleep_ms(600);
	kill(getppid(), SIGINT);
}

/* A frame half written. */
static void tear(const struct fixture *f)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/00000000000000000000.seg", f->dir);
	fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "\x10\x00\x00", 3), 3);
	close(fd);
}

/* Follows with these words behind "follow DIR" while the rest is written. */
static int follow(struct fixture *f, const char *words)
{
	_cleanup_free_ char *copy = strdup(words);
	char *argv[24] = {(char *)"varve", (char *)"follow", f->dir};
	int argc = 3, fd = memfd_create("stderr", 0), old = dup(2);
	struct log *log = open_log(f);
	pid_t pid;

	append(log, f, 0, f->before);
	log_close(log);
	if (f->is_torn)
		tear(f);
	for (char *p = strtok(copy, "|"); p && argc < 23; p = strtok(NULL, "|"))
		argv[argc++] = p;
	free(f->out);
	FILE *out = open_memstream(&f->out, &f->out_len);

	fflush(NULL);
	pid = fork();
	if (!pid) {
		write_rest(f);
		_exit(0);
	}
	dup2(fd, 2);
	int status = commands_run(argc, argv, out);

	fflush(stderr);
	dup2(old, 2);
	waitpid(pid, NULL, 0);
	ssize_t len = pread(fd, f->err, sizeof(f->err) - 1, 0);

	f->err[len < 0 ? 0 : len] = 0;
	close(fd);
	close(old);
	fclose(out);
	return status;
}

#define assert_not_in(text, words)                                  \
	do {                                                        \
		if (strstr(text, words))                            \
			fail_msg("\"%s\" is in:\n%s", words, text); \
	} while (0)

static size_t lines(const char *text)
{
	size_t cnt = 0;

	for (; *text; text++)
		cnt += *text == '\n';
	return cnt;
}

static void test_what_comes(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_start(&f->s, &f->other, false);
	sample_exec(&f->s, &f->c, 4200, 3990, "/bin/before", "before", false);
	f->before = f->s.cnt;
	for (int i = 0; i < 10; i++) {
		sample_exec(&f->s, &f->c, 4201, 4200, "/bin/id", "id", false);
		sample_exec(&f->s, &f->other, 4300, 4299, "/bin/ls", "ls", false);
		sample_heartbeat(&f->s);
	}
	assert_int_equal(follow(f, "--pod|default/web-7f9"), 0);
	assert_int_equal(lines(f->out), 10);
	assert_in(f->out, "EXEC");
	assert_not_in(f->out, "before");
	assert_not_in(f->out, "ls");
	assert_in(f->err, "10 records shown of 30; missing: 0 in 0 gaps; came again: 0;");
}

static void test_filters_and_formats(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	f->before = f->s.cnt;
	sample_exec(&f->s, &f->c, 4201, 4200, "/bin/id", "id", false);
	sample_heartbeat(&f->s);
	sample_exec(&f->s, &f->other, 4300, 4299, "/bin/ls", "ls", false);
	sample_open_file(&f->s, &f->c, 4201, "/etc/hosts", SAMPLE_READ);
	assert_int_equal(follow(f, "--container|4b2e9f12ac|--format|jsonl|--kind|EXEC"), 0);
	assert_int_equal(lines(f->out), 1);
	assert_int_equal(strncmp(f->out, "{\"kind\":\"EXEC\"", 14), 0);
}

static void test_everything(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	f->before = f->s.cnt;
	sample_exec(&f->s, &f->c, 4201, 4200, "/bin/id", "id", false);
	sample_heartbeat(&f->s);
	sample_coverage(&f->s, NULL);
	assert_int_equal(follow(f, ""), 0);
	assert_in(f->out, "  worker-1  COVERAGE ");
	assert_in(f->out, "  app  EXEC ");
	assert_not_in(f->out, "HEARTBEAT");
}

static void test_since(void **state)
{
	struct fixture *f = *state;

	f->segment_bytes = 4096;
	sample_run_start(&f->s, NULL, 0);
	for (int i = 0; i < 200; i++)
		sample_open_file(&f->s, &f->c, 4201, "/etc/hosts", SAMPLE_READ);
	f->before = f->s.cnt;
	sample_exec(&f->s, &f->c, 4201, 4200, "/bin/id", "id", false);
	assert_int_equal(follow(f, "--pod|default/web-7f9|--since|2026-11-20T20:03:00Z"), 0);
	assert_in(f->out, "2026-11-20T20:03:00.000000Z");
	assert_not_in(f->out, "2026-11-20T20:02:59.000000Z");
	assert_in(f->out, "EXEC");
	/* It began two minutes before that, not with all there is. */
	assert_not_in(f->err, " of 202;");
}

static void test_gap_and_garbage(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	f->before = f->s.cnt;
	sample_exec(&f->s, &f->c, 4201, 4200, "/bin/id", "id", false);
	f->s.drop = true;
	sample_heartbeat(&f->s);
	f->s.drop = true;
	sample_heartbeat(&f->s);
	sample_garbage(&f->s, "\xff\xff", 2);
	sample_exec(&f->s, &f->c, 4201, 4200, "/bin/id", "id", false);
	assert_int_equal(follow(f, "--pod|default/web-7f9"), 3);
	assert_int_equal(lines(f->out), 2);
	assert_in(f->err,
		  "2 records of node worker-1 are missing (sequence 3 to 4 of run " SAMPLE_RUN ")");
	assert_in(f->err, "a payload of 2 bytes is no record");
	assert_in(f->err, "missing: 2 in 1 gaps; came again: 0; cannot be decoded: 1;");
}

static void test_new_run(void **state)
{
	struct fixture *f = *state;
	int64_t since_ns;

	sample_run_start(&f->s, NULL, 0);
	f->before = f->s.cnt;
	sample_exec(&f->s, &f->c, 4201, 4200, "/bin/id", "id", false);
	since_ns = f->s.now_ns;
	f->s.run = SAMPLE_RUN2;
	f->s.sequence = f->s.node_sequence = 0;
	f->s.now_ns += 10 * SAMPLE_SEC;
	sample_run_start(&f->s, SAMPLE_RUN, since_ns);
	sample_exec(&f->s, &f->c, 4201, 4200, "/bin/id", "id", false);
	assert_int_equal(follow(f, "--pod|default/web-7f9"), 0);
	assert_int_equal(lines(f->out), 2);
	assert_in(f->err, "the sensor of node worker-1 has started (run " SAMPLE_RUN2
			  "); not watched between 2026");
}

static void put_binding(struct sample *s, struct sample_container *c)
{
	Varve__V1__Binding body = VARVE__V1__BINDING__INIT;
	struct sample_event e;

	sample_begin(s, &e, c, 33);
	e.ev.binding = &body;
	sample_put(s, &e);
}

/* Which pod it is of was not known at first. */
static void test_a_pod_that_is_known_later(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	f->before = f->s.cnt;
	f->c.state = "PENDING";
	sample_exec(&f->s, &f->c, 4201, 4200, "/bin/first", "first", false);
	f->other.state = "PENDING";
	sample_exec(&f->s, &f->other, 4301, 4300, "/bin/ls", "ls", false);
	f->c.state = NULL;
	put_binding(&f->s, &f->c);
	sample_exec(&f->s, &f->c, 4201, 4200, "/bin/second", "second", false);
	assert_int_equal(follow(f, "--pod|default/web-7f9"), 0);
	assert_int_equal(lines(f->out), 3);
	assert_true(strstr(f->out, "first") < strstr(f->out, "BINDING"));
	assert_true(strstr(f->out, "BINDING") < strstr(f->out, "second"));
	assert_not_in(f->out, "ls");
	assert_in(f->err, "1 records are of containers whose pod was not known;");
}

static void test_held_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct follow_held held = {};

	f->c.state = "PENDING";
	for (int i = 0; i < FOLLOW_HELD_MAX + 10; i++)
		sample_exec(&f->s, &f->c, 4201, 4200, "/bin/id", "id", false);
	for (size_t i = 0; i < f->s.cnt; i++) {
		Varve__V1__Event *ev = event_decode(f->s.items[i].payload, f->s.items[i].len);

		follow_held_add(&held, ev, f->s.items[i].payload, f->s.items[i].len);
		varve__v1__event__free_unpacked(ev, NULL);
	}
	assert_int_equal(held.cnt, FOLLOW_HELD_MAX);
	assert_int_equal(held.left_cnt, 10);
	follow_held_fini(&held);
	assert_int_equal(held.left_cnt, FOLLOW_HELD_MAX + 10);
	assert_int_equal(held.bytes, 0);
}

/* The first records of a run that began meanwhile, and the last of the one before, did not come. */
static void test_missing_at_the_ends(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	f->before = f->s.cnt;
	sample_exec(&f->s, &f->c, 4201, 4200, "/bin/id", "id", false);
	f->s.run = SAMPLE_RUN2;
	f->s.sequence = 5;
	sample_exec(&f->s, &f->c, 4201, 4200, "/bin/id", "id", false);
	assert_int_equal(follow(f, "--pod|default/web-7f9"), 3);
	assert_in(f->err,
		  "5 records of node worker-1 are missing (sequence 0 to 4 of run " SAMPLE_RUN2
		  ")");
}

static void test_segments_that_are_removed(void **state)
{
	struct fixture *f = *state;

	f->segment_bytes = 4096;
	f->limit_bytes = 8192;
	sample_run_start(&f->s, NULL, 0);
	f->before = f->s.cnt;
	sample_exec(&f->s, &f->c, 4200, 4199, "/bin/first", "first", false);
	f->pause_at = f->s.cnt;
	for (int i = 0; i < 400; i++)
		sample_exec(&f->s, &f->c, 4201, 4200, "/bin/id", "id", false);
	sample_exec(&f->s, &f->c, 4202, 4201, "/bin/last", "last", false);
	int status = follow(f, "--pod|default/web-7f9");

	/* Nothing is lost without a word: either all was read in time, or it is said. */
	assert_in(f->out, "first");
	assert_in(f->out, "last");
	if (lines(f->out) < 402) {
		assert_int_equal(status, 3);
		assert_in(f->err, ".seg are not there: removed before they were read");
		assert_in(f->err, " are missing (sequence ");
	}
}

static void test_half_a_record(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	f->before = f->s.cnt;
	sample_exec(&f->s, &f->c, 4201, 4200, "/bin/id", "id", false);
	f->is_torn =
		true; /* the next writer begins a segment behind it; till then it is waited for */
	assert_int_equal(follow(f, "--pod|default/web-7f9"), 3);
	assert_int_equal(lines(f->out), 1);
	assert_in(f->err, "cannot be read: 00000000000000000000.seg, offset ");
	assert_in(f->err, "missing: 0 in 0 gaps;");
	assert_not_in(f->err, "has started");
}

/* --- numbers alone */

static bool take(struct follow_runs *runs, const char *run, uint64_t sequence, int64_t ms)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;

	ev.run_id = (char *)run;
	ev.node_name = (char *)"n";
	ev.has_sequence = 1;
	ev.sequence = sequence;
	SAMPLE_SET(&ev, time_unix_nano, ms);
	return follow_runs_take(runs, &ev, ms, true);
}

static void test_numbers(void **state)
{
	struct follow_runs runs = {};

	(void)state;
	assert_true(take(&runs, "a", 10, 0));
	assert_true(take(&runs, "a", 11, 0));
	assert_false(take(&runs, "a", 11, 0));
	assert_true(take(&runs, "a", 3, 0)); /* the reading began behind it, in another partition */
	assert_false(take(&runs, "a", 3, 0));
	assert_true(take(&runs, "a", 9, 0));
	assert_false(take(&runs, "a", 9, 0));
	assert_true(take(&runs, "a", 20, 0)); /* 12 to 19 */
	follow_runs_tell(&runs, FOLLOW_WAIT_MS - 1, false);
	assert_int_equal(runs.missing_cnt, 0);
	assert_true(take(&runs, "a", 15, 0));
	assert_false(take(&runs, "a", 15, 0));
	assert_true(take(&runs, "a", 12, 0));
	assert_true(take(&runs, "a", 19, 0));
	follow_runs_tell(&runs, FOLLOW_WAIT_MS, false);
	assert_int_equal(runs.missing_cnt, 5); /* 13 14, 16 17 18 */
	assert_int_equal(runs.gap_cnt, 2);
	assert_true(take(&runs, "a", 17, 0)); /* after all */
	follow_runs_tell(&runs, 2 * FOLLOW_WAIT_MS, true);
	assert_int_equal(runs.missing_cnt, 4);
	assert_int_equal(runs.gap_cnt, 2);
	assert_int_equal(runs.again_cnt, 4);
	follow_runs_fini(&runs);
}

static void test_numbers_are_bounded(void **state)
{
	struct follow_runs runs = {};
	char run[FOLLOW_NAME_MAX + 2];

	(void)state;
	for (uint64_t i = 0; i < 10000; i++)
		take(&runs, "a", 100 + i * 3, i);
	assert_int_equal(runs.missing_cnt, 2 * (10000 - 1 - (FOLLOW_GAPS_MAX - 1)));
	assert_true(take(&runs, "a", 7, 0)); /* what was before the reading is remembered */
	assert_int_equal(runs.left_out_cnt, 0);
	for (int i = 0; i < FOLLOW_RUNS_MAX + 9; i++) {
		snprintf(run, sizeof(run), "run-%d", i);
		assert_true(take(&runs, run, 0, 20000 + i));
	}
	assert_int_equal(runs.ids.cnt, FOLLOW_RUNS_MAX);
	assert_int_equal(runs.left_out_cnt, 10);
	memset(run, 'x', sizeof(run) - 1);
	run[sizeof(run) - 1] = '\0';
	assert_true(take(&runs, run, 0, 99999));
	assert_int_equal(runs.left_out_cnt, 11);
	follow_runs_tell(&runs, 0, true);
	assert_int_equal(runs.missing_cnt, 2 * (10000 - 1));
	follow_runs_fini(&runs);
}

/* More than a cluster has nodes, all alive: what each lacks is told, and what comes again is known. */
static void test_many_live_runs(void **state)
{
	struct follow_runs runs = {};
	char run[32];

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 5000; i++) {
			snprintf(run, sizeof(run), "run-%d", i);
			assert_true(take(&runs, run, round * 2, round));
			assert_false(take(&runs, run, round * 2, round));
		}
	}
	follow_runs_tell(&runs, 0, true);
	assert_int_equal(runs.missing_cnt, 2 * 5000);
	assert_int_equal(runs.left_out_cnt, 0);
	follow_runs_fini(&runs);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_what_comes),
		T(test_filters_and_formats),
		T(test_everything),
		T(test_since),
		T(test_gap_and_garbage),
		T(test_new_run),
		T(test_a_pod_that_is_known_later),
		T(test_held_is_bounded),
		T(test_missing_at_the_ends),
		T(test_segments_that_are_removed),
		T(test_half_a_record),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_numbers_are_bounded),
		cmocka_unit_test(test_many_live_runs),
	};

	diag_init("varve", DIAG_INFO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
