/* SPDX-License-Identifier: Apache-2.0 */
/* How times are written; how they are read is in when_parse.c. */
#include "responder/when.h"
#include "evidence/base.h"
#include <inttypes.h>
#include <time.h>

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
