/* SPDX-License-Identifier: Apache-2.0 */
/* The table of metrics: what comes out, that it says what docs/METRICS.md says, and its conventions. */
#include "sensor/metrics.h"
#include "evidence/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static char text[262144];

static void print(const struct metrics *m)
{
	FILE *out = fmemopen(text, sizeof(text), "w");

	metrics_print(m, out);
	assert_int_equal(fclose(out), 0);
}

static bool has_line(const char *line)
{
	const char *at = text;

	while ((at = strstr(at, line))) {
		if ((at == text || at[-1] == '\n') && at[strlen(line)] == '\n')
			return true;
		at++;
	}
	return false;
}

static void values(void **state)
{
	static struct metrics m;

	(void)state;
	strcpy(m.kernel_release, "6.1\"\\\n\xff");
	*m.containers = 7;
	*m.cpu = 12 * NSEC_PER_SEC + 5;
	*m.unshipped = METRICS_ABSENT;
	m.generated[EV_CLASS_file] = UINT64_MAX - 1;
	m.lost_by[EV_CLASS_network * STREAMS_CAUSE_CNT + EV_CAUSE_MAP_FULL] = 3;
	m.ring_waiting[1] = 9;
	print(&m);
	assert_true(has_line("varve_sensor_build_info{version=\"" VARVE_VERSION
			     "\",kernel=\"6.1\\\"\\\\??\"} 1"));
	assert_true(has_line("varve_sensor_containers 7"));
	assert_true(has_line("process_cpu_seconds_total 12.000000005"));
	assert_true(has_line(
		"varve_sensor_events_generated_total{class=\"file\"} 18446744073709551614"));
	assert_true(has_line("varve_sensor_losses_declared_total{class=\"network\",cause=\"map_"
			     "full\"} 3"));
	assert_true(has_line("varve_sensor_ring_waiting_bytes{ring=\"decisive\"} 9"));
	assert_true(has_line("# TYPE varve_sensor_unshipped_records gauge"));
	assert_null(strstr(text, "\nvarve_sensor_unshipped_records "));
}

/* A label without a name would be two series of one name. */
static void series_are_unique(void **state)
{
	static struct metrics m;
	char *save, *line, *lines[4096];
	size_t cnt = 0;

	(void)state;
	print(&m);
	assert_null(strstr(text, "(null)"));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (*line == '#')
			continue;
		*strrchr(line, ' ') = '\0';
		for (size_t i = 0; i < cnt; i++)
			assert_string_not_equal(lines[i], line);
		assert_true(cnt < ARRAY_SIZE(lines));
		lines[cnt++] = line;
	}
	assert_true(cnt > 50 && cnt < 300);
}

struct row {
	const char *name, *type, *help;
};
static const struct row rows[] = {
#define METRIC(member, name, type, unit, first, second, help) {#name, #type, help},
#include "sensor/metrics.def"
};

static bool ends(const char *name, const char *end)
{
	return strlen(name) > strlen(end) && !strcmp(name + strlen(name) - strlen(end), end);
}

static void conventions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];

		assert_true(!strncmp(r->name, "varve_sensor_", 13) ||
			    !strncmp(r->name, "process_", 8));
		assert_int_equal(strspn(r->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(r->name));
		assert_int_equal(ends(r->name, "_total"), !strcmp(r->type, "counter"));
		assert_true(ends(r->help, "."));
		assert_null(strpbrk(r->help, "\\\n|"));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(rows[k].name, r->name);
	}
}

/* WRITE=FILE: the rows go there. */
static void docs(void **state)
{
	static char want[65536], have[131072];
	const char *write = getenv("WRITE");
	FILE *out = fmemopen(want, sizeof(want), "w");
	_cleanup_fclose_ FILE *in = fopen("docs/METRICS.md", "re");

	(void)state;
	metrics_print_docs(out);
	fclose(out);
	if (write) {
		out = fopen(write, "we");
		assert_non_null(out);
		fputs(want, out);
		fclose(out);
	}
	assert_non_null(in);
	have[fread(have, 1, sizeof(have) - 1, in)] = '\0';
	if (!strstr(have, want))
		fail_msg("docs/METRICS.md does not have this table:\n%s", want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(series_are_unique),
		cmocka_unit_test(conventions),
		cmocka_unit_test(docs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
