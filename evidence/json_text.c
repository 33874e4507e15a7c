/* SPDX-License-Identifier: Apache-2.0 */
/* Strings and numbers; see json_text.h. */
#include "evidence/json_text.h"
#include "evidence/text.h"
#include <math.h>

#define FLOAT_LEN 32

void json_text_flush(struct json_text *t)
{
	fwrite(t->buf, 1, t->used, t->out);
	t->used = 0;
	t->flushed = true;
}

static void print_escape(struct json_text *t, uint32_t cp)
{
	char *to = json_text_room(t, 16);
	int n;

	if (cp == '"' || cp == '\\')
		n = sprintf(to, "\\%c", (int)cp);
	else if (cp == '\n')
		n = sprintf(to, "\\n");
	else if (cp == '\t')
		n = sprintf(to, "\\t");
	else if (cp == '\r')
		n = sprintf(to, "\\r");
	else if (cp < 0x10000)
		n = sprintf(to, "\\u%04x", cp);
	else
		n = sprintf(to, "\\u%04x\\u%04x", 0xd800 + ((cp - 0x10000) >> 10),
			    0xdc00 + ((cp - 0x10000) & 0x3ff));
	t->used += (size_t)n;
}

/* The character at s, which text_plain_len() does not know as plain: its length. */
static size_t print_special(struct json_text *t, const char *s, size_t len)
{
	uint32_t cp;
	size_t n = text_decode(s, len, &cp);

	if (!n)
		JSON_TEXT_PUT(t, "\xef\xbf\xbd");
	else if (cp == '"' || cp == '\\' || !text_is_harmless(cp))
		print_escape(t, cp);
	else
		json_text_put(t, s, n);
	return n ? n : 1;
}

static void print_rest_of_string(struct json_text *t, const char *s, size_t len)
{
	while (len) {
		size_t n = text_plain_len(s, len);

		json_text_put(t, s, n);
		if (n < len)
			n += print_special(t, s + n, len - n);
		s += n;
		len -= n;
	}
	json_text_char(t, '"');
}

void json_text_string(struct json_text *t, const char *s)
{
	size_t len = s ? strlen(s) : 0, n = 0;

	json_text_char(t, '"');
	/* Nearly every string is short, and plain as a whole. */
	if (len < JSON_TEXT_SIZE) {
		n = text_copy_plain(json_text_room(t, len), s, len);
		t->used += n;
	}
	print_rest_of_string(t, s + n, len - n);
}

void json_text_base64(struct json_text *t, const ProtobufCBinaryData *b)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	json_text_char(t, '"');
	for (size_t i = 0; i < b->len; i += 3) {
		size_t left = b->len - i;
		uint32_t v = (uint32_t)b->data[i] << 16;

		v |= left > 1 ? (uint32_t)b->data[i + 1] << 8 : 0;
		v |= left > 2 ? b->data[i + 2] : 0;
		json_text_char(t, digits[v >> 18]);
		json_text_char(t, digits[v >> 12 & 63]);
		json_text_char(t, left > 1 ? digits[v >> 6 & 63] : '=');
		json_text_char(t, left > 2 ? digits[v & 63] : '=');
	}
	json_text_char(t, '"');
}

void json_text_unsigned(struct json_text *t, uint64_t v)
{
	char *to = json_text_room(t, TEXT_NUMBER_LEN);

	t->used += text_format_unsigned(to, v);
}

void json_text_signed(struct json_text *t, int64_t v)
{
	if (v < 0)
		json_text_char(t, '-');
	json_text_unsigned(t, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void json_text_float(struct json_text *t, double v, int digits)
{
	if (isnan(v))
		JSON_TEXT_PUT(t, "\"NaN\"");
	else if (isinf(v) && v > 0)
		JSON_TEXT_PUT(t, "\"Infinity\"");
	else if (isinf(v))
		JSON_TEXT_PUT(t, "\"-Infinity\"");
	else
		t->used += (size_t)sprintf(json_text_room(t, FLOAT_LEN), "%.*g", digits, v);
}
