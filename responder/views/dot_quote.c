/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/views/dot_quote.h"
#include <string.h>

size_t dot_cut(const char *s, size_t most)
{
	size_t len = strnlen(s, most + 1);

	if (len <= most)
		return len;
	for (len = most; len && ((unsigned char)s[len] & 0xc0) == 0x80;)
		len--;
	return len;
}

/* Within quotes: backslashes and ampersands begin graphviz's own escapes. */
static void print_quoted(FILE *out, const char *s, size_t most)
{
	size_t len = dot_cut(s, most);

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"' || s[i] == '\\')
			fputc('\\', out);
		if (s[i] == '\n')
			fputs("\\l", out); /* lines of the verdict: to the left */
		else
			fputc(s[i], out);
		if (s[i] == '&')
			fputs("amp;", out);
	}
	if (s[len])
		fputs("...", out);
}

void dot_print_attribute(FILE *out, const char *name, const char *value, size_t most)
{
	fprintf(out, "%s=\"", name);
	print_quoted(out, value, most);
	fputc('"', out);
}
