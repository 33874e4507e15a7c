/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages on stderr. Each goes out in one write, so that lines of several processes do not mix,
 * and escaped, since names that an attacker chose are in them.
 */
#include "evidence/diag.h"
#include "evidence/base.h"
#include "evidence/text.h"
#include <stdarg.h>
#include <string.h>

#define MESSAGE_MAX 8192 /* longer ones are cut */

static const char *program_name = "varve";
static enum diag_level max_level = DIAG_INFO;

void diag_init(const char *program, enum diag_level level)
{
	program_name = program;
	max_level = level;
}

static void print_line(enum diag_level level, int err, const char *text)
{
	static const char *const prefix[] = {"error: ", "warning: ", "", "debug: "};
	_cleanup_free_ char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);

	if (!out)
		return;
	fprintf(out, "%s: %s", program_name, prefix[level]);
	text_print_escaped(out, text, strlen(text));
	if (err < 0)
		fprintf(out, ": %s", strerror(-err));
	fputc('\n', out);
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
	print_line(level, 0, text);
}

int diag_err(int err, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	print_line(DIAG_ERROR, err, text);
	return err;
}
