/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of each container as a tree, and beneath each what it ran, wrote, took away and
 * talked to. Depth is what the evidence says, so the walk keeps no stack and the drawing stops at
 * DEPTH_MAX.
 */
#include "evidence/base.h"
#include "responder/describe.h"
#include "responder/memory.h"
#include "responder/proctree.h"
#include "responder/views/header.h"
#include "responder/views/view.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

#define DEPTH_MAX 40

static void *tree_open(const struct history *h, const struct verdict *verdict, FILE *out)
{
	struct proctree *tree = memory_zalloc(sizeof(*tree));

	(void)verdict;
	(void)out;
	proctree_init(tree, h);
	return tree;
}

static void tree_record(void *state, FILE *out, const struct history_container *c,
			const Varve__V1__Event *ev)
{
	(void)out;
	proctree_add(state, c, ev);
}

static void tree_free(void *state)
{
	proctree_fini(state);
	free(state);
}

/* Bars of the ancestors, outermost first; own: the branch to this process itself. */
static void print_indent(FILE *out, const struct proctree_proc *p, const struct proctree_proc *root,
			 bool own)
{
	const struct proctree_proc *path[DEPTH_MAX];
	size_t depth = 0;

	if (p->depth > DEPTH_MAX)
		fprintf(out, "(%zu levels) ", p->depth - DEPTH_MAX);
	for (; p != root && depth < DEPTH_MAX; p = p->parent)
		path[depth++] = p;
	while (depth-- > 0) {
		bool is_last = !path[depth]->sibling;

		if (own && !depth)
			fputs(is_last ? "└─ " : "├─ ", out);
		else
			fputs(is_last ? "   " : "│  ", out);
	}
}

static void print_below(FILE *out, const struct proctree_proc *p, const struct proctree_proc *root)
{
	print_indent(out, p, root, false);
	fputs(p->first_child ? "│    " : "     ", out);
}

/* Text that was escaped when it was made. */
static void print_text(FILE *out, const char *s)
{
	fputs(s ? s : "?", out);
}

static void print_headline(FILE *out, const struct proctree_proc *p,
			   const struct proctree_proc *root)
{
	char when[WHEN_LEN];

	print_indent(out, p, root, true);
	fprintf(out, "%" PRIu32 " ", p->pid);
	/* One that only forked has its parent's arguments: its own name says more. */
	if (p->forked && !p->executed && p->name)
		fprintf(out, "%s  [forked, no exec]", p->name);
	else
		print_text(out, p->args ? p->args : p->exe ? p->exe : p->name);
	if (p->setup)
		fputs("  [runtime set-up]", out);
	if (p->session)
		fputs("  [session: came in from outside]", out);
	if (p->same_cnt)
		fprintf(out,
			"  [and %" PRIu64 " more that did the same, the last %" PRIu32
			" at %s; counts and bytes are of all]",
			p->same_cnt, p->same_pid, when_format_clock(p->same_ns, when));
	if (!p->seen)
		fputs("  [known only as a parent]", out);
	fputc('\n', out);
	if (!p->seen && p->ancestors && *p->ancestors) {
		print_below(out, p, root);
		fprintf(out, "child of %s\n", p->ancestors);
	}
}

/* Who it is, the kernel's ids: names of users are the image's, and may say anything. */
static void print_user(FILE *out, const struct proctree_proc *p)
{
	if (p->has_uid)
		fprintf(out, "  user %" PRIu32, p->uid);
	if (p->has_euid && (!p->has_uid || p->euid != p->uid))
		fprintf(out, "  euid %" PRIu32, p->euid);
}

static void print_identity(FILE *out, const struct proctree_proc *p,
			   const struct proctree_proc *root)
{
	print_below(out, p, root);
	print_text(out, p->exe);
	fputs(p->exe_flags ? p->exe_flags : "", out);
	if (p->script)
		fprintf(out, " [runs script %s]", p->script);
	if (p->name)
		fprintf(out, "  comm %s", p->name);
	print_user(out, p);
	if (p->has_ns_pid)
		fprintf(out, "  pid %" PRIu32 " inside", p->ns_pid);
	fputc('\n', out);
}

static void print_course(FILE *out, const struct proctree_proc *p, const struct proctree_proc *root)
{
	char when[WHEN_LEN], span[WHEN_LEN];

	print_below(out, p, root);
	fprintf(out, "%s %s", when_format_clock(p->begin_ns, when),
		p->from_snapshot ? "ran already"
		: p->forked	 ? "forked"
				 : "first seen (its fork is not in these records)");
	if (p->executed)
		fprintf(out, ", %s exec", when_format_clock(p->exec_ns, when));
	if (p->exited)
		fprintf(out, ", %s exit %s (%s)", when_format_clock(p->exit_ns, when), p->exit ? p->exit : "?",
			when_format_span(p->exit_ns - p->begin_ns, span));
	else
		fputs(", no exit seen", out);
	fputc('\n', out);
}

static void print_bytes(FILE *out, const struct proctree_line *line)
{
	bool is_file = !strcmp(line->what, "create") || !strcmp(line->what, "write") ||
		       !strcmp(line->what, "wrote");

	if (!line->sent && !line->received)
		return;
	fprintf(out, "  %" PRIu64 " bytes %s", line->sent, is_file ? "written" : "sent");
	if (!is_file)
		fprintf(out, ", %" PRIu64 " received", line->received);
}

static void print_lines(FILE *out, const struct proctree_proc *p, const struct proctree_proc *root)
{
	char when[WHEN_LEN];

	for (size_t i = 0; i < p->line_cnt; i++) {
		const struct proctree_line *line = &p->lines[i];

		/* A single exec is the headline. */
		if (!line->cnt || (p->exec_cnt == 1 && !strcmp(line->what, "exec")))
			continue;
		print_below(out, p, root);
		fprintf(out, "%s %-11s %s", when_format_clock(line->first_ns, when), line->what,
			line->text);
		if (line->cnt > 1)
			fprintf(out, "  x%" PRIu64 ", last %s", line->cnt,
				when_format_clock(line->last_ns, when));
		print_bytes(out, line);
		fputc('\n', out);
	}
	if (p->more_cnt) {
		print_below(out, p, root);
		fprintf(out, "... and %" PRIu64 " more (all are in --format timeline)\n",
			p->more_cnt);
	}
	if (p->setup_cnt) {
		print_below(out, p, root);
		fprintf(out, "%" PRIu64 " more of the runtime's set-up (in --format timeline)\n",
			p->setup_cnt);
	}
	if (p->read_cnt) {
		print_below(out, p, root);
		fprintf(out, "read %" PRIu64 " other file%s (in --format timeline)\n", p->read_cnt,
			p->read_cnt == 1 ? "" : "s");
	}
}

static void print_proc(FILE *out, const struct proctree_proc *p, const struct proctree_proc *root)
{
	print_headline(out, p, root);
	if (!p->seen)
		return;
	if (p->entered) {
		print_below(out, p, root);
		fprintf(out, "%s\n", p->entered);
	}
	print_identity(out, p, root);
	print_course(out, p, root);
	print_lines(out, p, root);
}

static struct proctree_proc *unvisited(struct proctree_proc *p)
{
	while (p && p->visited)
		p = p->sibling;
	return p;
}

/* Depth first; NULL when back at the root. A ring in the evidence ends at what was visited. */
static struct proctree_proc *next_in_tree(struct proctree_proc *p, const struct proctree_proc *root)
{
	struct proctree_proc *next = unvisited(p->first_child);
	size_t depth = p->depth + 1;

	while (!next && p != root) {
		next = unvisited(p->sibling);
		depth = p->depth;
		p = p->parent;
	}
	if (next)
		next->depth = depth;
	return next;
}

static void print_tree(FILE *out, struct proctree_proc *root)
{
	for (struct proctree_proc *p = root; p; p = next_in_tree(p, root)) {
		p->visited = true;
		print_proc(out, p, root);
	}
}

static void print_container(FILE *out, const struct proctree *tree,
			    const struct history_container *c)
{
	bool any = false;

	header_print(out, c);
	/* Roots first; what is left then hangs in a ring. */
	for (int rings = 0; rings < 2; rings++) {
		for (struct proctree_proc *p = tree->first; p; p = p->next) {
			if (p->container != c || p->visited || p->same || (p->parent && !rings))
				continue;
			print_tree(out, p);
			any = true;
		}
	}
	fputs(any ? "\n" : "(no processes in these records)\n\n", out);
}

static void tree_finish(void *state, FILE *out)
{
	struct proctree *tree = state;

	proctree_link(tree);
	for (const struct history_container *c = tree->h->containers; c; c = c->next)
		if (c->selected && c->window_cnt)
			print_container(out, tree, c);
	if (tree->text_cnt)
		fprintf(out,
			"... and %" PRIu64 " names, arguments and paths that there was no room for: "
			"they are in --format timeline\n",
			tree->text_cnt);
	if (tree->more_cnt)
		fprintf(out,
			"... and processes beyond the %zu that there is room for: %" PRIu64
			" records of others are in --format timeline\n\n",
			tree->proc_cnt, tree->more_cnt);
}

const struct view_type view_tree = {
	.name = "tree",
	.open = tree_open,
	.record = tree_record,
	.finish = tree_finish,
	.free = tree_free,
};
