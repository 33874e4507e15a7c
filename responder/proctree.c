/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of processes. Names, paths and arguments are mostly those of others, too: each text is
 * kept once.
 */
#include "responder/proctree.h"
#include "evidence/base.h"
#include "responder/describe.h"
#include "responder/memory.h"
#include "responder/printed.h"
#include <string.h>

#define PROC_BYTES (sizeof(struct proctree_proc) + 200) /* with its key */
#define TEXT_BYTES 64					/* beside the text itself */

const char *proctree_keep(struct proctree *tree, char *text)
{
	const char *kept = NULL;

	if (text && strmap_find(&tree->texts, text)) {
		kept = strmap_keep(&tree->texts, text);
	} else if (text && tree->bytes < PROCTREE_BYTES) {
		kept = strmap_keep(&tree->texts, text);
		tree->bytes += strlen(text) + TEXT_BYTES;
	} else if (text) {
		tree->text_cnt++;
	}
	free(text);
	return kept;
}

static void set_text(struct proctree *tree, const char **p, const char *s, bool has_raw,
		     ProtobufCBinaryData raw)
{
	struct printed t;

	if (!s && !has_raw)
		return;
	describe_text(printed_begin(&t), s, has_raw, raw);
	*p = proctree_keep(tree, printed_end(&t));
}

static void set_string(struct proctree *tree, const char **p, const char *s)
{
	set_text(tree, p, s, false, (ProtobufCBinaryData){});
}

void proctree_init(struct proctree *tree, const struct history *h)
{
	*tree = (struct proctree){.h = h};
}

void proctree_fini(struct proctree *tree)
{
	for (struct proctree_proc *p = tree->first, *next; p; p = next) {
		next = p->next;
		free(p->lines);
		free(p);
	}
	strmap_fini(&tree->procs);
	strmap_fini(&tree->texts);
	*tree = (struct proctree){};
}

/* The same parent (a runtime's shim) stands above several containers: each has its own of it. */
static char *proc_key(const struct history_container *c, const char *uid)
{
	return memory_printf("%p %s", (const void *)c, uid);
}

static struct proctree_proc *find_proc(const struct proctree *tree,
				       const struct history_container *c, const char *uid)
{
	_cleanup_free_ char *key = proc_key(c, uid);

	return strmap_find(&tree->procs, key);
}

/* NULL: there are too many. */
static struct proctree_proc *get_proc(struct proctree *tree, const struct history_container *c,
				      const char *uid)
{
	_cleanup_free_ char *key = proc_key(c, uid);
	struct proctree_proc *p = strmap_find(&tree->procs, key);

	if (p || tree->proc_cnt >= PROCTREE_PROCS || tree->bytes >= PROCTREE_BYTES)
		return p;
	tree->proc_cnt++;
	tree->bytes += PROC_BYTES;
	p = memory_zalloc(sizeof(*p));
	p->container = c;
	p->begin_ns = p->exec_ns = p->exit_ns = HISTORY_NEVER;
	strmap_add(&tree->procs, key, p);
	if (tree->last)
		tree->last->next = p;
	else
		tree->first = p;
	tree->last = p;
	return p;
}

static char *ancestors_text(const Varve__V1__Process *m)
{
	struct printed t;
	FILE *out = printed_begin(&t);

	for (size_t i = 1; i < m->n_ancestry && i < 16; i++) {
		fputs(i > 1 ? " < " : "", out);
		describe_string(out, m->ancestry[i]->name);
	}
	return printed_end(&t);
}

/* The parent as it was at the first record: later the kernel names whoever took the orphan in. */
static void learn_parent(struct proctree *tree, struct proctree_proc *p,
			 const Varve__V1__Process *m)
{
	const Varve__V1__ParentProcess *parent = m->parent;

	if (p->parent_uid || !parent || !parent->process_uid)
		return;
	p->parent_uid = proctree_keep(tree, memory_strdup(parent->process_uid));
	struct proctree_proc *above = get_proc(tree, p->container, parent->process_uid);

	if (!above || above->seen || above->name)
		return;
	above->pid = parent->pid;
	set_string(tree, &above->name, parent->name);
	set_string(tree, &above->exe, parent->exe_path);
	set_string(tree, &above->args, parent->cmd_line);
	above->ancestors = proctree_keep(tree, ancestors_text(m));
}

static bool is_session(const Varve__V1__Process *m)
{
	const Varve__V1__Entry *e = m->entry;

	return e && e->how && !strcmp(e->how, "session") && e->process_uid && m->process_uid &&
	       !strcmp(e->process_uid, m->process_uid);
}

static void learn_ids(struct proctree_proc *p, const Varve__V1__Process *m)
{
	p->pid = m->pid;
	if (m->has_ns_pid) {
		p->ns_pid = m->ns_pid;
		p->has_ns_pid = true;
	}
	if (m->has_uid) {
		p->uid = m->uid;
		p->has_uid = true;
	}
	if (m->has_euid) {
		p->euid = m->euid;
		p->has_euid = true;
	}
}

static void learn_process(struct proctree *tree, struct proctree_proc *p,
			  const Varve__V1__Process *m, int64_t ns)
{
	bool is_setup = m->has_runtime_setup && m->runtime_setup;

	p->setup = p->seen ? p->setup && is_setup : is_setup;
	learn_ids(p, m);
	set_text(tree, &p->name, m->name, m->has_name_raw, m->name_raw);
	if (!p->executed)
		set_text(tree, &p->exe, m->exe_path, m->has_exe_path_raw, m->exe_path_raw);
	if (!p->executed && m->cmd_line)
		set_string(tree, &p->args, m->cmd_line);
	if (m->has_from_snapshot && m->from_snapshot)
		p->from_snapshot = true;
	if (is_session(m))
		p->session = true;
	if (p->begin_ns == HISTORY_NEVER)
		p->begin_ns = ns;
	p->seen = true;
}

struct proctree_line *proctree_find_line(struct proctree *tree, struct proctree_proc *p,
					 const char *what, const char *text)
{
	const char *kept = strmap_find(&tree->texts, text) ? strmap_keep(&tree->texts, text) : NULL;

	for (size_t i = p->line_cnt; kept && i-- > 0;)
		if (p->lines[i].text == kept && p->lines[i].what == what)
			return &p->lines[i];
	return NULL;
}

/* One by one at first: most processes do little. */
static void make_room(struct proctree *tree, struct proctree_proc *p)
{
	size_t cap = p->line_cap < 4 ? p->line_cap + 1 : p->line_cap * 2;

	if (p->line_cnt < p->line_cap)
		return;
	p->lines = reallocarray(p->lines, cap, sizeof(*p->lines));
	if (!p->lines)
		memory_exhausted();
	tree->bytes += (cap - p->line_cap) * sizeof(*p->lines);
	p->line_cap = cap;
}

struct proctree_line *proctree_add_line(struct proctree *tree, struct proctree_proc *p,
					const char *what, char *text, int64_t ns)
{
	struct proctree_line *line = proctree_find_line(tree, p, what, text);

	if (line) {
		line->cnt++;
		line->last_ns = ns;
		free(text);
		return line;
	}
	const char *kept =
		p->line_cnt < PROCTREE_LINES ? proctree_keep(tree, text) : (free(text), NULL);

	if (!kept) {
		p->more_cnt++;
		return NULL;
	}
	make_room(tree, p);
	line = &p->lines[p->line_cnt++];
	*line = (struct proctree_line){
		.what = what, .text = kept, .cnt = 1, .first_ns = ns, .last_ns = ns};
	return line;
}

/* The runtime (or systemd) makes and removes the cgroup from outside: not a process of the
 * container. */
static bool is_from_outside(const Varve__V1__Event *ev)
{
	return ev->body_case == VARVE__V1__EVENT__BODY_CONTAINER_START ||
	       ev->body_case == VARVE__V1__EVENT__BODY_CONTAINER_STOP;
}

void proctree_add(struct proctree *tree, const struct history_container *c,
		  const Varve__V1__Event *ev)
{
	if (!ev->process || !ev->process->process_uid || is_from_outside(ev))
		return;
	struct proctree_proc *p = get_proc(tree, c, ev->process->process_uid);
	int64_t ns = history_time(history_find_run(tree->h, ev->run_id), ev);

	if (!p) {
		tree->more_cnt++;
		return;
	}
	learn_process(tree, p, ev->process, ns);
	learn_parent(tree, p, ev->process);
	proctree_take(tree, p, ev, ns);
}

void proctree_link(struct proctree *tree)
{
	for (struct proctree_proc *p = tree->first; p; p = p->next) {
		struct proctree_proc *parent =
			p->parent_uid ? find_proc(tree, p->container, p->parent_uid) : NULL;

		if (!parent || parent == p)
			continue;
		p->parent = parent;
		if (parent->last_child)
			parent->last_child->sibling = p;
		else
			parent->first_child = p;
		parent->last_child = p;
	}
	for (struct proctree_proc *p = tree->first; p; p = p->next)
		proctree_fold(p);
}
