/* SPDX-License-Identifier: Apache-2.0 */
/* Times as they are written and read; an error names the word. */
#include "tests/unit/responder_sample.h"
#include "responder/when.h"

#define HOUR (3600 * SAMPLE_SEC)

static void test_when(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {
		{"2026-11-20T20:00:00Z", SAMPLE_T0},
		{"2026-11-20t21:00:00.5+01:00", SAMPLE_T0 + 500000000},
		{"2026-11-20 14:30:00.000000001-05:30", SAMPLE_T0 + 1},
		{"1970-01-01T00:00:00z", 0},
		{"2h", SAMPLE_T0 - 7200 * SAMPLE_SEC},
		{"10m", SAMPLE_T0 - 600 * SAMPLE_SEC},
		{"3d", SAMPLE_T0 - 3 * 86400 * SAMPLE_SEC},
		{"0s", SAMPLE_T0},
		{"1w", SAMPLE_T0 - 7 * 86400 * SAMPLE_SEC},
		/* The rest of an investigator's day; T0 is 20:00. */
		{"2026-11-20T20:00:00", SAMPLE_T0},
		{"2026-11-20 20:00", SAMPLE_T0},
		{"2026-11-20", SAMPLE_T0 - 20 * HOUR},
		{" 2026-11-20  21:00:00.25 +0100 ", SAMPLE_T0 + SAMPLE_SEC / 4},
		{"2026-11-20 20:00 UTC", SAMPLE_T0},
		{"today", SAMPLE_T0 - 20 * HOUR},
		{"today 19:00", SAMPLE_T0 - HOUR},
		{"yesterday", SAMPLE_T0 - 44 * HOUR},
		{"Yesterday 14:00", SAMPLE_T0 - 30 * HOUR},
		{"yesterday 14:00:30+02:00", SAMPLE_T0 - 32 * HOUR + 30 * SAMPLE_SEC},
		{"19:30", SAMPLE_T0 - HOUR / 2},
		{"20:19", SAMPLE_T0 - 24 * HOUR + 19 * 60 * SAMPLE_SEC},
		/* Now it is 08:00 of the next day there, and 21:00 of the day before. */
		{"07:30+12:00", SAMPLE_T0 - HOUR / 2},
		{"09:00+12:00", SAMPLE_T0 - 23 * HOUR},
		{"20:30-23:00", SAMPLE_T0 - HOUR / 2},
		{"21:30-23:00", SAMPLE_T0 - 47 * HOUR / 2},
		{"now", SAMPLE_T0},
		{"90m ago", SAMPLE_T0 - HOUR * 3 / 2},
		{"1h30m", SAMPLE_T0 - HOUR * 3 / 2},
		{"2 hours 5 min ago", SAMPLE_T0 - 2 * HOUR - 300 * SAMPLE_SEC},
		{"2h ", SAMPLE_T0 - 2 * HOUR},
		{"@1795204800", SAMPLE_T0},
		{"@1795204800.5", SAMPLE_T0 + SAMPLE_SEC / 2},
	};
	static const char *const bad[] = {
		"",
		"h",
		"-2h",
		"2x",
		"99999999999w",
		"999999999w",
		"2026-13-20T20:00:00Z",
		"2026-02-30T00:00:00Z",
		"2026-11-20T24:00:00Z",
		"2026-11-20T20:00:00.Z",
		"2026-11-20T20:00:00Zx",
		"2026-11-20T20:00:00+1",
		"26-11-20T20:00:00Z",
		"teatime",
		"tomorrow",
		"todayish",
		"2h later",
		"@",
		"@99999999999999999999",
		"@9223372037",
		"12",
		"25:00",
		"20:1",
		"9999999999w 9999999999w 9999999999w",
	};
	int64_t ns = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(when_parse(good[i].text, SAMPLE_T0, &ns, NULL), 0);
		assert_int_equal(ns, good[i].ns);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ns = 42;
		if (when_parse(bad[i], SAMPLE_T0, &ns, NULL) != -EINVAL)
			fail_msg("%s", bad[i]);
		assert_int_equal(ns, 42);
	}
}

static void test_when_format(void **state)
{
	char buf[WHEN_LEN];

	(void)state;
	assert_string_equal(when_format(SAMPLE_T0 + 123456789, buf), "2026-11-20T20:00:00.123456Z");
	assert_string_equal(when_format(-1, buf), "1969-12-31T23:59:59.999999Z");
	assert_string_equal(when_format(INT64_MAX, buf), "2262-04-11T23:47:16.854775Z");
	assert_non_null(when_format(INT64_MIN, buf));
	assert_string_equal(when_format_clock(SAMPLE_T0 + 1000, buf), "20:00:00.000001");
	assert_string_equal(when_format_span(45000000, buf), "45 ms");
	assert_string_equal(when_format_span(2250000000, buf), "2.25 s");
	assert_string_equal(when_format_span(185 * SAMPLE_SEC, buf), "3 min 5 s");
	assert_string_equal(when_format_span(7500 * SAMPLE_SEC, buf), "2 h 5 min");
	assert_string_equal(when_format_span(-5, buf), "?");
}

static void test_when_error(void **state)
{
	static const struct {
		const char *text, *word, *why;
	} bad[] = {
		{"yesterday 25:00", "25:00", "no time of day (HH:MM or HH:MM:SS)"},
		{"2026-13-20 20:00", "2026-13-20", "no date (YYYY-MM-DD)"},
		{"2026-02-30", "2026-02-30", "no date: the month is shorter"},
		{"2026-11-20 20:00 CET", "CET", "not understood behind a time"},
		{"2h5x ago", "5x", "no age"},
		{"last tuesday", "last", "no time"},
		{"999999999w", "999999999w", "before 1970"},
		{"", "", "no time"},
	};
	struct when_error e;
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(when_parse(bad[i].text, SAMPLE_T0, &ns, &e), -EINVAL);
		assert_string_equal(e.why, bad[i].why);
		assert_int_equal(e.word_len, strlen(bad[i].word));
		assert_memory_equal(e.word, bad[i].word, e.word_len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_when),
		cmocka_unit_test(test_when_format),
		cmocka_unit_test(test_when_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
