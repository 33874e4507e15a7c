/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data in the page: zlib's format, in base64. A record's JSON is some 2 KB, most of it as in the
 * record before; packed it is a thirtieth. Browsers unpack it themselves (DecompressionStream).
 */
#include "evidence/base.h"
#include "evidence/base64.h"
#include "evidence/text.h"
#include "responder/memory.h"
#include "responder/views/html_impl.h"
#include <inttypes.h>
#include <string.h>
#include <zlib.h>

FILE *html_text_begin(struct html_text *t)
{
	if (!t->out)
		t->out = open_memstream(&t->s, &t->len);
	if (!t->out || fseeko(t->out, 0, SEEK_SET))
		memory_exhausted();
	return t->out;
}

void html_text_end(struct html_text *t)
{
	if (fflush(t->out) || !t->s)
		memory_exhausted();
}

void html_text_fini(struct html_text *t)
{
	if (t->out)
		fclose(t->out);
	free(t->s);
	*t = (struct html_text){};
}

size_t html_pack(FILE *out, const char *what, uint64_t cnt, const char *text, size_t len)
{
	uLongf packed_len = compressBound(len);
	_cleanup_free_ Bytef *packed = memory_zalloc(packed_len);

	if (compress2(packed, &packed_len, (const Bytef *)text, len, Z_DEFAULT_COMPRESSION) != Z_OK)
		memory_exhausted(); /* the only way it can fail */
	_cleanup_free_ char *base64 = memory_zalloc(BASE64_LEN(packed_len) + 1);

	base64_encode(packed, packed_len, base64);
	fprintf(out, "<script type=\"text/plain\" class=\"%s\" data-count=\"%" PRIu64 "\">", what,
		cnt);
	fputs(base64, out);
	fputs("</script>\n", out);
	return BASE64_LEN(packed_len);
}

static void escape_char(FILE *out, char c)
{
	switch (c) {
	case '<':
		fputs("&lt;", out);
		break;
	case '>':
		fputs("&gt;", out);
		break;
	case '&':
		fputs("&amp;", out);
		break;
	case '"':
		fputs("&quot;", out);
		break;
	case '\'':
		fputs("&#39;", out);
		break;
	default:
		fputc(c, out);
	}
}

void html_escape(FILE *out, const char *s)
{
	struct html_text t = {};

	if (!s)
		s = "?";
	text_print_escaped(html_text_begin(&t), s, strlen(s));
	html_text_end(&t);
	for (size_t i = 0; i < t.len; i++)
		escape_char(out, t.s[i]);
	html_text_fini(&t);
}
