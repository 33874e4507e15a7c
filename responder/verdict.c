/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts the checks' reasons together. The checks are in checks.c.
 */
#include "responder/verdict.h"
#include "responder/checks.h"
#include "evidence/base.h"
#include "evidence/text.h"
#include "responder/history.h"
#include "responder/memory.h"
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

/* Containers of no known pod may be the pod's: nothing guesses. */
static void note_homeless(const struct history *h, struct verdict *v)
{
	size_t cnt = 0;
	bool of_pod = false;

	for (const struct history_container *c = h->containers; c; c = c->next) {
		cnt += !c->selected && !c->pod_uid && !c->pod_name && c->window_cnt && c->state &&
		       strcmp(c->state, "RESOLVED");
		of_pod |= c->selected && (c->pod_uid || c->pod_name);
	}
	if (cnt && of_pod)
		verdict_add(v, VERDICT_REASON_NOTE,
			    memory_printf(
				    "%zu containers whose pod is not known were there in this time",
				    cnt));
}

void verdict_make(const struct history *h, struct verdict *ret_verdict)
{
	struct verdict v = {.result = VERDICT_COMPLETE};

	for (const struct history_container *c = h->containers; c; c = c->next) {
		if (!c->selected || !stretch_is_there(h, c))
			continue;
		v.container_cnt++;
		v.record_cnt += c->window_cnt;
	}
	for (const struct history_container *c = h->containers; c; c = c->next)
		if (c->selected && stretch_is_there(h, c))
			judge_container(h, c, v.container_cnt > 1, &v);
	note_homeless(h, &v);
	if (h->duplicate_cnt)
		verdict_add(&v, VERDICT_REASON_NOTE,
			    memory_printf("%" PRIu64
					  " records came more than once and were taken once",
					  h->duplicate_cnt));
	if (!v.container_cnt)
		verdict_add(&v, VERDICT_REASON_UNKNOWN,
			    memory_strdup("nothing of it is in this time"));
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
}

void verdict_fini(struct verdict *v)
{
	for (size_t i = 0; i < v->reason_cnt; i++)
		free(v->reasons[i].text);
	free(v->reasons);
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
	if (v->result == VERDICT_COMPLETE)
		fprintf(out, "COMPLETE: %zu container%s, %" PRIu64 " records, nothing is missing\n",
			v->container_cnt, v->container_cnt == 1 ? "" : "s", v->record_cnt);
	print_reasons(v, VERDICT_REASON_UNKNOWN, "UNKNOWN", out);
	print_reasons(v, VERDICT_REASON_INCOMPLETE, "INCOMPLETE", out);
}

int verdict_exit_status(const struct verdict *v)
{
	static const int status[] = {
		[VERDICT_COMPLETE] = 0,
		[VERDICT_INCOMPLETE] = 3,
		[VERDICT_UNKNOWN] = 4,
	};

	return status[v->result];
}
