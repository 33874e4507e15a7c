/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/dns_name.h"
#include <stdarg.h>
#include <stdio.h>

#define NAME_MAX_LEN 255 /* on the wire, with the root's byte */
#define POINTER_MAX  128 /* no name has so many labels */

static size_t put_byte(char *out, uint8_t b, const char *special, uint8_t first)
{
	if (b < first || b > '~')
		return sprintf(out, "\\%03u", b);
	for (; *special; special++) {
		if (b == *special)
			return sprintf(out, "\\%c", b);
	}
	*out = b;
	return 1;
}

/* Each pointer has to lead to before the last one's target, so the walk ends. */
static const char *follow(const uint8_t *msg, size_t len, size_t *pos, size_t *floor,
			  unsigned int *cnt)
{
	size_t target;

	if (*pos + 2 > len)
		return "short_name";
	target = (msg[*pos] & 0x3f) << 8 | msg[*pos + 1];
	if (target >= *floor || ++*cnt > POINTER_MAX)
		return "bad_pointer";
	*floor = *pos = target;
	return NULL;
}

const char *dns_name_read(const uint8_t *msg, size_t len, size_t *at,
			  char ret_text[DNS_NAME_TEXT_MAX])
{
	size_t pos = *at, floor = *at, end = 0, wire = 1, n = 0, i;
	unsigned int pointers = 0;
	const char *wrong;

	for (;;) {
		if (pos >= len)
			return "short_name";
		if (!msg[pos])
			break;
		if ((msg[pos] & 0xc0) == 0xc0) {
			if (!end)
				end = pos + 2;
			wrong = follow(msg, len, &pos, &floor, &pointers);
			if (wrong)
				return wrong;
			continue;
		}
		if (msg[pos] > 63)
			return "bad_label";
		wire += msg[pos] + 1;
		if (wire > NAME_MAX_LEN)
			return "long_name";
		if (pos + 1 + msg[pos] > len)
			return "short_name";
		if (n)
			ret_text[n++] = '.';
		for (i = 1; i <= msg[pos]; i++)
			n += put_byte(ret_text + n, msg[pos + i], ".\\", '!');
		pos += 1 + msg[pos];
	}
	if (!n)
		ret_text[n++] = '.';
	ret_text[n] = '\0';
	*at = end ? end : pos + 1;
	return NULL;
}

void dns_text_print(struct dns_text *t, const char *fmt, ...)
{
	size_t room = t->size - t->len;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->buf + t->len, room, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room) {
		t->cut = true;
		t->len = t->size - 1;
	} else {
		t->len += n;
	}
}

void dns_text_quote(struct dns_text *t, const uint8_t *bytes, size_t len)
{
	char one[8];
	size_t i;

	dns_text_print(t, "%s\"", t->len ? " " : "");
	for (i = 0; i < len && !t->cut; i++) {
		one[put_byte(one, bytes[i], "\"\\", ' ')] = '\0';
		dns_text_print(t, "%s", one);
	}
	dns_text_print(t, "\"");
}
