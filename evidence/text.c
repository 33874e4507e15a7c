/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from outside as text; see text.h. */
#include "evidence/text.h"
#include "evidence/arena.h"
#include "evidence/base.h"
#include <endian.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Length that the first byte announces, with the range of the second (RFC 3629, section 4). */
static size_t lead_len(unsigned char c, unsigned char *ret_lo, unsigned char *ret_hi)
{
	*ret_lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	*ret_hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	return c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

size_t text_decode(const char *s, size_t len, uint32_t *ret_cp)
{
	const unsigned char *u = (const unsigned char *)s;
	unsigned char lo, hi;
	size_t n = lead_len(u[0], &lo, &hi);
	uint32_t cp;

	if (!n || n > len)
		return 0;
	cp = n == 1 ? u[0] : u[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (u[i] < (i == 1 ? lo : 0x80) || u[i] > (i == 1 ? hi : 0xbf))
			return 0;
		cp = cp << 6 | (u[i] & 0x3f);
	}
	*ret_cp = cp;
	return n;
}

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

#define EACH(byte) (0x0101010101010101ULL * (byte))

/*
 * Of eight bytes the upper bit of the first one that is not plain is set, and none below. A borrow
 * may set bits above it.
 */
static uint64_t find_special(uint64_t v)
{
	uint64_t quote = v ^ EACH('"'), backslash = v ^ EACH('\\');

	return (v | (v + EACH(0x7f - '~')) | ((v - EACH(' ')) & ~v) | ((quote - EACH(1)) & ~quote) |
		((backslash - EACH(1)) & ~backslash)) &
	       EACH(0x80);
}

/* Of the eight bytes at s the first that is not plain; 8: all are. */
static size_t plain_of_eight(const char *s)
{
	uint64_t v;

	memcpy(&v, s, sizeof(v));
	v = find_special(le64toh(v));
	return v ? (size_t)__builtin_ctzll(v) / 8 : sizeof(v);
}

size_t text_plain_len(const char *s, size_t len)
{
	size_t i = 0, n;

	for (; len - i >= 8; i += 8) {
		n = plain_of_eight(s + i);
		if (n < 8)
			return i + n;
	}
	while (i < len && is_plain(s[i]))
		i++;
	return i;
}

size_t text_copy_plain(char *to, const char *s, size_t len)
{
	size_t i = 0, n;

	for (; len - i >= 8; i += 8) {
		n = plain_of_eight(s + i);
		memcpy(to + i, s + i, 8);
		if (n < 8)
			return i + n;
	}
	for (; i < len && is_plain(s[i]); i++)
		to[i] = s[i];
	return i;
}

bool text_is_harmless(uint32_t cp)
{
	/* Controls; then what is invisible, joins, breaks lines or turns the direction of writing.
	 */
	static const struct {
		uint32_t first, last;
	} bad[] = {
		{0x0000, 0x001f},   {0x007f, 0x009f},	{0x00ad, 0x00ad}, {0x034f, 0x034f},
		{0x061c, 0x061c},   {0x115f, 0x1160},	{0x17b4, 0x17b5}, {0x180b, 0x180f},
		{0x200b, 0x200f},   {0x2028, 0x202e},	{0x2060, 0x206f}, {0x3164, 0x3164},
		{0xfeff, 0xfeff},   {0xffa0, 0xffa0},	{0xfff0, 0xfffb}, {0x1bca0, 0x1bca3},
		{0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad) && cp >= bad[i].first; i++)
		if (cp <= bad[i].last)
			return false;
	return true;
}

/* Bytes that a valid text would take; the same as len if it is valid already. */
static size_t repaired_len(const char *s, size_t len, bool *ret_lossy)
{
	size_t out = 0, n;
	uint32_t cp;

	for (size_t i = 0; i < len; i += n) {
		n = text_decode(s + i, len - i, &cp);
		if (n && cp) {
			out += n;
			continue;
		}
		n = 1;
		out += strlen(REPLACEMENT);
		*ret_lossy = true;
	}
	return out;
}

bool text_is_utf8(const char *s, size_t len)
{
	bool lossy = false;

	repaired_len(s, len, &lossy);
	return !lossy;
}

static void repair(char *out, const char *s, size_t len)
{
	uint32_t cp;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = text_decode(s + i, len - i, &cp);
		if (n && cp) {
			out = mempcpy(out, s + i, n);
			continue;
		}
		n = 1;
		out = mempcpy(out, REPLACEMENT, strlen(REPLACEMENT));
	}
	*out = '\0';
}

char *text_from_bytes(struct arena *a, const char *s, size_t len, bool *ret_lossy)
{
	bool lossy = false;
	size_t size;
	char *out;

	if (len > SIZE_MAX / 4)
		return NULL;
	size = repaired_len(s, len, &lossy);
	if (!lossy)
		return arena_strndup(a, s, len);
	out = arena_alloc(a, size + 1);
	if (!out)
		return NULL;
	repair(out, s, len);
	*ret_lossy = true;
	return out;
}

/* How many digits it has. */
static size_t digit_cnt(uint64_t v)
{
	size_t cnt = 1;

	for (; v >= 10000; v /= 10000)
		cnt += 4;
	return cnt + (v >= 10) + (v >= 100) + (v >= 1000);
}

size_t text_format_unsigned(char to[static TEXT_NUMBER_LEN], uint64_t v)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	size_t cnt = digit_cnt(v);
	char *p = to + cnt;

	for (; v >= 10; v /= 100)
		p = memcpy(p - 2, &pairs[v % 100 * 2], 2);
	if (p > to)
		*to = (char)('0' + v);
	return cnt;
}

static void print_char(FILE *out, const char *s, size_t n, uint32_t cp)
{
	if (cp == '\n')
		fputs("\\n", out);
	else if (cp == '\t')
		fputs("\\t", out);
	else if (cp == '\\')
		fputs("\\\\", out);
	else if (text_is_harmless(cp))
		fwrite(s, 1, n, out);
	else if (n == 1)
		fprintf(out, "\\x%02x", cp);
	else
		fprintf(out, "\\u{%x}", cp);
}

void text_print_escaped(FILE *out, const char *s, size_t len)
{
	uint32_t cp;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = text_plain_len(s + i, len - i);
		if (n) {
			fwrite(s + i, 1, n, out);
			continue;
		}
		n = text_decode(s + i, len - i, &cp);
		if (n) {
			print_char(out, s + i, n, cp);
			continue;
		}
		n = 1;
		fprintf(out, "\\x%02x", (unsigned char)s[i]);
	}
}
