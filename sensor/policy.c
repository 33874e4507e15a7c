/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/policy.h"

#include "evidence/base.h"
#include "evidence/event.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

_Static_assert(EV_KIND_END <= EV_KINDS_MAX, "a byte for each kind");
_Static_assert(POLICY_PATHS_MAX *(POLICY_PATH_LEN_MAX + 1) <= EV_ALWAYS_WORDS * 64,
	       "a place for each character and one for the end of each pattern");

/* The next of the words that commas divide, without blanks around it. False: there is none. */
static bool next_word(const char **rest, const char **ret_word, size_t *ret_len)
{
	const char *word = *rest;
	size_t len;

	if (!word)
		return false;
	len = strcspn(word, ",");
	*rest = word[len] ? word + len + 1 : NULL;
	for (; len && isblank((unsigned char)*word); len--)
		word++;
	while (len && isblank((unsigned char)word[len - 1]))
		len--;
	*ret_word = word;
	*ret_len = len;
	return true;
}

static bool is(const char *word, size_t len, const char *name)
{
	return name && strlen(name) == len && !memcmp(word, name, len);
}

/* --- kinds */

static bool kind_is_needed(unsigned int kind)
{
	return kind == EV_FORK || kind == EV_EXEC || kind == EV_EXIT ||
	       kind == EV_CONTAINER_START || kind == EV_CONTAINER_STOP;
}

/* 0; -ENOENT: there is no such kind or class; -EPERM: it is needed, or has one that is. */
static int leave_out(const char *word, size_t len, bool off[EV_KINDS_MAX])
{
	int err = -ENOENT;

	for (unsigned int kind = 0; kind < EV_KIND_END; kind++) {
		const char *label = event_kind_label(kind);

		if (!label || (!is(word, len, label) && !is(word, len, event_kind_class(kind))))
			continue;
		if (kind_is_needed(kind))
			return -EPERM;
		off[kind] = true;
		err = 0;
	}
	return err;
}

int policy_parse_events(const char *text, bool ret_off[EV_KINDS_MAX], char *ret_rule,
			size_t rule_size)
{
	static const char *const why[] = {
		[ENOENT] = "there is no such kind or class",
		[EPERM] = "exec, exit, fork, container_start and container_stop are always "
			  "recorded",
	};
	const char *rest = text, *word = NULL;
	size_t len = 0;
	int err = 0;

	memset(ret_off, 0, EV_KINDS_MAX * sizeof(*ret_off));
	next_word(&rest, &word, &len);
	if (!is(word, len, "all"))
		err = -ENOENT;
	while (!err && next_word(&rest, &word, &len))
		err = *word == '-' && len ? leave_out(word + 1, len - 1, ret_off) : -ENOENT;
	if (!err)
		return 0;
	snprintf(ret_rule, rule_size,
		 "all, and what to leave out, such as all,-rename,-network; not '%.*s': %s",
		 (int)MIN(len, 40), word, why[-err]);
	return -EINVAL;
}

/* --- rates */

/* "file:20000". The number has at most seven digits. */
static bool add_rate(const char *word, size_t len, uint32_t rates[EV_CLASS_CNT])
{
	const char *colon = memchr(word, ':', len);
	size_t digits = colon ? word + len - colon - 1 : 0;
	unsigned int c = colon && is(word, colon - word, "file") ? EV_CLASS_file : EV_CLASS_network;
	uint32_t rate = 0;

	if (!digits || digits > 7 || rates[c] ||
	    (c == EV_CLASS_network && !is(word, colon - word, "network")))
		return false;
	for (const char *p = colon + 1; p < word + len; p++) {
		if (!isdigit((unsigned char)*p))
			return false;
		rate = 10 * rate + *p - '0';
	}
	rates[c] = rate;
	return rate && rate <= POLICY_RATE_MAX;
}

int policy_parse_rates(const char *text, uint32_t ret_rates[EV_CLASS_CNT], char *ret_rule,
		       size_t rule_size)
{
	const char *rest = text, *word = text;
	size_t len = 0;
	bool ok = true;

	memset(ret_rates, 0, EV_CLASS_CNT * sizeof(*ret_rates));
	if (!strcmp(text, "off"))
		return 0;
	while (ok && next_word(&rest, &word, &len))
		ok = add_rate(word, len, ret_rates);
	if (ok)
		return 0;
	snprintf(ret_rule, rule_size,
		 "off, or file and network, each with events per second from 1 to %d, such as "
		 "file:20000,network:5000; not '%.*s'",
		 POLICY_RATE_MAX, (int)MIN(len, 40), word);
	return -EINVAL;
}

/* --- paths */

/* False: there are too many. */
static bool add_path(struct policy_paths *paths, const char *text, size_t len)
{
	if (paths->cnt == POLICY_PATHS_MAX)
		return false;
	memcpy(paths->text[paths->cnt], text, len);
	paths->text[paths->cnt++][len] = '\0';
	return true;
}

static bool add_default(struct policy_paths *paths)
{
	static const char *const list[] = {
#define CREDENTIAL(pattern) pattern,
#include "evidence/credentials.def"
	};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		if (!add_path(paths, list[i], strlen(list[i])))
			return false;
	return true;
}

static bool add_word(struct policy_paths *paths, const char *word, size_t len)
{
	if (is(word, len, "default"))
		return add_default(paths);
	return len && len <= POLICY_PATH_LEN_MAX && (*word == '/' || *word == '*') &&
	       add_path(paths, word, len);
}

int policy_parse_paths(const char *text, struct policy_paths *ret_paths, char *ret_rule,
		       size_t rule_size)
{
	const char *rest = *text ? text : NULL, *word;
	size_t len;

	*ret_paths = (struct policy_paths){};
	while (next_word(&rest, &word, &len)) {
		if (add_word(ret_paths, word, len))
			continue;
		snprintf(ret_rule, rule_size,
			 "at most %d patterns, commas between them, that begin with / or * and "
			 "have at most %d bytes; default is the usual ones; not '%.*s'",
			 POLICY_PATHS_MAX, POLICY_PATH_LEN_MAX, (int)MIN(len, 40), word);
		return -EINVAL;
	}
	return 0;
}

static void mark(struct ev_always_row *row, size_t place)
{
	row->word[place / 64] |= 1ULL << place % 64;
}

/* Gives the place behind the pattern. */
static size_t add_pattern(const char *pattern, struct ev_always_row *rows, size_t place)
{
	mark(&rows[EV_ALWAYS_ROW_BEGIN], place);
	for (const char *p = pattern; *p; p++) {
		if (*p == '*')
			mark(&rows[EV_ALWAYS_ROW_STAY], place);
		else
			mark(&rows[(unsigned char)*p], place++);
	}
	mark(&rows[EV_ALWAYS_ROW_END], place++);
	return place;
}

size_t policy_make_rows(const struct policy_paths *paths,
			struct ev_always_row ret_rows[EV_ALWAYS_ROW_CNT])
{
	size_t place = 0;

	memset(ret_rows, 0, EV_ALWAYS_ROW_CNT * sizeof(*ret_rows));
	for (size_t i = 0; i < paths->cnt; i++)
		place = add_pattern(paths->text[i], ret_rows, place);
	return (place + 63) / 64;
}
