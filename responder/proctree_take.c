/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By kind: what a record says of its process, but of the network (proctree_net.c). The kind's
 * function is found in a table.
 */
#include "evidence/base.h"
#include "responder/brief.h"
#include "responder/describe.h"
#include "responder/memory.h"
#include "responder/printed.h"
#include "responder/proctree.h"
#include "responder/secrets.h"
#include <inttypes.h>
#include <string.h>

#define ARGS_SHOWN 4096 /* bytes of a process's arguments in its headline */

char *proctree_event_text(const Varve__V1__Event *ev)
{
	struct printed t;

	describe_event(printed_begin(&t), ev);
	return printed_end(&t);
}

void proctree_set_place(struct proctree *tree, struct proctree_line *line, char *text)
{
	const char *place = proctree_keep(tree, text);

	if (line && !line->place)
		line->place = place;
}

static char *file_text(const Varve__V1__File *file)
{
	struct printed t;

	describe_file(printed_begin(&t), file);
	return printed_end(&t);
}

/* Without flags: what is written, run and unlinked is one file. */
static char *path_text(const Varve__V1__File *file)
{
	struct printed t;

	describe_text(printed_begin(&t), file ? file->path : NULL, file && file->has_path_raw,
		      file ? file->path_raw : (ProtobufCBinaryData){});
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

/* --- what it runs */

static void learn_image(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
			const Varve__V1__File *file)
{
	struct printed t;
	char *args = args_text(ev);

	if (args)
		p->args = proctree_keep(tree, args);
	if (!file)
		return;
	if (file->path || file->has_path_raw) {
		describe_text(printed_begin(&t), file->path, file->has_path_raw, file->path_raw);
		p->exe = proctree_keep(tree, printed_end(&t));
	}
	describe_file_flags(printed_begin(&t), file);
	p->exe_flags = proctree_keep(tree, printed_end(&t));
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
	const Varve__V1__Exec *x = ev->exec;
	struct printed t;

	p->executed = true;
	p->exec_ns = ns;
	p->exec_cnt++;
	p->script = NULL;
	learn_image(tree, p, ev, x->file);
	if (x->interpreter) {
		describe_text(printed_begin(&t), x->filename, x->has_filename_raw, x->filename_raw);
		p->script = proctree_keep(tree, printed_end(&t));
	}
	proctree_set_place(tree, proctree_add_line(tree, p, "exec", proctree_event_text(ev), ns),
			   path_text(x->file));
}

static void take_snapshot(struct proctree *tree, struct proctree_proc *p,
			  const Varve__V1__Event *ev, int64_t ns)
{
	(void)ns;
	p->from_snapshot = true;
	learn_image(tree, p, ev, ev->process_snapshot->exe);
}

static void take_exit(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		      int64_t ns)
{
	struct printed t;

	p->exited = true;
	p->exit_ns = ns;
	describe_exit(printed_begin(&t), ev->exit);
	p->exit = proctree_keep(tree, printed_end(&t));
}

/* "moved by 99 runc: runc exec ..." */
static void take_session(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
			 int64_t ns)
{
	const Varve__V1__ExecSession *x = ev->exec_session;
	struct printed t;
	FILE *out = printed_begin(&t);

	(void)ns;
	describe_string(out, x->how);
	if (x->by) {
		fprintf(out, " by %" PRIu32 " ", x->by->pid);
		describe_text(out, x->by->name, x->by->has_name_raw, x->by->name_raw);
	} else {
		fputs(" by itself", out);
	}
	if (x->by_cmd_line) {
		fputs(": ", out);
		describe_string(out, x->by_cmd_line);
	}
	p->session = true;
	p->entered = proctree_keep(tree, printed_end(&t));
}

/* --- files */

static void add_file(struct proctree *tree, struct proctree_proc *p, const char *what,
		     const Varve__V1__File *file, int64_t ns)
{
	proctree_set_place(tree, proctree_add_line(tree, p, what, file_text(file), ns),
			   path_text(file));
}

static void take_unlink(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
			int64_t ns)
{
	proctree_set_place(tree, proctree_add_line(tree, p, "unlink", proctree_event_text(ev), ns),
			   path_text(ev->unlink->file));
}

static void take_open(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		      int64_t ns)
{
	const Varve__V1__Open *o = ev->open;

	if (o->has_call_errno) {
		/* What was not there is not worth a line, unless it would have been a secret; what
		 * was refused is. */
		if (o->call_errno != ENOENT || secrets_is_secret_file(o->file))
			proctree_add_line(tree, p, "open", proctree_event_text(ev), ns);
	} else if (o->has_created && o->created) {
		add_file(tree, p, "create", o->file, ns);
	} else if (o->has_written && o->written) {
		add_file(tree, p, "write", o->file, ns);
	} else if (secrets_is_secret_file(o->file)) {
		add_file(tree, p, "read secret", o->file, ns);
	} else {
		p->read_cnt++;
	}
}

static void take_rename(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
			int64_t ns)
{
	const Varve__V1__Rename *r = ev->rename;

	proctree_set_place(tree, proctree_add_line(tree, p, "rename", proctree_event_text(ev), ns),
			   path_text(r->has_call_errno ? r->old_file : r->new_file));
}

static void take_close_write(struct proctree *tree, struct proctree_proc *p,
			     const Varve__V1__Event *ev, int64_t ns)
{
	static const char *const opened[] = {"create", "write"};
	const Varve__V1__CloseWrite *c = ev->close_write;
	struct proctree_line *line = NULL;
	char *text = file_text(c->file);

	for (size_t i = 0; i < ARRAY_SIZE(opened) && !line; i++)
		line = proctree_find_line(tree, p, opened[i], text);
	if (line)
		free(text);
	else
		line = proctree_add_line(tree, p, "wrote", text, ns);
	proctree_set_place(tree, line, path_text(c->file));
	if (line && c->has_bytes_written)
		line->sent += c->bytes_written;
}

static const struct proctree_taker takers[] = {
	{VARVE__V1__EVENT__BODY_FORK, take_fork},
	{VARVE__V1__EVENT__BODY_EXEC, take_exec},
	{VARVE__V1__EVENT__BODY_EXIT, take_exit},
	{VARVE__V1__EVENT__BODY_EXEC_SESSION, take_session},
	{VARVE__V1__EVENT__BODY_OPEN, take_open},
	{VARVE__V1__EVENT__BODY_RENAME, take_rename},
	{VARVE__V1__EVENT__BODY_UNLINK, take_unlink},
	{VARVE__V1__EVENT__BODY_CLOSE_WRITE, take_close_write},
	{VARVE__V1__EVENT__BODY_PROCESS_SNAPSHOT, take_snapshot},
	{},
};

static bool take_known(const struct proctree_taker *taker, struct proctree *tree,
		       struct proctree_proc *p, const Varve__V1__Event *ev, int64_t ns)
{
	for (; taker->fn; taker++) {
		if (taker->body == ev->body_case) {
			taker->fn(tree, p, ev, ns);
			return true;
		}
	}
	return false;
}

static char *brief_text(const Varve__V1__Event *ev)
{
	struct printed t;

	brief_event(printed_begin(&t), ev);
	return printed_end(&t);
}

/* Of the runtime's set-up, which is the same for each container: who it was, not what it did. */
static bool is_setup(const Varve__V1__Event *ev)
{
	return ev->process->has_runtime_setup && ev->process->runtime_setup &&
	       ev->body_case != VARVE__V1__EVENT__BODY_FORK &&
	       ev->body_case != VARVE__V1__EVENT__BODY_EXEC &&
	       ev->body_case != VARVE__V1__EVENT__BODY_EXIT &&
	       ev->body_case != VARVE__V1__EVENT__BODY_EXEC_SESSION;
}

/* Any other kind of event: by its name, in a few words. */
void proctree_take(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		   int64_t ns)
{
	if (is_setup(ev)) {
		p->setup_cnt++;
		return;
	}
	if (!take_known(takers, tree, p, ev, ns) && !take_known(proctree_net, tree, p, ev, ns) &&
	    event_kind_label(ev->body_case))
		proctree_add_line(tree, p, event_kind_label(ev->body_case), brief_text(ev), ns);
}
