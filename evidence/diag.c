/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages on stderr. Each goes out in one write, so that lines of several processes do not mix,
 * and escaped, since names that an attacker chose are in them.
 */
#include "evidence/diag.h"
#include "evidence/base.h"
#include "evidence/json_text.h"
#include "evidence/text.h"
#include <stdarg.h>
#include <string.h>
#include <time.h>

#define MESSAGE_MAX 8192 /* longer ones are cut */

static const char *program_name = "varve";
static enum diag_level max_level = DIAG_INFO;
static enum diag_format line_format = DIAG_TEXT;

void diag_init(const char *program, enum diag_level level)
{
	program_name = program;
	max_level = level;
}

void diag_set_format(enum diag_format format)
{
	line_format = format;
}

static void print_text(FILE *out, enum diag_level level, const char *text)
{
	static const char *const prefix[] = {"error: ", "warning: ", "", "debug: "};

	fprintf(out, "%s: %s", program_name, prefix[level]);
	text_print_escaped(out, text, strlen(text));
	fputc('\n', out);
}

static void print_json(FILE *out, enum diag_level level, const char *text)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	struct json_text t;
	struct timespec now;
	struct tm tm;
	char time[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(time, sizeof(time), "%FT%T", &tm);
	fprintf(out,
		"{\"time\":\"%s.%06ldZ\",\"level\":\"%s\",\"program\":\"%s\",\"message\":", time,
		now.tv_nsec / 1000, names[level], program_name);
	t.out = out;
	t.used = 0;
	t.flushed = false;
	json_text_string(&t, text);
	json_text_flush(&t);
	fputs("}\n", out);
}

static void print_line(enum diag_level level, const char *text)
{
	static void (*const print[])(FILE * out, enum diag_level level, const char *text) = {
		[DIAG_TEXT] = print_text, [DIAG_JSON] = print_json};
	_cleanup_free_ char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);

	if (!out)
		return;
	print[line_format](out, level, text);
	if (!fclose(out))
		fwrite(line, 1, len, stderr);
}

void diag(enum diag_level level, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	va_list args;

	if (level > max_level)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	print_line(level, text);
}

int diag_err(int err, const char *fmt, ...)
{
	char text[MESSAGE_MAX + 256];
	va_list args;
	size_t len;

	va_start(args, fmt);
	vsnprintf(text, MESSAGE_MAX, fmt, args);
	va_end(args);
	len = strlen(text);
	if (err < 0)
		snprintf(text + len, sizeof(text) - len, ": %s", strerror(-err));
	print_line(DIAG_ERROR, text);
	return err;
}
