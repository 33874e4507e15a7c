/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timesketch's JSON lines: message, datetime, timestamp_desc and timestamp (microseconds), and flat
 * fields. Names have no dots and no leading underscore: its importer drops the one and OpenSearch
 * makes objects of the other.
 */
#include "evidence/base.h"
#include "responder/views/projection.h"
#include "responder/views/view.h"
#include <inttypes.h>
#include <string.h>

static void put_count(struct writer *w, const char *key, const struct fact_number *n)
{
	if (n->known)
		writer_number(w, key, n->v);
}

static void put_time(struct projector *p)
{
	char text[WHEN_LEN + 8];

	writer_text(&p->out, "datetime", p->when);
	writer_text(&p->out, "timestamp_desc", p->as->words);
	writer_signed(&p->out, "timestamp", p->time_ns / 1000);
	snprintf(text, sizeof(text), "varve:%.32s", p->facts.ev->kind);
	for (char *s = text; *s; s++)
		*s |= *s >= 'A' && *s <= 'Z' ? 0x20 : 0;
	writer_text(&p->out, "data_type", text);
}

static void put_places(struct writer *w, const Varve__V1__Event *ev)
{
	writer_text(w, "hostname", ev->node_name);
	if (ev->pod) {
		writer_text(w, "pod_namespace", ev->pod->namespace_);
		writer_text(w, "pod_name", ev->pod->name);
		writer_text(w, "pod_uid", ev->pod->uid);
		writer_text(w, "workload", ev->pod->workload ? ev->pod->workload->name : NULL);
	}
	if (ev->container) {
		writer_text(w, "container_name", ev->container->name);
		writer_text(w, "container_id", ev->container->id);
		writer_text(w, "container_image", ev->container->image);
	}
}

static void put_process(struct projector *p)
{
	const Varve__V1__Process *process = p->facts.ev->process;
	struct writer *w = &p->out;

	if (!process)
		return;
	writer_text(w, "process_name", process->name);
	if (process->has_pid)
		writer_number(w, "pid", process->pid);
	writer_text(w, "process_uid", process->process_uid);
	if (process->has_uid)
		writer_number(w, "uid", process->uid);
	if (process->has_euid)
		writer_number(w, "euid", process->euid);
	writer_text(w, "exe_path", projection_exe(p));
	writer_text(w, "cmd_line", projection_cmd_line(p));
	writer_text(w, "entry", process->entry ? process->entry->how : NULL);
	if (!process->parent)
		return;
	if (process->parent->has_pid)
		writer_number(w, "parent_pid", process->parent->pid);
	writer_text(w, "parent_name", process->parent->name);
	writer_text(w, "parent_process_uid", process->parent->process_uid);
}

static void put_end(struct writer *w, const Varve__V1__Endpoint *e, const char *ip,
		    const char *port)
{
	if (!e)
		return;
	writer_text(w, ip, e->ip);
	if (e->has_port)
		writer_number(w, port, e->port);
}

static void put_facts(struct writer *w, const struct facts *f)
{
	writer_text(w, "file_path", f->file ? f->file->path : NULL);
	writer_text(w, "new_path", f->other_file ? f->other_file->path : NULL);
	writer_text(w, "target_path", f->target_path);
	writer_text(w, "sha256", f->sha256);
	writer_text(w, "protocol", f->protocol);
	put_end(w, f->source, "source_ip", "source_port");
	put_end(w, f->destination, "destination_ip", "destination_port");
	writer_text(w, "unix_path", f->unix_path);
	put_count(w, "bytes_sent", &f->bytes_sent);
	put_count(w, "bytes_received", &f->bytes_received);
	if (f->dns && f->dns->n_questions)
		writer_text(w, "dns_name", f->dns->questions[0]->name);
	if (f->other && f->other->has_pid)
		writer_number(w, "other_pid", f->other->pid);
	writer_text(w, "call", f->call);
	writer_text(w, "result", f->result);
	writer_text(w, "outcome", f->failed ? "failed" : NULL);
	writer_text(w, "error", facts_error_name(f));
	put_count(w, "exit_code", &f->exit_code);
	put_count(w, "signal", &f->signal);
}

static void timesketch_record(void *state, FILE *out, const struct history_container *c,
			      const Varve__V1__Event *ev)
{
	struct projector *p = state;
	struct writer *w = &p->out;

	(void)c;
	projection_take(p, ev);
	writer_object(w, NULL);
	writer_text_len(w, "message", p->message, p->message_len);
	put_time(p);
	writer_text(w, "kind", ev->kind);
	writer_text(w, "run_id", ev->run_id);
	writer_number(w, "sequence", ev->sequence);
	put_places(w, ev);
	put_process(p);
	put_facts(w, &p->facts);
	projection_end(p, out);
}

const struct view_type view_timesketch = {
	.name = "timesketch",
	.open = projection_open,
	.record = timesketch_record,
	.free = projection_free,
	.verdict = VIEW_VERDICT_STDERR,
};
