/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts the checks' reasons together. The checks are in checks_*.c.
 */
#include "responder/verdict.h"
#include "responder/checks.h"
#include "evidence/base.h"
#include "evidence/text.h"
#include "responder/history.h"
#include "responder/memory.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

static bool is_told(const struct verdict *v, const char *text)
{
	for (size_t i = 0; i < v->reason_cnt; i++)
		if (!strcmp(v->reasons[i].text, text))
			return true;
	return false;
}

void verdict_add(struct verdict *v, enum verdict_kind kind, char *text)
{
	if (kind == VERDICT_REASON_INCOMPLETE)
		v->result = VERDICT_INCOMPLETE;
	else if (kind == VERDICT_REASON_UNKNOWN)
		v->result = MAX(v->result, VERDICT_UNKNOWN);
	if (is_told(v, text)) {
		free(text);
		return;
	}
	v->reasons = memory_grow(v->reasons, v->reason_cnt, &v->reason_cap, sizeof(*v->reasons));
	v->reasons[v->reason_cnt++] = (struct verdict_reason){.kind = kind, .text = text};
}

static void judge_container(const struct history *h, const struct history_container *c,
			    bool name_it, struct verdict *v)
{
	for (const struct history_stream *s = c->streams; s; s = s->next) {
		struct checks_subject sub = {.h = h, .s = s, .name_it = name_it, .v = v};

		if (stretch_init(&sub.stretch, h, s))
			checks_run(&sub);
	}
}

/* Without a record within the window its life must be known to go on over it: on both sides. */
static bool is_known_to_cover(const struct history *h, const struct history_container *c)
{
	const struct history_stream *last = c->last_stream;
	bool goes_on =
		!last->stopped && !last->accounted && last->run->settled_ns > h->window.until_ns;

	return c->first_ns <= h->window.since_ns && (c->last_ns >= h->window.until_ns || goes_on);
}

static void count(const struct history *h, struct verdict *v)
{
	for (const struct history_container *c = h->containers; c; c = c->next) {
		if (!c->selected || !stretch_is_there(h, c))
			continue;
		v->container_cnt++;
		v->record_cnt += c->window_cnt;
	}
}

static void judge_containers(const struct history *h, struct verdict *v)
{
	for (const struct history_container *c = h->containers; c; c = c->next) {
		if (!c->selected || !stretch_is_there(h, c))
			continue;
		judge_container(h, c, v->container_cnt > 1, v);
		if (!v->record_cnt && !is_known_to_cover(h, c))
			verdict_add(v, VERDICT_REASON_UNKNOWN,
				    memory_strdup("nothing is recorded of it in this time"));
	}
}

/* Each was closed before, or began later: that it was not there is known. */
static void note_not_running(const struct history *h, struct verdict *v)
{
	char first[WHEN_LEN], last[WHEN_LEN];
	int64_t first_ns = INT64_MAX, last_ns = INT64_MIN;

	for (const struct history_container *c = h->containers; c; c = c->next) {
		if (!c->selected)
			continue;
		first_ns = MIN(first_ns, c->first_ns);
		last_ns = MAX(last_ns, c->last_ns);
	}
	verdict_add(v, VERDICT_REASON_NOTE,
		    memory_printf("it was not running in this time: its records are from %s to %s",
				  when_format(first_ns, first), when_format(last_ns, last)));
}

void verdict_make(const struct history *h, struct verdict *ret_verdict)
{
	struct verdict v = {.result = VERDICT_COMPLETE};

	count(h, &v);
	if (v.container_cnt)
		judge_containers(h, &v);
	else
		note_not_running(h, &v);
	if (h->by_pod)
		checks_pod(h, &v);
	note_watchers(h, &v);
	if (h->duplicate_cnt)
		verdict_add(&v, VERDICT_REASON_NOTE,
			    memory_printf("%" PRIu64
					  " records came more than once and were taken once",
					  h->duplicate_cnt));
	char *later = history_later_text(h);

	if (later)
		verdict_add(&v, VERDICT_REASON_NOTE, later);
	*ret_verdict = v;
}

void verdict_check_streamed(struct verdict *v, uint64_t streamed_cnt)
{
	if (streamed_cnt < v->record_cnt)
		verdict_add(v, VERDICT_REASON_INCOMPLETE,
			    memory_printf("%" PRIu64
					  " records went from the source while it was read; "
					  "what is printed lacks them",
					  v->record_cnt - streamed_cnt));
	else if (streamed_cnt > v->record_cnt)
		verdict_add(
			v, VERDICT_REASON_UNKNOWN,
			memory_printf("%" PRIu64
				      " records are printed that others with the same run and "
				      "sequence contradict: which of them are true is not known",
				      streamed_cnt - v->record_cnt));
}

void verdict_fini(struct verdict *v)
{
	for (size_t i = 0; i < v->reason_cnt; i++)
		free(v->reasons[i].text);
	free(v->reasons);
	free(v->seals_text);
	*v = (struct verdict){};
}

static void print_reasons(const struct verdict *v, enum verdict_kind kind, const char *word,
			  FILE *out)
{
	for (size_t i = 0; i < v->reason_cnt; i++) {
		if (v->reasons[i].kind != kind)
			continue;
		fprintf(out, "%s: ", word);
		text_print_escaped(out, v->reasons[i].text, strlen(v->reasons[i].text));
		fputc('\n', out);
	}
}

void verdict_print(const struct verdict *v, FILE *out)
{
	print_reasons(v, VERDICT_REASON_NOTE, "note", out);
	if (v->result == VERDICT_COMPLETE && v->container_cnt)
		fprintf(out, "COMPLETE: %zu container%s, %" PRIu64 " records, nothing is missing\n",
			v->container_cnt, v->container_cnt == 1 ? "" : "s", v->record_cnt);
	print_reasons(v, VERDICT_REASON_UNKNOWN, "UNKNOWN", out);
	print_reasons(v, VERDICT_REASON_INCOMPLETE, "INCOMPLETE", out);
	if (v->seals == VERDICT_SEALS_NOT_ASKED)
		return;
	fprintf(out, "%s: ", verdict_seals_word(v->seals));
	text_print_escaped(out, v->seals_text, strlen(v->seals_text));
	fputc('\n', out);
}

const char *verdict_seals_word(enum verdict_seals seals)
{
	static const char *const words[] = {
		[VERDICT_SEALS_NOT_ASKED] = "NOT_ASKED",
		[VERDICT_SEALS_AUTHENTIC] = "AUTHENTIC",
		[VERDICT_SEALS_OPEN] = "OPEN",
		[VERDICT_SEALS_UNAUTHENTICATED] = "UNAUTHENTICATED",
		[VERDICT_SEALS_BROKEN] = "BROKEN",
	};

	return words[seals];
}

const char *verdict_word(const struct verdict *v)
{
	static const char *const words[] = {
		[VERDICT_COMPLETE] = "COMPLETE",
		[VERDICT_UNKNOWN] = "UNKNOWN",
		[VERDICT_INCOMPLETE] = "INCOMPLETE",
	};

	return v->result == VERDICT_COMPLETE && !v->container_cnt ? "NOT_RUNNING"
								  : words[v->result];
}

int verdict_exit_status(const struct verdict *v)
{
	static const int status[] = {
		[VERDICT_COMPLETE] = 0,
		[VERDICT_INCOMPLETE] = 3,
		[VERDICT_UNKNOWN] = 4,
	};

	if (v->seals == VERDICT_SEALS_BROKEN)
		return 3;
	if (v->seals > VERDICT_SEALS_AUTHENTIC && v->result == VERDICT_COMPLETE)
		return 4;
	return status[v->result];
}
