/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3339 by hand: strptime takes too much and knows neither fractions nor offsets with a colon.
 */
#include "responder/when.h"
#include "evidence/base.h"
#include <inttypes.h>
#include <string.h>
#include <time.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int parse_age(const char *text, int64_t now_ns, int64_t *ret_ns)
{
	static const struct {
		char unit;
		int64_t sec;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
	int64_t n = 0, ns;
	const char *p = text;

	for (; is_digit(*p) && p - text < 10; p++)
		n = n * 10 + (*p - '0');
	for (size_t i = 0; p > text && i < ARRAY_SIZE(units); i++) {
		if (p[0] != units[i].unit || p[1])
			continue;
		if (__builtin_mul_overflow(n * units[i].sec, (int64_t)NSEC_PER_SEC, &ns) ||
		    ns > now_ns)
			return -EINVAL;
		*ret_ns = now_ns - ns;
		return 0;
	}
	return -EINVAL;
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

	if (**p == '.') {
		if (!is_digit(*++*p))
			return false;
		for (; is_digit(**p); (*p)++, unit /= 10)
			ns += (**p - '0') * unit;
	}
	*ret_ns = ns;
	return true;
}

static bool take_offset(const char **p, int *ret_sec)
{
	int h, m, sign = **p == '-' ? -1 : 1;

	if (**p == 'Z' || **p == 'z') {
		(*p)++;
		*ret_sec = 0;
		return true;
	}
	if (**p != '+' && **p != '-')
		return false;
	(*p)++;
	if (!take(p, 2, 0, 23, ':', &h) || !take(p, 2, 0, 59, 0, &m))
		return false;
	*ret_sec = sign * (h * 3600 + m * 60);
	return true;
}

static int parse_rfc3339(const char *p, int64_t *ret_ns)
{
	struct tm tm = {};
	int64_t fraction;
	int offset;

	if (!take(&p, 4, 1970, 2261, '-', &tm.tm_year) || !take(&p, 2, 1, 12, '-', &tm.tm_mon) ||
	    !take(&p, 2, 1, 31, 0, &tm.tm_mday) || !*p || !strchr("Tt ", *p++) ||
	    !take(&p, 2, 0, 23, ':', &tm.tm_hour) || !take(&p, 2, 0, 59, ':', &tm.tm_min) ||
	    !take(&p, 2, 0, 60, 0, &tm.tm_sec) || !take_fraction(&p, &fraction) ||
	    !take_offset(&p, &offset) || *p)
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	int mday = tm.tm_mday;
	bool leap = tm.tm_sec == 60;
	int64_t sec = timegm(&tm);

	if (tm.tm_mday != mday && !leap) /* 30 February */
		return -EINVAL;
	*ret_ns = (sec - offset) * (int64_t)NSEC_PER_SEC + fraction;
	return 0;
}

int when_parse(const char *text, int64_t now_ns, int64_t *ret_ns)
{
	return parse_age(text, now_ns, ret_ns) ? parse_rfc3339(text, ret_ns) : 0;
}

static void split(int64_t ns, struct tm *ret_tm, int *ret_us)
{
	int64_t sec = ns / (int64_t)NSEC_PER_SEC, rest = ns % (int64_t)NSEC_PER_SEC;

	if (rest < 0) {
		sec--;
		rest += NSEC_PER_SEC;
	}
	time_t t = sec;

	gmtime_r(&t, ret_tm);
	*ret_us = (int)(rest / 1000);
}

/* A time stands in each line: by hand it is a fifth of strftime() and snprintf(). */
static char *put_digits(char *p, int v, int cnt, char end)
{
	for (int i = cnt; i-- > 0; v /= 10)
		p[i] = (char)('0' + v % 10);
	p[cnt] = end;
	return p + cnt + 1;
}

const char *when_format(int64_t ns, char buf[static WHEN_LEN])
{
	char *p = buf;
	struct tm tm;
	int us;

	/* 64 bits of nanoseconds are the years 1677 to 2262. */
	split(ns, &tm, &us);
	p = put_digits(p, tm.tm_year + 1900, 4, '-');
	p = put_digits(p, tm.tm_mon + 1, 2, '-');
	p = put_digits(p, tm.tm_mday, 2, 'T');
	p = put_digits(p, tm.tm_hour, 2, ':');
	p = put_digits(p, tm.tm_min, 2, ':');
	p = put_digits(p, tm.tm_sec, 2, '.');
	p = put_digits(p, us, 6, 'Z');
	*p = '\0';
	return buf;
}

const char *when_format_clock(int64_t ns, char buf[static WHEN_LEN])
{
	struct tm tm;
	int us;

	split(ns, &tm, &us);
	snprintf(buf, WHEN_LEN, "%02d:%02d:%02d.%06d", tm.tm_hour, tm.tm_min, tm.tm_sec, us);
	return buf;
}

const char *when_format_span(int64_t ns, char buf[static WHEN_LEN])
{
	int64_t sec = ns / (int64_t)NSEC_PER_SEC;

	if (ns < 0)
		snprintf(buf, WHEN_LEN, "?");
	else if (ns < (int64_t)NSEC_PER_SEC)
		snprintf(buf, WHEN_LEN, "%" PRId64 " ms", ns / 1000000);
	else if (sec < 60)
		snprintf(buf, WHEN_LEN, "%.2f s", (double)ns / 1e9);
	else if (sec < 3600)
		snprintf(buf, WHEN_LEN, "%" PRId64 " min %" PRId64 " s", sec / 60, sec % 60);
	else if (sec < 86400)
		snprintf(buf, WHEN_LEN, "%" PRId64 " h %" PRId64 " min", sec / 3600, sec / 60 % 60);
	else
		snprintf(buf, WHEN_LEN, "%" PRId64 " d %" PRId64 " h", sec / 86400,
			 sec / 3600 % 24);
	return buf;
}
