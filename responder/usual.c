/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/usual.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define WORD_MIN   4
#define NUMBER_MIN 8 /* digits: seconds since 1970, a date, a random number */

/* The text, and where the reading is. */
struct scan {
	const char *s;
	size_t len, at;
	const struct usual *u;
	uint32_t pid, ns_pid; /* 0: not known */
};

void usual_add(struct usual *u, const char *word, const char *stands)
{
	size_t i, len = word ? strlen(word) : 0;

	if (len < WORD_MIN || u->cnt == USUAL_MAX)
		return;
	for (i = 0; i < u->cnt; i++)
		if (!strcmp(u->words[i].word, word))
			return;
	/* The longest first: a pod's name may begin another word. */
	for (i = u->cnt++; i > 0 && u->words[i - 1].len < len; i--)
		u->words[i] = u->words[i - 1];
	u->words[i] = (struct usual_word){memory_strdup(word), stands, len};
}

void usual_fini(struct usual *u)
{
	for (size_t i = 0; i < u->cnt; i++)
		free(u->words[i].word);
	*u = (struct usual){};
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* True if len bytes from here stand alone. */
static bool stands_alone(const struct scan *in, size_t len)
{
	return (!in->at || !is_word(in->s[in->at - 1])) &&
	       (in->at + len == in->len || !is_word(in->s[in->at + len]));
}

static const struct usual_word *word_here(const struct scan *in)
{
	for (size_t i = 0; i < in->u->cnt; i++) {
		const struct usual_word *w = &in->u->words[i];

		if (w->len <= in->len - in->at && !memcmp(in->s + in->at, w->word, w->len) &&
		    stands_alone(in, w->len))
			return w;
	}
	return NULL;
}

static bool is_behind(const struct scan *in, const char *before)
{
	size_t len = strlen(before);

	return in->at >= len && !memcmp(in->s + in->at - len, before, len);
}

static size_t digits_here(const struct scan *in)
{
	size_t n = 0;

	while (in->at + n < in->len && isdigit((unsigned char)in->s[in->at + n]))
		n++;
	return n;
}

/* What a number that stands alone is, if it is one that differs. */
static const char *number_here(const struct scan *in, size_t digits)
{
	uint64_t n = 0;

	if (is_behind(in, "/proc/") || is_behind(in, "/task/"))
		return "<pid>";
	if (digits >= NUMBER_MIN)
		return "<number>";
	for (size_t i = 0; i < digits; i++)
		n = n * 10 + (in->s[in->at + i] - '0');
	/* 1 is the same in each container, and stands for much else. */
	return n > 1 && (n == in->pid || n == in->ns_pid) ? "<pid>" : NULL;
}

/* "..2026_11_21_20_19_33.123456789" */
static size_t volume_here(const struct scan *in)
{
	static const char form[] = "..dddd_dd_dd_dd_dd_dd.";
	size_t n = sizeof(form) - 1;

	if (in->len - in->at < n)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)in->s[in->at + i])
				   : form[i] != in->s[in->at + i])
			return 0;
	while (in->at + n < in->len && isdigit((unsigned char)in->s[in->at + n]))
		n++;
	return n;
}

/* How much of the text stands for something else here; 0: nothing does. */
static size_t differs_here(const struct scan *in, const char **ret_stands)
{
	const struct usual_word *w = word_here(in);
	size_t len;

	if (w) {
		*ret_stands = w->stands;
		return w->len;
	}
	len = volume_here(in);
	*ret_stands = "..<time>";
	if (len)
		return len;
	len = digits_here(in);
	if (!len || !stands_alone(in, len))
		return 0;
	*ret_stands = number_here(in, len);
	return *ret_stands ? len : 0;
}

void usual_print(FILE *out, const struct usual *u, const Varve__V1__Process *p, const char *s,
		 size_t len)
{
	struct scan in = {.s = s, .len = len, .u = u};

	if (p && p->has_pid)
		in.pid = p->pid;
	if (p && p->has_ns_pid)
		in.ns_pid = p->ns_pid;
	while (in.at < len) {
		const char *stands;
		size_t n = differs_here(&in, &stands);

		if (n)
			fputs(stands, out);
		else
			fputc(s[in.at], out);
		in.at += n ? n : 1;
	}
}
