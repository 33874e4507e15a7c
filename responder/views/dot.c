/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A graph of processes, files and peers in the language of graphviz. A graph of thousands of nodes
 * shows nothing, so it is bounded; what is worth most comes first, and the graph says what it
 * lacks. Names are the evidence's: each stands in a quoted string with nothing in it that graphviz
 * would take for its own.
 */
#include "evidence/base.h"
#include "responder/describe.h"
#include "responder/memory.h"
#include "responder/printed.h"
#include "responder/proctree.h"
#include "responder/verdict.h"
#include "responder/views/dot_quote.h"
#include "responder/views/view.h"
#include <inttypes.h>
#include <string.h>

#define PROCS_MAX  300
#define THINGS_MAX 500 /* files and peers */
#define EDGES_MAX  3000
#define LABEL_MAX  100 /* bytes of a name that are shown; all of it is the node's tooltip */
#define TIP_MAX	   1000
#define LEVELS_MAX 200 /* ancestors that are looked at: there can be rings */

struct dot {
	struct proctree tree;
	const struct verdict *verdict;
	struct strmap procs, things; /* nodes, by pointer and by name; the value is the number */
	const struct proctree_proc *kept[PROCS_MAX]; /* by number, less one */
	size_t edge_cnt;
	uint64_t procs_left_out, things_left_out, edges_left_out;
};

static void *dot_open(const struct history *h, const struct verdict *verdict, FILE *out)
{
	struct dot *d = memory_zalloc(sizeof(*d));

	(void)out;
	proctree_init(&d->tree, h);
	d->verdict = verdict;
	return d;
}

static void dot_record(void *state, FILE *out, const struct history_container *c,
		       const Varve__V1__Event *ev)
{
	struct dot *d = state;

	(void)out;
	proctree_add(&d->tree, c, ev);
}

static void dot_free(void *state)
{
	struct dot *d = state;

	proctree_fini(&d->tree);
	strmap_fini(&d->procs);
	strmap_fini(&d->things);
	free(d);
}

/* --- nodes */

/* 0: it is not in the graph. */
static size_t proc_number(const struct dot *d, const struct proctree_proc *p)
{
	char key[32];

	snprintf(key, sizeof(key), "%p", (const void *)p);
	return (uintptr_t)strmap_find(&d->procs, key);
}

static bool is_odd(const struct proctree_proc *p)
{
	return p->exe_flags && *p->exe_flags;
}

static void print_proc(const struct proctree_proc *p, size_t number, FILE *out)
{
	const char *name = p->args ? p->args : p->exe ? p->exe : p->name ? p->name : "?";
	char *label, *tip;

	if (p->forked && !p->executed && p->name)
		name = p->name;
	label = p->same_cnt ? memory_printf("%" PRIu32 " %.*s  x%" PRIu64, p->pid,
					    (int)dot_cut(name, LABEL_MAX), name, p->same_cnt + 1)
			    : memory_printf("%" PRIu32 " %s", p->pid, name);
	tip = memory_printf("%s%s%s%s%s%s%s", p->exe ? p->exe : "?",
			    p->exe_flags ? p->exe_flags : "", p->script ? " runs script " : "",
			    p->script ? p->script : "", p->exit ? ", exit " : "",
			    p->exit ? p->exit : "", p->session ? ", came in from outside" : "");
	fprintf(out, "  p%zu [shape=box, ", number);
	dot_print_attribute(out, "label", label, LABEL_MAX + 40);
	fputs(", ", out);
	dot_print_attribute(out, "tooltip", tip, TIP_MAX);
	if (p->session)
		fputs(", style=filled, fillcolor=\"#ffe0b0\"", out);
	else if (!p->seen)
		fputs(", style=dashed", out);
	if (is_odd(p))
		fputs(", color=red, penwidth=2", out);
	fputs("];\n", out);
	free(label);
	free(tip);
}

static void add_proc(struct dot *d, const struct proctree_proc *p, FILE *out)
{
	char key[32];

	if (proc_number(d, p))
		return;
	if (d->procs.cnt >= PROCS_MAX) {
		d->procs_left_out += 1 + p->same_cnt;
		return;
	}
	snprintf(key, sizeof(key), "%p", (const void *)p);
	d->kept[d->procs.cnt] = p;
	strmap_add(&d->procs, key, (void *)(d->procs.cnt + 1));
	print_proc(p, d->procs.cnt, out);
}

/* kind: "file" or "peer". 0: there is no room. */
static size_t add_thing(struct dot *d, const char *kind, const char *name, FILE *out)
{
	_cleanup_free_ char *key = memory_printf("%s %s", kind, name);
	uintptr_t number = (uintptr_t)strmap_find(&d->things, key);

	if (number)
		return number;
	if (d->things.cnt >= THINGS_MAX) {
		d->things_left_out++;
		return 0;
	}
	number = d->things.cnt + 1;
	strmap_add(&d->things, key, (void *)number);
	fprintf(out, "  t%zu [shape=%s, ", (size_t)number, *kind == 'f' ? "note" : "ellipse");
	dot_print_attribute(out, "label", name, LABEL_MAX);
	fputs(", ", out);
	dot_print_attribute(out, "tooltip", name, TIP_MAX);
	fputs("];\n", out);
	return number;
}

/* --- edges */

/* What a process did, and what to; `worth` lines bring their process into the graph first. */
static const struct deed {
	const char *what, *word, *kind;
	bool worth, inward;
	const char *color;
} deeds[] = {
	{"read secret", "read secret", "file", true, true, "red"},
	{"connect", "connected", "peer", true, false, "blue"},
	{"close", "connected", "peer", true, false, "blue"},
	{"udp", "udp", "peer", true, false, "blue"},
	{"accept", "came in", "peer", true, true, "blue"},
	{"exec", "exec", "file", false, true, "black"},
	{"create", "wrote", "file", false, false, "darkgreen"},
	{"write", "wrote", "file", false, false, "darkgreen"},
	{"wrote", "wrote", "file", false, false, "darkgreen"},
	{"rename", "renamed to this", "file", false, false, "darkgreen"},
	{"unlink", "deleted", "file", false, false, "brown"},
};

static const struct deed *find_deed(const struct proctree_line *line)
{
	for (size_t i = 0; line->cnt && i < ARRAY_SIZE(deeds); i++)
		if (!strcmp(deeds[i].what, line->what))
			return &deeds[i];
	return NULL;
}

static bool has_room(struct dot *d)
{
	if (d->edge_cnt < EDGES_MAX) {
		d->edge_cnt++;
		return true;
	}
	d->edges_left_out++;
	return false;
}

static void print_label(FILE *out, const struct deed *deed, const struct proctree_line *line)
{
	const char *word = deed->word;

	if (!strcmp(deed->what, "connect") && !strstr(line->text, " connected"))
		word = "tried to connect";
	else if (*deed->kind == 'f' && strstr(line->text, " failed: "))
		word = "tried, and failed";
	fprintf(out, "label=\"%s", word);
	if (line->cnt > 1)
		fprintf(out, " x%" PRIu64, line->cnt);
	if (line->sent)
		fprintf(out, "\\n%" PRIu64 " bytes%s", line->sent,
			*deed->kind == 'f' ? "" : " sent");
	if (line->received)
		fprintf(out, "\\n%" PRIu64 " bytes received", line->received);
	fprintf(out, "\", color=%s, ", deed->color);
	dot_print_attribute(out, "tooltip", line->text, TIP_MAX);
}

static void print_deed(struct dot *d, size_t proc, const struct proctree_line *line, FILE *out)
{
	const struct deed *deed = find_deed(line);
	size_t thing;

	if (!deed)
		return;
	thing = add_thing(d, deed->kind, line->place ? line->place : line->text, out);
	if (!thing || !has_room(d))
		return;
	if (deed->inward)
		fprintf(out, "  t%zu -> p%zu [", thing, proc);
	else
		fprintf(out, "  p%zu -> t%zu [", proc, thing);
	print_label(out, deed, line);
	fputs("];\n", out);
}

static void print_edges(struct dot *d, const struct proctree_proc *p, FILE *out)
{
	size_t number = proc_number(d, p), parent = p->parent ? proc_number(d, p->parent) : 0;

	if (!number)
		return;
	if (parent && has_room(d))
		fprintf(out, "  p%zu -> p%zu [label=\"began\", style=bold];\n", parent, number);
	for (size_t i = 0; i < p->line_cnt; i++)
		print_deed(d, number, &p->lines[i], out);
}

static void print_container_name(const struct history_container *c, FILE *out)
{
	struct printed p;
	char *name;

	describe_string(printed_begin(&p), c->who.name	       ? c->who.name
					   : c->who.is_sandbox ? "(sandbox)"
							       : c->id);
	name = printed_end(&p);
	dot_print_attribute(out, "label", name, LABEL_MAX);
	fputs(";\n", out);
	free(name);
}

/* --- which of them */

static bool is_worth(const struct proctree_proc *p)
{
	bool worth = p->session || is_odd(p);

	for (size_t i = 0; i < p->line_cnt && !worth; i++) {
		const struct deed *deed = find_deed(&p->lines[i]);

		worth = deed && deed->worth;
	}
	return worth;
}

/* With those it comes from, as far as there is room: a node by itself says little. */
static void add_with_ancestors(struct dot *d, const struct proctree_proc *p, FILE *out)
{
	for (int level = 0; p && level < LEVELS_MAX && !proc_number(d, p); level++, p = p->parent) {
		if (d->procs.cnt >= PROCS_MAX)
			return;
		add_proc(d, p, out);
	}
}

static void print_graph(struct dot *d, FILE *out)
{
	for (const struct proctree_proc *p = d->tree.first; p; p = p->next)
		if (!p->same && is_worth(p))
			add_with_ancestors(d, p, out);
	for (const struct proctree_proc *p = d->tree.first; p; p = p->next)
		if (!p->same)
			add_proc(d, p, out);
	for (const struct proctree_proc *p = d->tree.first; p; p = p->next)
		if (!p->same)
			print_edges(d, p, out);
}

/* A box around each container's processes, if there is more than one. */
static void print_containers(const struct dot *d, FILE *out)
{
	size_t cnt = 0, number = 0;

	for (const struct history_container *c = d->tree.h->containers; c; c = c->next)
		cnt += c->selected && c->window_cnt;
	for (const struct history_container *c = d->tree.h->containers; cnt > 1 && c; c = c->next) {
		if (!c->selected || !c->window_cnt)
			continue;
		fprintf(out, "  subgraph cluster_%zu {\n    ", number++);
		print_container_name(c, out);
		for (size_t i = 0; i < d->procs.cnt; i++)
			if (d->kept[i]->container == c)
				fprintf(out, "    p%zu;\n", i + 1);
		fputs("  }\n", out);
	}
}

static void print_left_out(const struct dot *d, FILE *out)
{
	if (!d->procs_left_out && !d->things_left_out && !d->edges_left_out && !d->tree.more_cnt)
		return;
	fprintf(out,
		"  left_out [shape=plaintext, fontcolor=red, label=\"Not in this graph: %" PRIu64
		" processes, %" PRIu64 " deeds whose file or peer had no room, %" PRIu64
		" edges, %" PRIu64 " records of processes that were not kept\"];\n",
		d->procs_left_out, d->things_left_out, d->edges_left_out, d->tree.more_cnt);
}

static void print_title(const struct dot *d, FILE *out)
{
	struct printed p;
	char *text;

	verdict_print(d->verdict, printed_begin(&p));
	text = printed_end(&p);
	fputs("digraph varve {\n  graph [rankdir=LR, labelloc=t, labeljust=l, ", out);
	dot_print_attribute(out, "label", text, strlen(text));
	fputs("];\n  node [fontname=\"sans-serif\", fontsize=10];\n"
	      "  edge [fontname=\"sans-serif\", fontsize=8];\n",
	      out);
	free(text);
}

static void dot_finish(void *state, FILE *out)
{
	struct dot *d = state;

	proctree_link(&d->tree);
	print_title(d, out);
	print_graph(d, out);
	print_containers(d, out);
	print_left_out(d, out);
	fputs("}\n", out);
}

const struct view_type view_dot = {
	.name = "dot",
	.open = dot_open,
	.record = dot_record,
	.finish = dot_finish,
	.free = dot_free,
	.verdict = VIEW_VERDICT_STDERR,
};
