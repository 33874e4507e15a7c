/* SPDX-License-Identifier: Apache-2.0 */
/* By kind: what a record says of its process. The kind's function is found in a table. */
#include "responder/proctree.h"
#include "evidence/base.h"
#include "responder/describe.h"
#include "responder/memory.h"
#include "responder/printed.h"
#include "responder/secrets.h"
#include <string.h>

#define ARGS_SHOWN 4096 /* bytes of a process's arguments in its headline */

static void replace(char **p, char *s)
{
	free(*p);
	*p = s;
}

static void set_text(char **p, const char *s, bool has_raw, ProtobufCBinaryData raw)
{
	struct printed t;

	if (!s && !has_raw)
		return;
	describe_text(printed_begin(&t), s, has_raw, raw);
	replace(p, printed_end(&t));
}

static void set_string(char **p, const char *s)
{
	set_text(p, s, false, (ProtobufCBinaryData){});
}

void proctree_init(struct proctree *tree, const struct history *h)
{
	*tree = (struct proctree){.h = h};
}

static void free_proc(struct proctree_proc *p)
{
	char *strings[] = {p->uid,	 p->parent_uid, p->name, p->exe,
			   p->exe_flags, p->args,	p->exit, p->ancestors};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	for (size_t i = 0; i < p->line_cnt; i++)
		free(p->lines[i].text);
	free(p->lines);
	free(p);
}

void proctree_fini(struct proctree *tree)
{
	for (struct proctree_proc *p = tree->first, *next; p; p = next) {
		next = p->next;
		free_proc(p);
	}
	strmap_fini(&tree->procs);
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
	struct proctree_proc *p = find_proc(tree, c, uid);

	if (p || tree->proc_cnt >= PROCTREE_PROCS)
		return p;
	_cleanup_free_ char *key = proc_key(c, uid);

	tree->proc_cnt++;
	p = memory_zalloc(sizeof(*p));
	p->container = c;
	p->uid = memory_strdup(uid);
	p->begin_ns = p->exec_ns = p->exit_ns = HISTORY_NEVER;
	strmap_add(&tree->procs, key, p);
	if (tree->last)
		tree->last->next = p;
	else
		tree->first = p;
	tree->last = p;
	return p;
}

/* The parent as it was at the first record: later the kernel names whoever took the orphan in. */
static void learn_parent(struct proctree *tree, struct proctree_proc *p,
			 const Varve__V1__Process *m)
{
	const Varve__V1__ParentProcess *parent = m->parent;
	struct printed t;

	if (p->parent_uid || !parent || !parent->process_uid)
		return;
	p->parent_uid = memory_strdup(parent->process_uid);
	struct proctree_proc *above = get_proc(tree, p->container, parent->process_uid);

	if (!above || above->seen || above->name)
		return;
	above->pid = parent->pid;
	set_string(&above->name, parent->name);
	set_string(&above->exe, parent->exe_path);
	set_string(&above->args, parent->cmd_line);
	FILE *out = printed_begin(&t);

	for (size_t i = 1; i < m->n_ancestry && i < 16; i++) {
		fputs(i > 1 ? " < " : "", out);
		describe_string(out, m->ancestry[i]->name);
	}
	replace(&above->ancestors, printed_end(&t));
}

static bool is_session(const Varve__V1__Process *m)
{
	const Varve__V1__Entry *e = m->entry;

	return e && e->how && !strcmp(e->how, "session") && e->process_uid && m->process_uid &&
	       !strcmp(e->process_uid, m->process_uid);
}

static void learn_process(struct proctree_proc *p, const Varve__V1__Process *m, int64_t ns)
{
	bool is_setup = m->has_runtime_setup && m->runtime_setup;

	p->setup = p->seen ? p->setup && is_setup : is_setup;
	p->pid = m->pid;
	if (m->has_ns_pid) {
		p->ns_pid = m->ns_pid;
		p->has_ns_pid = true;
	}
	if (m->has_euid) {
		p->euid = m->euid;
		p->has_euid = true;
	}
	set_text(&p->name, m->name, m->has_name_raw, m->name_raw);
	if (!p->executed)
		set_text(&p->exe, m->exe_path, m->has_exe_path_raw, m->exe_path_raw);
	if (!p->executed && m->cmd_line)
		set_string(&p->args, m->cmd_line);
	if (m->has_from_snapshot && m->from_snapshot)
		p->from_snapshot = true;
	if (is_session(m))
		p->session = true;
	if (p->begin_ns == HISTORY_NEVER)
		p->begin_ns = ns;
	p->seen = true;
}

static uint64_t hash_text(const char *what, const char *s)
{
	uint64_t h = 0xcbf29ce484222325ULL ^ (uintptr_t)what;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3ULL;
	return h;
}

static struct proctree_line *find_line(struct proctree_proc *p, uint64_t hash, const char *what,
				       const char *text)
{
	for (size_t i = p->line_cnt; i-- > 0;)
		if (p->lines[i].hash == hash && p->lines[i].what == what &&
		    !strcmp(p->lines[i].text, text))
			return &p->lines[i];
	return NULL;
}

/* Takes text over. `what` is a literal: the same one for the same thing. */
static void add_line(struct proctree *tree, struct proctree_proc *p, const char *what, char *text,
		     int64_t ns)
{
	uint64_t hash = hash_text(what, text);
	struct proctree_line *line = find_line(p, hash, what, text);
	size_t len = strlen(text) + sizeof(*line);

	if (line) {
		line->cnt++;
		line->last_ns = ns;
		free(text);
		return;
	}
	if (p->line_cnt >= PROCTREE_LINES || tree->bytes + len > PROCTREE_BYTES) {
		p->more_cnt++;
		free(text);
		return;
	}
	tree->bytes += len;
	p->lines = memory_grow(p->lines, p->line_cnt, &p->line_cap, sizeof(*p->lines));
	p->lines[p->line_cnt++] = (struct proctree_line){
		.what = what, .text = text, .hash = hash, .cnt = 1, .first_ns = ns, .last_ns = ns};
}

static char *event_text(const Varve__V1__Event *ev)
{
	struct printed t;

	describe_event(printed_begin(&t), ev);
	return printed_end(&t);
}

static char *args_text(const Varve__V1__Event *ev)
{
	struct printed t;
	bool any = describe_args(printed_begin(&t), ev);
	char *s = printed_end(&t);

	if (any && t.len > ARGS_SHOWN) {
		char *cut = memory_printf("%.*s ... [%zu bytes]", ARGS_SHOWN, s, t.len);

		free(s);
		return cut;
	}
	if (any)
		return s;
	free(s);
	return NULL;
}

static void learn_image(struct proctree_proc *p, const Varve__V1__Event *ev,
			const Varve__V1__File *file)
{
	struct printed t;
	char *args = args_text(ev);

	if (args)
		replace(&p->args, args);
	if (!file)
		return;
	set_text(&p->exe, file->path, file->has_path_raw, file->path_raw);
	describe_file_flags(printed_begin(&t), file);
	replace(&p->exe_flags, printed_end(&t));
}

static void take_fork(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		      int64_t ns)
{
	(void)tree;
	(void)ev;
	p->forked = true;
	p->begin_ns = ns;
}

static void take_exec(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		      int64_t ns)
{
	p->executed = true;
	p->exec_ns = ns;
	p->exec_cnt++;
	learn_image(p, ev, ev->exec->file);
	add_line(tree, p, "exec", event_text(ev), ns);
}

static void take_snapshot(struct proctree *tree, struct proctree_proc *p,
			  const Varve__V1__Event *ev, int64_t ns)
{
	(void)tree;
	(void)ns;
	p->from_snapshot = true;
	learn_image(p, ev, ev->process_snapshot->exe);
}

static void take_exit(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		      int64_t ns)
{
	struct printed t;

	(void)tree;
	p->exited = true;
	p->exit_ns = ns;
	describe_exit(printed_begin(&t), ev->exit);
	replace(&p->exit, printed_end(&t));
}

static void take_open(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		      int64_t ns)
{
	const Varve__V1__Open *o = ev->open;
	const char *path = o->file ? o->file->path : NULL;
	struct printed t;

	if (o->has_call_errno) {
		/* What was not there is not worth a line; what was refused is. */
		if (o->call_errno != ENOENT)
			add_line(tree, p, "open", event_text(ev), ns);
		return;
	}
	if (o->has_created && o->created) {
		describe_file(printed_begin(&t), o->file);
		add_line(tree, p, "create", printed_end(&t), ns);
	} else if (o->has_written && o->written) {
		describe_file(printed_begin(&t), o->file);
		add_line(tree, p, "write", printed_end(&t), ns);
	} else if (secrets_is_secret(path)) {
		describe_file(printed_begin(&t), o->file);
		add_line(tree, p, "read secret", printed_end(&t), ns);
	} else {
		p->read_cnt++;
	}
}

static void take_rename(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
			int64_t ns)
{
	add_line(tree, p, "rename", event_text(ev), ns);
}

static void take_unlink(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
			int64_t ns)
{
	add_line(tree, p, "unlink", event_text(ev), ns);
}

/* How a connection ended stands for its beginning. A line whose count is 0 is not shown. */
static void drop_in_progress(struct proctree_proc *p, const Varve__V1__Event *ev)
{
	char in_progress[] = "in_progress";
	Varve__V1__Connect connect = *ev->connect;
	Varve__V1__Event begun = *ev;

	connect.outcome = in_progress;
	begun.connect = &connect;
	_cleanup_free_ char *text = event_text(&begun);
	struct proctree_line *line = find_line(p, hash_text("connect", text), "connect", text);

	if (line && line->cnt)
		line->cnt--;
}

static void take_connect(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
			 int64_t ns)
{
	if (ev->connect->has_completion && ev->connect->completion)
		drop_in_progress(p, ev);
	add_line(tree, p, "connect", event_text(ev), ns);
}

static void take_accept(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
			int64_t ns)
{
	add_line(tree, p, "accept", event_text(ev), ns);
}

static const struct {
	Varve__V1__Event__BodyCase body;
	void (*fn)(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		   int64_t ns);
} takers[] = {
	{VARVE__V1__EVENT__BODY_FORK, take_fork},
	{VARVE__V1__EVENT__BODY_EXEC, take_exec},
	{VARVE__V1__EVENT__BODY_EXIT, take_exit},
	{VARVE__V1__EVENT__BODY_OPEN, take_open},
	{VARVE__V1__EVENT__BODY_RENAME, take_rename},
	{VARVE__V1__EVENT__BODY_UNLINK, take_unlink},
	{VARVE__V1__EVENT__BODY_CONNECT, take_connect},
	{VARVE__V1__EVENT__BODY_ACCEPT, take_accept},
	{VARVE__V1__EVENT__BODY_PROCESS_SNAPSHOT, take_snapshot},
};

/* The runtime (or systemd) makes and removes the cgroup from outside: not a process of the
 * container. */
static bool is_from_outside(const Varve__V1__Event *ev)
{
	return ev->body_case == VARVE__V1__EVENT__BODY_CONTAINER_START ||
	       ev->body_case == VARVE__V1__EVENT__BODY_CONTAINER_STOP;
}

/* Any other kind of event: by its name. */
static void take_any(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		     int64_t ns)
{
	add_line(tree, p, event_kind_label(ev->body_case), event_text(ev), ns);
}

static bool take_known(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		       int64_t ns)
{
	for (size_t i = 0; i < ARRAY_SIZE(takers); i++) {
		if (takers[i].body == ev->body_case) {
			takers[i].fn(tree, p, ev, ns);
			return true;
		}
	}
	return false;
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
	learn_process(p, ev->process, ns);
	learn_parent(tree, p, ev->process);
	if (!take_known(tree, p, ev, ns) && event_kind_label(ev->body_case))
		take_any(tree, p, ev, ns);
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
}
