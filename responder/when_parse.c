/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A time is words: a date, a time of day, a difference to UTC, an age. By hand: strptime takes too
 * much and knows neither fractions nor differences with a colon. What is wrong is named by its
 * word.
 */
#include "responder/when.h"
#include "evidence/base.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DAY_SEC 86400

struct parsing {
	const char *p;
	int64_t now_ns;
	struct when_error *error;
};

/* The word at p is to blame. */
static int blame(struct parsing *in, const char *p, const char *why)
{
	if (in->error)
		*in->error = (struct when_error){p, strcspn(p, " "), why};
	return -EINVAL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void skip_space(struct parsing *in)
{
	while (*in->p == ' ')
		in->p++;
}

/* Takes the word if it is next, whatever its case; a letter may not follow. */
static bool take_word(struct parsing *in, const char *word)
{
	size_t len = strlen(word);

	if (strncasecmp(in->p, word, len) || isalpha((unsigned char)in->p[len]))
		return false;
	in->p += len;
	return true;
}

/* Exactly cnt digits, in min..max, and then the character `end` (0: none is taken). */
static bool take(const char **p, int cnt, int min, int max, char end, int *ret)
{
	int n = 0;

	for (int i = 0; i < cnt; i++, (*p)++) {
		if (!is_digit(**p))
			return false;
		n = n * 10 + (**p - '0');
	}
	if (n < min || n > max || (end && *(*p)++ != end))
		return false;
	*ret = n;
	return true;
}

static bool take_fraction(const char **p, int64_t *ret_ns)
{
	int64_t unit = NSEC_PER_SEC / 10, ns = 0;

	if (**p == '.' || **p == ',') {
		if (!is_digit(*++*p))
			return false;
		for (; is_digit(**p); (*p)++, unit /= 10)
			ns += (**p - '0') * unit;
	}
	*ret_ns = ns;
	return true;
}

/* Z, UTC, +01:00, +0100; nothing is UTC, too. */
static int take_offset(struct parsing *in, int64_t *ret_sec)
{
	const char *begin = in->p;
	int h, m, sign = *in->p == '-' ? -1 : 1;

	*ret_sec = 0;
	if (take_word(in, "Z") || take_word(in, "UTC"))
		return 0;
	if (*in->p != '+' && *in->p != '-')
		return 0;
	in->p++;
	if (!take(&in->p, 2, 0, 23, 0, &h))
		return blame(in, begin, "no difference to UTC such as +01:00");
	in->p += *in->p == ':';
	if (!take(&in->p, 2, 0, 59, 0, &m))
		return blame(in, begin, "no difference to UTC such as +01:00");
	*ret_sec = sign * (h * 3600 + m * 60);
	return 0;
}

/* HH:MM[:SS[.FRACTION]] and a difference: nanoseconds since the day's beginning in UTC. */
static int take_clock(struct parsing *in, int64_t *ret_ns)
{
	const char *begin = in->p;
	int64_t fraction = 0, offset;
	int h, m, s = 0;

	if (!take(&in->p, 2, 0, 23, ':', &h) || !take(&in->p, 2, 0, 59, 0, &m))
		return blame(in, begin, "no time of day (HH:MM or HH:MM:SS)");
	if (*in->p == ':' && (in->p++, !take(&in->p, 2, 0, 60, 0, &s)))
		return blame(in, begin, "no time of day (HH:MM or HH:MM:SS)");
	if (!take_fraction(&in->p, &fraction))
		return blame(in, begin, "no time of day (HH:MM or HH:MM:SS)");
	skip_space(in);
	if (take_offset(in, &offset))
		return -EINVAL;
	*ret_ns = (h * 3600 + m * 60 + s - offset) * (int64_t)NSEC_PER_SEC + fraction;
	return 0;
}

/* The beginning of a day, and its time if there is one. */
static int take_rest_of_day(struct parsing *in, int64_t day_ns, int64_t *ret_ns)
{
	int64_t clock_ns = 0;

	if (*in->p == 'T' || *in->p == 't')
		in->p++;
	else
		skip_space(in);
	if (*in->p && take_clock(in, &clock_ns))
		return -EINVAL;
	if (__builtin_add_overflow(day_ns, clock_ns, ret_ns))
		return blame(in, in->p, "too late");
	return 0;
}

static int take_date(struct parsing *in, int64_t *ret_ns)
{
	const char *begin = in->p;
	struct tm tm = {};

	if (!take(&in->p, 4, 1970, 2261, '-', &tm.tm_year) ||
	    !take(&in->p, 2, 1, 12, '-', &tm.tm_mon) || !take(&in->p, 2, 1, 31, 0, &tm.tm_mday))
		return blame(in, begin, "no date (YYYY-MM-DD)");
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	int mday = tm.tm_mday;
	int64_t sec = timegm(&tm);

	if (tm.tm_mday != mday) /* 30 February */
		return blame(in, begin, "no date: the month is shorter");
	return take_rest_of_day(in, sec * (int64_t)NSEC_PER_SEC, ret_ns);
}

static int64_t day_of(int64_t ns, int days_before)
{
	const int64_t day_ns = DAY_SEC * (int64_t)NSEC_PER_SEC;

	return (ns / day_ns - days_before) * day_ns;
}

/* A time without a day: the last that there was. */
static int take_last(struct parsing *in, int64_t *ret_ns)
{
	const int64_t day_ns = DAY_SEC * (int64_t)NSEC_PER_SEC;
	int64_t clock_ns;

	if (take_clock(in, &clock_ns))
		return -EINVAL;
	*ret_ns = day_of(in->now_ns, 0) + clock_ns;
	/* A difference to UTC can move it by more than a day, either way. */
	while (*ret_ns > in->now_ns)
		*ret_ns -= day_ns;
	while (*ret_ns + day_ns <= in->now_ns)
		*ret_ns += day_ns;
	return 0;
}

static int take_unix(struct parsing *in, int64_t *ret_ns)
{
	const char *begin = in->p++;
	int64_t sec = 0, fraction;

	if (!is_digit(*in->p))
		return blame(in, begin, "no number of seconds since 1970");
	for (; is_digit(*in->p); in->p++)
		if (__builtin_mul_overflow(sec, 10, &sec) ||
		    __builtin_add_overflow(sec, *in->p - '0', &sec))
			return blame(in, begin, "too late");
	if (!take_fraction(&in->p, &fraction))
		return blame(in, begin, "no number of seconds since 1970");
	if (__builtin_mul_overflow(sec, (int64_t)NSEC_PER_SEC, &sec) ||
	    __builtin_add_overflow(sec, fraction, ret_ns))
		return blame(in, begin, "too late");
	return 0;
}

static bool take_unit(struct parsing *in, int64_t *ret_sec)
{
	static const struct {
		const char *name;
		int64_t sec;
	} units[] = {
		{"seconds", 1},
		{"second", 1},
		{"secs", 1},
		{"sec", 1},
		{"s", 1},
		{"minutes", 60},
		{"minute", 60},
		{"mins", 60},
		{"min", 60},
		{"m", 60},
		{"hours", 3600},
		{"hour", 3600},
		{"h", 3600},
		{"days", DAY_SEC},
		{"day", DAY_SEC},
		{"d", DAY_SEC},
		{"weeks", 7 * DAY_SEC},
		{"week", 7 * DAY_SEC},
		{"w", 7 * DAY_SEC},
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (take_word(in, units[i].name)) {
			*ret_sec = units[i].sec;
			return true;
		}
	}
	return false;
}

/* "2h", "1h30m", "90 min ago" */
static int take_age(struct parsing *in, int64_t *ret_ns)
{
	const char *begin = in->p;
	int64_t age = 0, n, unit, ns;

	while (is_digit(*in->p)) {
		const char *word = in->p;

		for (n = 0; is_digit(*in->p) && in->p - word < 10; in->p++)
			n = n * 10 + (*in->p - '0');
		skip_space(in);
		if (!take_unit(in, &unit))
			return blame(in, word, "no age");
		if (__builtin_add_overflow(age, n * unit, &age))
			return blame(in, begin, "before 1970");
		skip_space(in);
	}
	take_word(in, "ago");
	if (__builtin_mul_overflow(age, (int64_t)NSEC_PER_SEC, &ns) || ns > in->now_ns)
		return blame(in, begin, "before 1970");
	*ret_ns = in->now_ns - ns;
	return 0;
}

static int take_any(struct parsing *in, int64_t *ret_ns)
{
	size_t digits = strspn(in->p, "0123456789");

	if (*in->p == '@')
		return take_unix(in, ret_ns);
	if (take_word(in, "now")) {
		*ret_ns = in->now_ns;
		return 0;
	}
	if (take_word(in, "today"))
		return take_rest_of_day(in, day_of(in->now_ns, 0), ret_ns);
	if (take_word(in, "yesterday"))
		return take_rest_of_day(in, day_of(in->now_ns, 1), ret_ns);
	if (digits && in->p[digits] == ':')
		return take_last(in, ret_ns);
	if (digits && in->p[digits] == '-')
		return take_date(in, ret_ns);
	if (digits)
		return take_age(in, ret_ns);
	return blame(in, in->p, "no time");
}

int when_parse(const char *text, int64_t now_ns, int64_t *ret_ns, struct when_error *ret_error)
{
	struct parsing in = {.p = text, .now_ns = now_ns, .error = ret_error};
	int64_t ns;

	skip_space(&in);
	if (take_any(&in, &ns))
		return -EINVAL;
	skip_space(&in);
	if (*in.p)
		return blame(&in, in.p, "not understood behind a time");
	*ret_ns = ns;
	return 0;
}
