/* SPDX-License-Identifier: Apache-2.0 */
/* A piece of a longer text: compare and cut without copying. */
#ifndef VARVE_SPAN_H
#define VARVE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *s;
	size_t len;
};

static inline bool span_is(struct span c, const char *text)
{
	return c.len == strlen(text) && !memcmp(c.s, text, c.len);
}

static inline bool span_in(struct span c, const char *const *list, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		if (span_is(c, list[i]))
			return true;
	return false;
}

static inline bool span_cut_prefix(struct span *c, const char *prefix)
{
	size_t len = strlen(prefix);

	if (c->len < len || memcmp(c->s, prefix, len))
		return false;
	c->s += len;
	c->len -= len;
	return true;
}

static inline bool span_cut_suffix(struct span *c, const char *suffix)
{
	size_t len = strlen(suffix);

	if (c->len < len || memcmp(c->s + c->len - len, suffix, len))
		return false;
	c->len -= len;
	return true;
}

#endif
