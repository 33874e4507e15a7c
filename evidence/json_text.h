/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of JSON, made in a buffer by hand and given to a stream in large pieces: a million
 * records have a hundred million values. Nothing is allocated; errors stay with the stream.
 */
#ifndef VARVE_EVIDENCE_JSON_TEXT_H
#define VARVE_EVIDENCE_JSON_TEXT_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define JSON_TEXT_SIZE 8192

struct json_text {
	FILE *out;
	size_t used;
	bool flushed; /* what was in the buffer is not there any more */
	char buf[JSON_TEXT_SIZE];
};

void json_text_flush(struct json_text *t);

/* Room for len bytes, which is less than the buffer has; who writes there adds to `used`. */
static inline char *json_text_room(struct json_text *t, size_t len)
{
	if (JSON_TEXT_SIZE - t->used < len)
		json_text_flush(t);
	return t->buf + t->used;
}

static inline void json_text_put(struct json_text *t, const char *s, size_t len)
{
	while (len > JSON_TEXT_SIZE - t->used) {
		size_t n = JSON_TEXT_SIZE - t->used;

		memcpy(t->buf + t->used, s, n);
		t->used += n;
		s += n;
		len -= n;
		json_text_flush(t);
	}
	memcpy(t->buf + t->used, s, len);
	t->used += len;
}

static inline void json_text_char(struct json_text *t, char c)
{
	*json_text_room(t, 1) = c;
	t->used++;
}

#define JSON_TEXT_PUT(t, literal) json_text_put(t, literal, sizeof(literal) - 1)

/* In quotes; what is not UTF-8 is U+FFFD, what text_print_escaped() would escape is \u-escaped.
 * NULL is empty. */
void json_text_string(struct json_text *t, const char *s);
void json_text_base64(struct json_text *t, const ProtobufCBinaryData *b);
void json_text_unsigned(struct json_text *t, uint64_t v);
void json_text_signed(struct json_text *t, int64_t v);
/* With so many significant digits. */
void json_text_float(struct json_text *t, double v, int digits);

#endif
