/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By kind: what a record says of its process. The kind's function is found in a table. What ends
 * (a connection, a flow, a file that was written to) adds its bytes to the line of its beginning.
 */
#include "evidence/base.h"
#include "responder/describe.h"
#include "responder/memory.h"
#include "responder/printed.h"
#include "responder/proctree.h"
#include "responder/secrets.h"
#include <inttypes.h>
#include <string.h>

#define ARGS_SHOWN 4096 /* bytes of a process's arguments in its headline */
#define ANSWERS	   8	/* of a name that are shown */

static char *event_text(const Varve__V1__Event *ev)
{
	struct printed t;

	describe_event(printed_begin(&t), ev);
	return printed_end(&t);
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

/* "tcp 192.0.2.7:443" */
static char *peer_text(const char *protocol, const Varve__V1__Endpoint *peer)
{
	struct printed t;
	FILE *out = printed_begin(&t);

	describe_string(out, protocol);
	fputc(' ', out);
	describe_endpoint(out, peer);
	return printed_end(&t);
}

/* Takes the text over. */
static void set_place(struct proctree *tree, struct proctree_line *line, char *text)
{
	const char *place = proctree_keep(tree, text);

	if (line && !line->place)
		line->place = place;
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
	set_place(tree, proctree_add_line(tree, p, "exec", event_text(ev), ns), path_text(x->file));
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
	set_place(tree, proctree_add_line(tree, p, what, file_text(file), ns), path_text(file));
}

static void take_unlink(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
			int64_t ns)
{
	set_place(tree, proctree_add_line(tree, p, "unlink", event_text(ev), ns),
		  path_text(ev->unlink->file));
}

static void take_open(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		      int64_t ns)
{
	const Varve__V1__Open *o = ev->open;

	if (o->has_call_errno) {
		/* What was not there is not worth a line; what was refused is. */
		if (o->call_errno != ENOENT)
			proctree_add_line(tree, p, "open", event_text(ev), ns);
	} else if (o->has_created && o->created) {
		add_file(tree, p, "create", o->file, ns);
	} else if (o->has_written && o->written) {
		add_file(tree, p, "write", o->file, ns);
	} else if (secrets_is_secret(o->file ? o->file->path : NULL)) {
		add_file(tree, p, "read secret", o->file, ns);
	} else {
		p->read_cnt++;
	}
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
	set_place(tree, line, path_text(c->file));
	if (line && c->has_bytes_written)
		line->sent += c->bytes_written;
}

/* --- network */

/* How a connection ended stands for its beginning. A line whose count is 0 is not shown. */
static void drop_in_progress(struct proctree *tree, struct proctree_proc *p,
			     const Varve__V1__Event *ev)
{
	char in_progress[] = "in_progress";
	Varve__V1__Connect connect = *ev->connect;
	Varve__V1__Event begun = *ev;

	connect.outcome = in_progress;
	begun.connect = &connect;
	_cleanup_free_ char *text = event_text(&begun);
	struct proctree_line *line = proctree_find_line(tree, p, "connect", text);

	if (line && line->cnt)
		line->cnt--;
}

static void take_connect(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
			 int64_t ns)
{
	if (ev->connect->has_completion && ev->connect->completion)
		drop_in_progress(tree, p, ev);
	set_place(tree, proctree_add_line(tree, p, "connect", event_text(ev), ns),
		  peer_text(ev->connect->protocol, ev->connect->destination));
}

static void take_accept(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
			int64_t ns)
{
	Varve__V1__Endpoint peer = VARVE__V1__ENDPOINT__INIT;

	/* Its port is another one each time. */
	peer.ip = ev->accept->source ? ev->accept->source->ip : NULL;
	set_place(tree, proctree_add_line(tree, p, "accept", event_text(ev), ns),
		  peer_text(ev->accept->protocol, &peer));
}

/* As CONNECT and ACCEPT have been told. */
static char *close_text(const Varve__V1__Close *c, bool is_server)
{
	char connected[] = "connected";
	Varve__V1__Connect connect = VARVE__V1__CONNECT__INIT;
	Varve__V1__Accept accept = VARVE__V1__ACCEPT__INIT;
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;

	if (is_server) {
		accept.protocol = c->protocol;
		accept.source = c->source;
		accept.destination = c->destination;
		ev.body_case = VARVE__V1__EVENT__BODY_ACCEPT;
		ev.accept = &accept;
	} else {
		connect.protocol = c->protocol;
		connect.destination = c->destination;
		connect.outcome = connected;
		ev.body_case = VARVE__V1__EVENT__BODY_CONNECT;
		ev.connect = &connect;
	}
	return event_text(&ev);
}

static void take_close(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		       int64_t ns)
{
	const Varve__V1__Close *c = ev->close;
	bool is_server = c->role && !strcmp(c->role, "server");
	const char *what = is_server ? "accept" : "connect";
	char *text = close_text(c, is_server);
	struct proctree_line *line = proctree_find_line(tree, p, what, text);

	if (line)
		free(text);
	else
		line = proctree_add_line(tree, p, "close", text, ns);
	set_place(tree, line, peer_text(c->protocol, is_server ? c->source : c->destination));
	if (!line)
		return;
	line->sent += c->bytes_sent;
	line->received += c->bytes_received;
}

static void take_udp_flow(struct proctree *tree, struct proctree_proc *p,
			  const Varve__V1__Event *ev, int64_t ns)
{
	const Varve__V1__UdpFlow *u = ev->udp_flow;
	bool is_inbound = u->direction && !strcmp(u->direction, "inbound");
	struct proctree_line *line = NULL;
	struct printed t;
	FILE *out = printed_begin(&t);

	fputs(is_inbound ? "from " : "to ", out);
	describe_endpoint(out, is_inbound ? u->source : u->destination);
	char *text = printed_end(&t);

	/* The record of its end is not another flow. */
	if (u->end)
		line = proctree_find_line(tree, p, "udp", text);
	if (line)
		free(text);
	else
		line = proctree_add_line(tree, p, "udp", text, ns);
	set_place(tree, line, peer_text("udp", is_inbound ? u->source : u->destination));
	if (!line || !u->end)
		return;
	line->sent += u->bytes_sent;
	line->received += u->bytes_received;
}

static char *query_text(const Varve__V1__DnsQuestion *q)
{
	struct printed t;
	FILE *out = printed_begin(&t);

	describe_string(out, q->name);
	fputc(' ', out);
	describe_string(out, q->type);
	return printed_end(&t);
}

static char *answer_text(const Varve__V1__DnsMessage *m, const char *query)
{
	struct printed t;
	FILE *out = printed_begin(&t);

	fprintf(out, "%s: ", query);
	if (m->rcode && strcmp(m->rcode, "NOERROR"))
		describe_string(out, m->rcode);
	for (size_t i = 0; i < m->n_answers && i < ANSWERS; i++) {
		fputs(i ? ", " : "", out);
		describe_string(out,
				m->answers[i]->data ? m->answers[i]->data : m->answers[i]->type);
	}
	if (m->n_answers > ANSWERS)
		fprintf(out, " and %zu more", m->n_answers - ANSWERS);
	return printed_end(&t);
}

/* An answer stands for its question. */
static void take_message(struct proctree *tree, struct proctree_proc *p,
			 const Varve__V1__DnsMessage *m, int64_t ns)
{
	for (size_t i = 0; i < m->n_questions; i++) {
		char *query = query_text(m->questions[i]);
		struct proctree_line *line;

		if (!m->has_response || !m->response) {
			proctree_add_line(tree, p, "dns", query, ns);
			continue;
		}
		line = proctree_find_line(tree, p, "dns", query);
		if (line && line->cnt)
			line->cnt--;
		proctree_add_line(tree, p, "dns", answer_text(m, query), ns);
		free(query);
	}
}

static void take_dns(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		     int64_t ns)
{
	for (size_t i = 0; i < ev->dns->n_messages; i++)
		take_message(tree, p, ev->dns->messages[i], ns);
}

static const struct {
	Varve__V1__Event__BodyCase body;
	void (*fn)(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		   int64_t ns);
} takers[] = {
	{VARVE__V1__EVENT__BODY_FORK, take_fork},
	{VARVE__V1__EVENT__BODY_EXEC, take_exec},
	{VARVE__V1__EVENT__BODY_EXIT, take_exit},
	{VARVE__V1__EVENT__BODY_EXEC_SESSION, take_session},
	{VARVE__V1__EVENT__BODY_OPEN, take_open},
	{VARVE__V1__EVENT__BODY_UNLINK, take_unlink},
	{VARVE__V1__EVENT__BODY_CLOSE_WRITE, take_close_write},
	{VARVE__V1__EVENT__BODY_CONNECT, take_connect},
	{VARVE__V1__EVENT__BODY_ACCEPT, take_accept},
	{VARVE__V1__EVENT__BODY_CLOSE, take_close},
	{VARVE__V1__EVENT__BODY_UDP_FLOW, take_udp_flow},
	{VARVE__V1__EVENT__BODY_DNS, take_dns},
	{VARVE__V1__EVENT__BODY_PROCESS_SNAPSHOT, take_snapshot},
};

/* Any other kind of event: by its name. */
void proctree_take(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		   int64_t ns)
{
	for (size_t i = 0; i < ARRAY_SIZE(takers); i++) {
		if (takers[i].body == ev->body_case) {
			takers[i].fn(tree, p, ev, ns);
			return;
		}
	}
	if (event_kind_label(ev->body_case))
		proctree_add_line(tree, p, event_kind_label(ev->body_case), event_text(ev), ns);
}
