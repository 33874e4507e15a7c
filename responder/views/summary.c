/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole of it on a page or two: what ran, came in, was written, read, talked to; of each the
 * most, how often, and when first and last. What the container's runtime does to set it up is left
 * out of the lists, since each container has it; it is counted.
 */
#include "responder/views/summary.h"
#include "evidence/base.h"
#include "responder/describe.h"
#include "responder/memory.h"
#include "responder/printed.h"
#include "responder/views/header.h"
#include "responder/views/view.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

#define SHOWN	   15	 /* of each subject */
#define THINGS	   20000 /* of each subject that are kept */
#define PROCESSES  100000
#define DAY_NS	   (24 * 3600 * (int64_t)NSEC_PER_SEC)
#define TIME_WIDTH 27 /* of when_format() */
#define CLOCK_LEN  15 /* of when_format_clock() */

static const struct {
	const char *title;
	const char *from; /* what bytes are of; NULL: there are none */
} subjects[SUMMARY_SUBJECTS] = {
	[SUMMARY_SESSIONS] = {"How it was entered"},
	[SUMMARY_EXECUTABLES] = {"Executables run"},
	[SUMMARY_SECRETS] = {"Secrets read"},
	[SUMMARY_CREATED] = {"Files and directories created", "written"},
	[SUMMARY_WRITTEN] = {"Files written", "written"},
	[SUMMARY_DELETED] = {"Files and directories deleted"},
	[SUMMARY_RENAMED] = {"Files renamed"},
	[SUMMARY_CHANGED] = {"Links, modes, owners and the like"},
	[SUMMARY_DESTINATIONS] = {"Destinations", "sent"},
	[SUMMARY_PEERS] = {"Peers that came in", "sent"},
	[SUMMARY_LISTENERS] = {"Listeners"},
	[SUMMARY_NAMES] = {"Names looked up"},
	[SUMMARY_PRIVILEGES] = {"Privileges, namespaces, other processes, the kernel"},
	[SUMMARY_FAILED] = {"Failed, and worth a look"},
	[SUMMARY_KILLS] = {"Kills, and ends by a signal"},
	[SUMMARY_PROCESSES] = {"Processes, the busiest by records"},
};

static void *summary_open(const struct history *h, const struct verdict *verdict, FILE *out)
{
	struct summary *sum = memory_zalloc(sizeof(*sum));
	size_t cnt = 0;

	(void)verdict;
	(void)out;
	sum->h = h;
	sum->first_ns = INT64_MAX;
	sum->last_ns = INT64_MIN;
	for (const struct history_container *c = h->containers; c; c = c->next)
		cnt += c->selected && c->window_cnt;
	sum->name_it = cnt > 1;
	for (size_t i = 0; i < SUMMARY_SUBJECTS; i++)
		tally_init(&sum->of[i], i == SUMMARY_PROCESSES ? PROCESSES : THINGS);
	return sum;
}

static void summary_free(void *state)
{
	struct summary *sum = state;

	for (size_t i = 0; i < SUMMARY_SUBJECTS; i++)
		tally_fini(&sum->of[i]);
	free(sum);
}

/* The same name in two containers is not the same thing. */
static void put_container(const struct summary_event *e, char **text)
{
	struct printed p;

	if (!e->sum->name_it || !e->c || !*text)
		return;
	FILE *out = printed_begin(&p);

	describe_string(out, e->c->who.name	    ? e->c->who.name
			     : e->c->who.is_sandbox ? "(sandbox)"
						    : e->c->id);
	fprintf(out, ": %s", *text);
	free(*text);
	*text = printed_end(&p);
}

struct tally_entry *summary_add(const struct summary_event *e, enum summary_subject subject,
				char *key, char *text, uint64_t cnt)
{
	struct tally_entry *entry;

	put_container(e, &key);
	put_container(e, &text);
	entry = tally_add(&e->sum->of[subject], key, text, e->ns, cnt, e->ev->process);
	free(key);
	free(text);
	return entry;
}

struct tally_entry *summary_find(const struct summary_event *e, enum summary_subject subject,
				 char *key)
{
	struct tally_entry *entry;

	put_container(e, &key);
	entry = tally_find(&e->sum->of[subject], key);
	free(key);
	return entry;
}

char *summary_file(const Varve__V1__File *file)
{
	struct printed p;

	describe_file(printed_begin(&p), file);
	return printed_end(&p);
}

static void count_kind(const struct summary_event *e)
{
	unsigned int kind = e->ev->body_case;

	if (kind && kind < SUMMARY_KINDS)
		e->sum->kinds[kind]++;
	else
		e->sum->other_kinds++;
	e->sum->first_ns = MIN(e->sum->first_ns, e->ns);
	e->sum->last_ns = MAX(e->sum->last_ns, e->ns);
}

static bool is_setup(const Varve__V1__Process *p)
{
	return p && p->has_runtime_setup && p->runtime_setup;
}

static void dispatch(const struct summary_event *e, const struct summary_taker *takers)
{
	for (; takers->body; takers++)
		if (takers->body == e->ev->body_case)
			takers->fn(e);
}

static void summary_record(void *state, FILE *out, const struct history_container *c,
			   const Varve__V1__Event *ev)
{
	struct summary *sum = state;
	const struct summary_event e = {
		.sum = sum,
		.c = c,
		.ev = ev,
		.ns = history_time(history_find_run(sum->h, ev->run_id), ev)};

	(void)out;
	count_kind(&e);
	summary_count_process(&e);
	dispatch(&e, summary_procs);
	if (is_setup(ev->process)) {
		sum->setup_cnt++;
		return;
	}
	dispatch(&e, summary_files);
	dispatch(&e, summary_net);
	dispatch(&e, summary_privs);
	summary_take_failure(&e);
}

/* --- what it says */

/* The date is said once, if it is one. */
static void print_time(const struct summary *sum, FILE *out, int64_t ns)
{
	char text[WHEN_LEN];

	if (sum->first_ns / DAY_NS == sum->last_ns / DAY_NS)
		fprintf(out, "%-*s  ", CLOCK_LEN, when_format_clock(ns, text));
	else
		fprintf(out, "%-*s  ", TIME_WIDTH, when_format(ns, text));
}

static void print_no_time(const struct summary *sum, FILE *out)
{
	fprintf(out, "%*s  ",
		sum->first_ns / DAY_NS == sum->last_ns / DAY_NS ? CLOCK_LEN : TIME_WIDTH, "");
}

static void print_bytes(FILE *out, const struct tally_entry *e, const char *from)
{
	if (!from || !(e->sent + e->received))
		return;
	fprintf(out, "  %" PRIu64 " bytes %s", e->sent, from);
	if (!strcmp(from, "sent"))
		fprintf(out, ", %" PRIu64 " received", e->received);
}

static void print_entry(const struct summary *sum, FILE *out, const struct tally_entry *e,
			const char *from)
{
	fputs("  ", out);
	print_time(sum, out, e->first_ns);
	if (e->last_ns != e->first_ns)
		print_time(sum, out, e->last_ns);
	else
		print_no_time(sum, out);
	fprintf(out, "%8" PRIu64 "  %s", e->cnt, e->text);
	print_bytes(out, e, from);
	if (e->by)
		fprintf(out, "  [%s%s]", e->by, e->by_others ? " and others" : "");
	fputc('\n', out);
	if (!e->notes)
		return;
	fputs("  ", out);
	print_no_time(sum, out);
	print_no_time(sum, out);
	fprintf(out, "%8s  %s\n", "", e->notes);
}

static void print_rest(FILE *out, const struct tally *t, uint64_t shown)
{
	if (t->cnt > SHOWN)
		fprintf(out, "  ... and %zu more, %" PRIu64 " times\n", t->cnt - SHOWN,
			t->total - t->left_out - shown);
	if (t->left_out)
		fprintf(out,
			"  ... and %" PRIu64
			" times others, beyond the %zu that are kept: they are in "
			"--format timeline\n",
			t->left_out, t->cnt);
}

/* *gap: an empty line is due, since the subject before was a list. */
static void print_subject(const struct summary *sum, FILE *out, enum summary_subject subject,
			  bool *gap)
{
	const struct tally *t = &sum->of[subject];
	uint64_t shown = 0;

	if (!t->cnt) {
		fprintf(out, "%s%s: none%s\n", *gap ? "\n" : "", subjects[subject].title,
			sum->h->is_filtered ? " among the records shown" : "");
		*gap = false;
		return;
	}
	const struct tally_entry **v = tally_sorted(t);

	fprintf(out, "\n%s: %zu%s, %" PRIu64 " times\n", subjects[subject].title, t->cnt,
		t->left_out ? " or more" : "", t->total);
	for (size_t i = 0; i < t->cnt && i < SHOWN; i++) {
		print_entry(sum, out, v[i], subjects[subject].from);
		shown += v[i]->cnt;
	}
	free(v);
	print_rest(out, t, shown);
	*gap = true;
}

static void print_kinds(const struct summary *sum, FILE *out)
{
	fputs("Records:", out);
	for (unsigned int kind = 0; kind < SUMMARY_KINDS; kind++)
		if (sum->kinds[kind])
			fprintf(out, " %s %" PRIu64,
				event_kind_name(kind) ? event_kind_name(kind) : "?",
				sum->kinds[kind]);
	if (sum->other_kinds)
		fprintf(out, " others %" PRIu64, sum->other_kinds);
	fputc('\n', out);
	if (sum->setup_cnt)
		fprintf(out,
			"%" PRIu64
			" of them are of the runtime's set-up, and not in these lists.\n",
			sum->setup_cnt);
}

static void print_counts(const struct summary *sum, FILE *out)
{
	char first[WHEN_LEN], last[WHEN_LEN];

	if (sum->first_ns <= sum->last_ns)
		fprintf(out, "From %s to %s; times are UTC: first, last, how often.\n",
			when_format(sum->first_ns, first), when_format(sum->last_ns, last));
	print_kinds(sum, out);
	fprintf(out,
		"Processes: %zu%s; %" PRIu64 " ran already, %" PRIu64 " began, %" PRIu64
		" ended well, %" PRIu64 " with an error, %" PRIu64 " by a signal\n",
		sum->of[SUMMARY_PROCESSES].cnt,
		sum->of[SUMMARY_PROCESSES].left_out ? " or more" : "", sum->snapshot_cnt,
		sum->fork_cnt, sum->exit_ok, sum->exit_failed, sum->exit_signal);
	if (sum->read_cnt)
		fprintf(out, "Opened to read, but for secrets: %" PRIu64 " times\n", sum->read_cnt);
	if (sum->dull_cnt)
		fprintf(out,
			"Failed as programs do all the time (ENOENT, EEXIST, EAGAIN ...): %" PRIu64
			" times\n",
			sum->dull_cnt);
}

static void summary_finish(void *state, FILE *out)
{
	const struct summary *sum = state;
	bool gap = true;

	for (const struct history_container *c = sum->h->containers; c; c = c->next)
		if (c->selected && c->window_cnt)
			header_print(out, c);
	print_counts(sum, out);
	for (size_t i = 0; i < SUMMARY_SUBJECTS; i++)
		if (subjects[i].title)
			print_subject(sum, out, i, &gap);
	fputc('\n', out);
}

const struct view_type view_summary = {
	.name = "summary",
	.open = summary_open,
	.record = summary_record,
	.finish = summary_finish,
	.free = summary_free,
};
