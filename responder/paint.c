/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By what a line begins with. Text out of evidence is in these lines, escaped; that it can have one
 * of the words in it, and a colour with it, does no harm.
 */
#include "responder/paint.h"
#include "evidence/base.h"
#include "evidence/event.h"
#include <ctype.h>
#include <string.h>

#define RED	"\033[1;31m"
#define GREEN	"\033[1;32m"
#define YELLOW	"\033[33m"
#define BLUE	"\033[34m"
#define MAGENTA "\033[35m"
#define CYAN	"\033[36m"
#define BOLD	"\033[1m"
#define DIM	"\033[2m"
#define PLAIN	"\033[0m"

#define TIME_LEN 27 /* "2026-11-21T20:19:33.123456Z" */

static void put(FILE *out, const char *colour, const char *s, size_t len)
{
	if (!len)
		return;
	if (colour)
		fputs(colour, out);
	fwrite(s, 1, len, out);
	if (colour)
		fputs(PLAIN, out);
}

static bool begins(const char *line, size_t len, const char *word)
{
	return strlen(word) <= len && !memcmp(line, word, strlen(word));
}

/* --- a verdict: the word that it begins with */

static bool paint_verdict(FILE *out, const char *line, size_t len)
{
	static const struct {
		const char *word, *colour;
	} words[] = {
		{"COMPLETE", GREEN},	     {"INCOMPLETE", RED},   {"UNKNOWN", YELLOW},
		{"AUTHENTIC", GREEN},	     {"BROKEN", RED},	    {"OPEN", YELLOW},
		{"UNAUTHENTICATED", YELLOW}, {"NOT COMPARED", RED}, {"note", CYAN},
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t n = strlen(words[i].word);

		if (!begins(line, len, words[i].word) || n == len || line[n] != ':')
			continue;
		put(out, words[i].colour, line, n);
		put(out, NULL, line + n, len - n);
		return true;
	}
	return false;
}

/* --- the timeline: time, perhaps a container, kind, the rest */

static bool is_time(const char *line, size_t len)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.ddddddZ";

	if (len < TIME_LEN)
		return false;
	for (size_t i = 0; i < TIME_LEN; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)line[i]) : form[i] != line[i])
			return false;
	return true;
}

static const char *class_colour(const char *class)
{
	static const char *const colours[][2] = {
		{"process", GREEN},  {"network", BLUE}, {"kernel", MAGENTA},
		{"container", BOLD}, {"sensor", DIM},	{"file", CYAN},
	};

	for (size_t i = 0; class && i < ARRAY_SIZE(colours); i++)
		if (!strcmp(colours[i][0], class))
			return colours[i][1];
	return NULL;
}

static const char *kind_colour(const char *s, size_t len)
{
	char name[32];

	if (len >= sizeof(name) || strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") < len)
		return NULL;
	memcpy(name, s, len);
	name[len] = 0;
	return class_colour(event_kind_class(event_kind_number(name)));
}

static bool paint_event(FILE *out, const char *line, size_t len)
{
	size_t at = TIME_LEN;

	if (!is_time(line, len))
		return false;
	put(out, DIM, line, TIME_LEN);
	for (int words = 0; at < len && words < 2; words++) {
		size_t gap = at, end;

		while (gap < len && line[gap] == ' ')
			gap++;
		for (end = gap; end < len && line[end] != ' ';)
			end++;
		const char *colour = kind_colour(line + gap, end - gap);

		put(out, NULL, line + at, gap - at);
		put(out, colour, line + gap, end - gap);
		at = end;
		if (colour)
			break;
	}
	put(out, NULL, line + at, len - at);
	return true;
}

/* --- the tree: its branches are dim, what should be looked at is not */

static size_t branches(const char *line, size_t len)
{
	static const char *const parts[] = {" ", "│", "├", "└", "─"};
	size_t at = 0;

	for (;;) {
		size_t i = 0;

		while (i < ARRAY_SIZE(parts) && !begins(line + at, len - at, parts[i]))
			i++;
		if (i == ARRAY_SIZE(parts))
			return at;
		at += strlen(parts[i]);
	}
}

static size_t mark_here(const char *s, size_t len, const char **ret_colour)
{
	static const struct {
		const char *word, *colour;
	} marks[] = {
		{"[session: came in from outside]", RED},
		{"[upper layer]", YELLOW},
		{"[unlinked]", YELLOW},
		{"[memfd]", RED},
		{"[runtime set-up]", DIM},
		{"[known only as a parent]", DIM},
		{" read secret ", RED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		if (!begins(s, len, marks[i].word))
			continue;
		*ret_colour = marks[i].colour;
		return strlen(marks[i].word);
	}
	return 0;
}

static void paint_tree(FILE *out, const char *line, size_t len)
{
	size_t at = branches(line, len), from = at;
	const char *colour;

	put(out, memchr(line, '\xe2', at) ? DIM : NULL, line, at);
	while (at < len) {
		size_t mark = line[at] == '[' || line[at] == ' '
				      ? mark_here(line + at, len - at, &colour)
				      : 0;

		if (!mark) {
			at++;
			continue;
		}
		put(out, NULL, line + from, at - from);
		put(out, colour, line + at, mark);
		from = at += mark;
	}
	put(out, NULL, line + from, len - from);
}

void paint_line(FILE *out, const char *line, size_t len)
{
	/* Lines of JSON are for programs. */
	if (len && *line == '{')
		put(out, NULL, line, len);
	else if (!paint_verdict(out, line, len) && !paint_event(out, line, len))
		paint_tree(out, line, len);
}
