/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per event, in the order of the evidence: time, kind, process, what. Times can step back
 * by microseconds between lines: that is the order in which CPUs wrote.
 */
#include "evidence/base.h"
#include "responder/describe.h"
#include "responder/memory.h"
#include "responder/views/view.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

struct timeline {
	const struct history *h;
	bool name_it; /* more than one container */
};

static void *timeline_open(const struct history *h, const struct verdict *verdict, FILE *out)
{
	struct timeline *tl = memory_zalloc(sizeof(*tl));
	size_t cnt = 0;

	(void)verdict;
	(void)out;
	for (const struct history_container *c = h->containers; c; c = c->next)
		cnt += c->selected;
	tl->h = h;
	tl->name_it = cnt > 1 || h->as_recorded;
	return tl;
}

static void print_process(FILE *out, const Varve__V1__Process *p)
{
	if (!p) {
		fprintf(out, "%7s ", "-");
		return;
	}
	if (p->has_pid)
		fprintf(out, "%7" PRIu32 " ", p->pid);
	else
		fprintf(out, "%7s ", "?");
	describe_text(out, p->name, p->has_name_raw, p->name_raw);
	if (p->has_runtime_setup && p->runtime_setup)
		fputs(" [runtime]", out);
	fputc(' ', out);
}

/* seen: as the record has it; NULL: as it is known. */
static void print_container(FILE *out, const struct history_container *c,
			    const Varve__V1__Container *seen)
{
	const char *name = seen ? seen->name : c->who.name;
	bool is_sandbox = seen ? seen->is_sandbox : c->who.is_sandbox;

	describe_string(out, name ? name : is_sandbox ? "(sandbox)" : c->id);
	if (!seen || !seen->metadata_state || !strcmp(seen->metadata_state, "RESOLVED"))
		return;
	fputs(" [", out);
	describe_string(out, seen->metadata_state);
	fputc(']', out);
}

static void timeline_record(void *state, FILE *out, const struct history_container *c,
			    const Varve__V1__Event *ev)
{
	const struct timeline *tl = state;
	char when[WHEN_LEN];

	fprintf(out, "%s  ",
		when_format(history_time(history_find_run(tl->h, ev->run_id), ev), when));
	if (tl->name_it) {
		print_container(out, c, tl->h->as_recorded ? ev->container : NULL);
		fputs("  ", out);
	}
	/* Names are from the evidence, too: pad by hand what is printed escaped. */
	describe_string(out, ev->kind);
	for (size_t len = strlen(ev->kind); len < 16; len++)
		fputc(' ', out);
	print_process(out, ev->process);
	fputc(' ', out);
	describe_event(out, ev);
	fputc('\n', out);
}

const struct view_type view_timeline = {
	.name = "timeline",
	.open = timeline_open,
	.record = timeline_record,
	.free = free,
};
