/* SPDX-License-Identifier: Apache-2.0 */
/* The page's header, as plain markup: it can be read where no script runs. */
#include "evidence/base.h"
#include "evidence/text.h"
#include "responder/memory.h"
#include "responder/views/html_impl.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>
#include <time.h>

static const struct {
	const char *word, *class, *text;
} results[] = {
	[VERDICT_COMPLETE] = {"COMPLETE", "complete", "Nothing is missing."},
	[VERDICT_UNKNOWN] = {"UNKNOWN", "unknown", "Whether anything is missing cannot be said."},
	[VERDICT_INCOMPLETE] = {"INCOMPLETE", "incomplete", "Something is missing."},
};

static const struct {
	const char *word, *class;
} reasons[] = {
	[VERDICT_REASON_NOTE] = {"note", "note"},
	[VERDICT_REASON_UNKNOWN] = {"UNKNOWN", "unknown"},
	[VERDICT_REASON_INCOMPLETE] = {"INCOMPLETE", "incomplete"},
};

static bool is_shown(const struct history_container *c)
{
	return c->selected && c->window_cnt;
}

static const struct history_container *first_shown(const struct history *h)
{
	for (const struct history_container *c = h->containers; c; c = c->next)
		if (is_shown(c))
			return c;
	for (const struct history_container *c = h->containers; c; c = c->next)
		if (c->selected)
			return c;
	return NULL;
}

void html_print_title(const struct html *w, FILE *out)
{
	const struct history_container *c = first_shown(w->h);

	if (!c) {
		fputs("nothing", out);
	} else if (c->who.pod_name && w->h->by_pod) {
		html_escape(out, c->who.pod_namespace);
		fputc('/', out);
		html_escape(out, c->who.pod_name);
	} else {
		html_escape(out, c->who.name ? c->who.name : c->id);
	}
}

static void print_reasons(const struct verdict *v, enum verdict_kind kind, FILE *out)
{
	for (size_t i = 0; i < v->reason_cnt; i++) {
		if (v->reasons[i].kind != kind)
			continue;
		fprintf(out, "<li class=\"%s\"><b>%s</b> ", reasons[kind].class,
			reasons[kind].word);
		html_escape(out, v->reasons[i].text);
		fputs("</li>\n", out);
	}
}

/* Is it what the sensor sealed? Only if that was asked for. */
static void print_seals(const struct verdict *v, FILE *out)
{
	static const char *const classes[] = {
		[VERDICT_SEALS_AUTHENTIC] = "complete",
		[VERDICT_SEALS_OPEN] = "unknown",
		[VERDICT_SEALS_UNAUTHENTICATED] = "unknown",
		[VERDICT_SEALS_BROKEN] = "incomplete",
	};

	if (v->seals == VERDICT_SEALS_NOT_ASKED)
		return;
	fprintf(out,
		"<section id=\"seals\" class=\"verdict %s\" "
		"aria-label=\"Seals\">\n<p><strong>%s</strong> ",
		classes[v->seals], verdict_seals_word(v->seals));
	html_escape(out, v->seals_text);
	fputs("</p>\n</section>\n", out);
}

/* Not running at all: neither missing anything nor complete. */
static void print_verdict(const struct verdict *v, FILE *out)
{
	bool any = v->container_cnt || v->result != VERDICT_COMPLETE;
	const char *class = any ? results[v->result].class : "note";

	fprintf(out,
		"<section id=\"verdict\" class=\"verdict %s\" "
		"aria-label=\"Verdict\">\n<p><strong>%s</strong> ",
		class, any ? results[v->result].word : "NOT RUNNING");
	if (any)
		fprintf(out, "%s %zu container%s, %" PRIu64 " records.", results[v->result].text,
			v->container_cnt, v->container_cnt == 1 ? "" : "s", v->record_cnt);
	fputs("</p>\n<ul>\n", out);
	print_reasons(v, VERDICT_REASON_INCOMPLETE, out);
	print_reasons(v, VERDICT_REASON_UNKNOWN, out);
	print_reasons(v, VERDICT_REASON_NOTE, out);
	fputs("</ul>\n</section>\n", out);
}

static void print_left_out(const struct html *w, FILE *out)
{
	char first[WHEN_LEN], last[WHEN_LEN];

	if (!w->left_cnt)
		return;
	fprintf(out,
		"<p id=\"left-out\"><strong>NOT ALL IS SHOWN</strong> This page has the first "
		"%" PRIu64 " of %" PRIu64
		" records, which is what a browser copes with. The other %" PRIu64
		" are from %s to %s: to see them, make another page with --since %s, or a shorter "
		"time "
		"with --until, or of one container with --container. The verdict is of all of "
		"them.</p>\n",
		w->row_cnt, w->row_cnt + w->left_cnt, w->left_cnt,
		when_format(w->left_first_ns, first), when_format(w->left_last_ns, last), first);
}

static void print_cell(FILE *out, const char *s)
{
	fputs("<td>", out);
	if (s)
		html_escape(out, s);
	fputs("</td>", out);
}

static void print_time(FILE *out, int64_t ns, const char *what)
{
	char when[WHEN_LEN];

	fprintf(out, "<td>%s<br><small>%s</small></td>", when_format(ns, when), what);
}

static void print_life(FILE *out, const struct history_container *c)
{
	const struct history_stream *first = c->streams, *last = c->last_stream;

	if (first->started)
		print_time(out, first->start_ns,
			   first->from_snapshot ? "ran already when the sensor started"
						: "started");
	else
		print_time(out, c->first_ns, "first record; the start is not in the evidence");
	if (last->stopped)
		print_time(out, last->stop_ns, "removed");
	else
		print_time(out, c->last_ns, "last record");
}

static void print_pod(FILE *out, const struct history_container *c)
{
	const struct history_identity *who = &c->who;

	fputs("<td>", out);
	if (who->pod_name || who->pod_uid) {
		html_escape(out, who->pod_namespace);
		fputc('/', out);
		html_escape(out, who->pod_name);
		fputs("<br><small>", out);
		html_escape(out, who->pod_uid);
		fputs("</small>", out);
	}
	if (who->workload_kind) {
		fputs("<br><small>of ", out);
		html_escape(out, who->workload_kind);
		fputc(' ', out);
		html_escape(out, who->workload_name);
		fputs(who->workload_concluded ? " (concluded)</small>" : "</small>", out);
	}
	fputs("</td>", out);
}

static void print_container(FILE *out, const struct history_container *c)
{
	fputs("<tr><th scope=\"row\">", out);
	html_escape(out, c->who.name	     ? c->who.name
			 : c->who.is_sandbox ? "(pod sandbox)"
					     : "(no name)");
	if (c->who.state && strcmp(c->who.state, "RESOLVED")) {
		fputs("<br><small>", out);
		html_escape(out, c->who.state);
		fputs("</small>", out);
	}
	fputs("<br><small class=\"id\">", out);
	html_escape(out, c->id);
	fputs("</small></th>", out);
	print_pod(out, c);
	print_cell(out, c->who.image);
	print_cell(out, c->who.runtime);
	print_cell(out, c->node);
	print_life(out, c);
	fprintf(out, "<td class=\"number\">%" PRIu64 "</td></tr>\n", c->window_cnt);
}

static void print_containers(const struct history *h, FILE *out)
{
	size_t cnt = 0;

	for (const struct history_container *c = h->containers; c; c = c->next)
		cnt += is_shown(c);
	fprintf(out,
		"<details id=\"containers\"%s><summary>%zu container%s</summary>\n<div><table>\n"
		"<thead><tr><th>Container</th><th>Pod</th><th>Image</th><th>Runtime</th><th>Node</"
		"th>"
		"<th>From</th><th>To</th><th>Records</th></tr></thead>\n<tbody>\n",
		cnt <= 3 ? " open" : "", cnt, cnt == 1 ? "" : "s");
	for (const struct history_container *c = h->containers; c; c = c->next)
		if (is_shown(c))
			print_container(out, c);
	fputs("</tbody></table></div></details>\n", out);
}

static void print_window(const struct history *h, FILE *out)
{
	char when[WHEN_LEN];

	if (h->window.since_ns != INT64_MIN)
		fprintf(out, "from %s ", when_format(h->window.since_ns, when));
	if (h->window.until_ns != INT64_MAX)
		fprintf(out, "until %s ", when_format(h->window.until_ns, when));
}

void html_header_print(const struct html *w, FILE *out)
{
	char when[WHEN_LEN];

	fputs("<header>\n<div id=\"head\"><h1>", out);
	fputs(w->h->by_pod ? "Pod " : "Container ", out);
	html_print_title(w, out);
	fputs("</h1>\n<p>", out);
	print_window(w->h, out);
	fprintf(out, "All times are UTC. Made by varve %s at %s%s.</p></div>\n", VARVE_VERSION,
		when_format((int64_t)time(NULL) * (int64_t)NSEC_PER_SEC, when),
		w->h->as_recorded ? ", names as each record has them" : "");
	print_verdict(w->verdict, out);
	print_seals(w->verdict, out);
	print_left_out(w, out);
	print_containers(w->h, out);
	fputs("<noscript><p>The processes and records are shown by a script, and scripts are "
	      "off.</p>"
	      "</noscript>\n</header>\n",
	      out);
}
