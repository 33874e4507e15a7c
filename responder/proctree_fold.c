/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shell that runs the same command five hundred times shows it once. Only what is the same to the
 * reader is folded: name, file, arguments, user, how it ended, and each thing that it did; never a
 * session, nor what has children of its own.
 */
#include "responder/proctree.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include <inttypes.h>
#include <string.h>

static bool can_fold(const struct proctree_proc *p)
{
	return p->seen && !p->first_child && !p->session && !p->entered && !p->more_cnt;
}

/* Texts are kept once, so the same text is the same pointer. */
static char *signature(const struct proctree_proc *p)
{
	return memory_printf("%p %p %p %p %p %p %p %d%d%d%d%d%d%d %u %" PRIu32 " %" PRIu32 " %zu",
			     (const void *)p->container, (const void *)p->name,
			     (const void *)p->exe, (const void *)p->exe_flags,
			     (const void *)p->args, (const void *)p->script, (const void *)p->exit,
			     p->forked, p->from_snapshot, p->setup, p->executed, p->exited,
			     p->has_uid, p->has_euid, p->exec_cnt, p->uid, p->euid, p->line_cnt);
}

static bool same_lines(const struct proctree_proc *a, const struct proctree_proc *b)
{
	for (size_t i = 0; i < a->line_cnt; i++)
		if (a->lines[i].what != b->lines[i].what || a->lines[i].text != b->lines[i].text)
			return false;
	return true;
}

/* What a thing was done to or with may differ; then both are shown. */
static void find_same(struct strmap *seen, struct proctree_proc *p)
{
	_cleanup_free_ char *key = signature(p);
	struct proctree_proc *first = strmap_find(seen, key);

	if (!first) {
		strmap_add(seen, key, p);
	} else if (same_lines(first, p)) {
		p->same = first;
		first->same_cnt++;
	}
}

static void add_to(struct proctree_proc *first, const struct proctree_proc *p)
{
	first->same_pid = p->pid;
	first->same_ns = p->begin_ns;
	first->read_cnt += p->read_cnt;
	first->setup_cnt += p->setup_cnt;
	for (size_t i = 0; i < p->line_cnt; i++) {
		struct proctree_line *line = &first->lines[i];

		line->cnt += p->lines[i].cnt;
		line->first_ns = MIN(line->first_ns, p->lines[i].first_ns);
		line->last_ns = MAX(line->last_ns, p->lines[i].last_ns);
		line->sent += p->lines[i].sent;
		line->received += p->lines[i].received;
	}
}

/* Takes those that are the same, and enough, out of the children. */
static void take_out(struct proctree_proc *parent)
{
	struct proctree_proc *p = parent->first_child, *next;

	parent->first_child = parent->last_child = NULL;
	for (; p; p = next) {
		next = p->sibling;
		p->sibling = NULL;
		if (p->same && p->same->same_cnt + 1 >= PROCTREE_FOLD) {
			add_to(p->same, p);
			continue;
		}
		p->same = NULL;
		if (parent->last_child)
			parent->last_child->sibling = p;
		else
			parent->first_child = p;
		parent->last_child = p;
	}
	for (p = parent->first_child; p; p = p->sibling)
		if (p->same_cnt + 1 < PROCTREE_FOLD)
			p->same_cnt = 0;
}

void proctree_fold(struct proctree_proc *parent)
{
	struct strmap seen = {};

	if (!parent->first_child)
		return;
	for (struct proctree_proc *p = parent->first_child; p; p = p->sibling)
		if (can_fold(p))
			find_same(&seen, p);
	take_out(parent);
	strmap_fini(&seen);
}
