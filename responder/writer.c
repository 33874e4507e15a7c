/* SPDX-License-Identifier: Apache-2.0 */
/* See writer.h. Text is copied in runs of plain ASCII: nearly all of it is. */
#include "responder/writer.h"
#include "evidence/base.h"
#include "evidence/text.h"
#include "responder/memory.h"
#include <assert.h>
#include <string.h>

#define ESCAPED_MAX 6 /* bytes that one byte of text can become: \u00XX */

void writer_fini(struct writer *w)
{
	free(w->buf);
	*w = (struct writer){};
}

char *writer_room(struct writer *w, size_t len)
{
	if (w->cap - w->len < len) {
		size_t cap = MAX(w->cap * 2, w->len + len + 4096);
		char *buf = realloc(w->buf, cap);

		if (!buf)
			memory_exhausted();
		w->buf = buf;
		w->cap = cap;
	}
	return w->buf + w->len;
}

void writer_raw(struct writer *w, const char *s, size_t len)
{
	memcpy(writer_room(w, len), s, len);
	w->len += len;
}

static void put_char(struct writer *w, char c)
{
	*writer_room(w, 1) = c;
	w->len++;
}

/* The comma that is due, and the key. */
static void put_key(struct writer *w, const char *key)
{
	size_t len = key ? strlen(key) : 0;
	char *p = writer_room(w, len + 4), *start = p;

	if (w->len && p[-1] != '{' && p[-1] != '[')
		*p++ = ',';
	if (key) {
		*p++ = '"';
		p = mempcpy(p, key, len);
		*p++ = '"';
		*p++ = ':';
	}
	w->len += p - start;
}

static void begin(struct writer *w, const char *key, char bracket)
{
	assert(w->depth < WRITER_DEPTH);
	w->starts[w->depth++] = w->len;
	put_key(w, key);
	put_char(w, bracket);
}

void writer_object(struct writer *w, const char *key)
{
	begin(w, key, '{');
}

void writer_list(struct writer *w, const char *key)
{
	begin(w, key, '[');
}

void writer_end(struct writer *w)
{
	size_t start = w->starts[--w->depth];
	char last = w->buf[w->len - 1];

	if ((last == '{' || last == '[') && w->depth) {
		w->len = start;
		return;
	}
	/* The bracket that it began with is behind the comma and the key, which has none in it. */
	while (w->buf[start] != '{' && w->buf[start] != '[')
		start++;
	put_char(w, w->buf[start] == '{' ? '}' : ']');
}

static char *put_escape(char *p, uint32_t cp)
{
	static const char short_of[] = "\"\"\\\\\nn\tt\rr";
	static const char hex[] = "0123456789abcdef";

	for (const char *s = short_of; *s; s += 2) {
		if (cp == (unsigned char)*s) {
			*p++ = '\\';
			*p++ = s[1];
			return p;
		}
	}
	if (cp >= 0x10000) {
		p = put_escape(p, 0xd800 + ((cp - 0x10000) >> 10));
		cp = 0xdc00 + ((cp - 0x10000) & 0x3ff);
	}
	p = mempcpy(p, "\\u", 2);
	for (int shift = 12; shift >= 0; shift -= 4)
		*p++ = hex[cp >> shift & 15];
	return p;
}

/* There is room. */
static char *put_text(char *p, const char *s, size_t len)
{
	uint32_t cp;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = text_copy_plain(p, s + i, len - i);
		if (n) {
			p += n;
			continue;
		}
		n = text_decode(s + i, len - i, &cp);
		if (!n) {
			n = 1;
			p = mempcpy(p, "\xef\xbf\xbd", 3);
		} else if (cp == '"' || cp == '\\' || !text_is_harmless(cp)) {
			p = put_escape(p, cp);
		} else {
			p = mempcpy(p, s + i, n);
		}
	}
	return p;
}

void writer_text_len(struct writer *w, const char *key, const char *s, size_t len)
{
	put_key(w, key);
	char *p = writer_room(w, len * ESCAPED_MAX + 2), *start = p;

	*p++ = '"';
	p = put_text(p, s, len);
	*p++ = '"';
	w->len += p - start;
}

void writer_text(struct writer *w, const char *key, const char *s)
{
	if (s)
		writer_text_len(w, key, s, strlen(s));
}

static void put_number(struct writer *w, uint64_t v)
{
	w->len += text_format_unsigned(writer_room(w, TEXT_NUMBER_LEN), v);
}

void writer_number(struct writer *w, const char *key, uint64_t v)
{
	put_key(w, key);
	put_number(w, MIN(v, (uint64_t)INT64_MAX));
}

void writer_signed(struct writer *w, const char *key, int64_t v)
{
	put_key(w, key);
	if (v < 0)
		put_char(w, '-');
	put_number(w, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void writer_digits(struct writer *w, const char *key, uint64_t v)
{
	put_key(w, key);
	put_char(w, '"');
	put_number(w, v);
	put_char(w, '"');
}

void writer_bool(struct writer *w, const char *key, bool v)
{
	put_key(w, key);
	writer_raw(w, v ? "true" : "false", v ? 4 : 5);
}

void writer_flush(struct writer *w, FILE *out)
{
	fwrite(w->buf, 1, w->len, out);
	w->len = 0;
}
