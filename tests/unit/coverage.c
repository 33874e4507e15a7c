/* SPDX-License-Identifier: Apache-2.0 */
/* What varve coverage says, in whatever order the records come. */
#include "tests/unit/responder_sample.h"
#include "responder/coverage.h"
#include "responder/options.h"

struct fixture {
	struct sample s;
	struct options opts;
	char *text;
	size_t len;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	sample_init(&f->s);
	f->opts.silent_heartbeats = 3;
	f->opts.now_ns = SAMPLE_T0;
	f->opts.source = "x";
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sample_fini(&f->s);
	free(f->text);
	free(f);
	return 0;
}

/* The records from here on, then those before, then some of them again. */
static int cover(struct fixture *f, size_t from)
{
	struct coverage *c = coverage_new(&f->opts);

	for (size_t i = 0; i < f->s.cnt * 3 / 2; i++) {
		const struct sample_item *item = &f->s.items[(from + i) % f->s.cnt];
		Varve__V1__Event *ev = event_decode(item->payload, item->len);

		coverage_take(c, ev, 0);
		varve__v1__event__free_unpacked(ev, NULL);
	}
	free(f->text);
	FILE *out = open_memstream(&f->text, &f->len);
	int status = coverage_print(c, out);

	fclose(out);
	coverage_free(c);
	return status;
}

static void expect(struct fixture *f, const char *words)
{
	if (!strstr(f->text, words))
		fail_msg("\"%s\" is not in:\n%s", words, f->text);
}

static void test_any_order(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_coverage(&f->s, "exec");
	sample_loss(&f->s, NULL, "file", 7, SAMPLE_T0, SAMPLE_T0);
	sample_heartbeat_of(&f->s, false);
	sample_coverage(&f->s, "unlink_exit");
	sample_loss(&f->s, NULL, "file", 5, SAMPLE_T0, SAMPLE_T0);
	sample_run_end(&f->s);
	for (size_t from = 0; from < f->s.cnt; from++) {
		cover(f, from);
		expect(f, ", 1 runs");
		expect(f, "lost         12 file ring_full");
		expect(f, "no canary");
		expect(f, "no hook      unlink_exit\n");
	}
}

static void test_clock_set_back(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_heartbeat(&f->s);
	f->s.now_ns -= 3600 * SAMPLE_SEC;
	sample_heartbeat_of(&f->s, false);
	assert_int_equal(cover(f, 0), EXIT_INCOMPLETE);
	expect(f, "no canary    2026-11-20T19:00:02.000000Z to 2026-11-20T20:00:01.000000Z (59 min 59 s)");
}

/* Its number would be no number; nothing is made of it. */
static void test_hostile_number(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	f->s.sequence = UINT64_MAX;
	sample_loss(&f->s, NULL, "file", 7, SAMPLE_T0, SAMPLE_T0);
	assert_int_equal(cover(f, 0), EXIT_INCOMPLETE);
	assert_null(strstr(f->text, "lost"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_any_order),
		T(test_clock_set_back),
		T(test_hostile_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
