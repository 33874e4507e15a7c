/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elastic Common Schema 9.4, one document per line. Only fields of ECS: what it has no place for is
 * in `labels`, which it leaves to us, and in `message`.
 */
#include "evidence/base.h"
#include "responder/views/ecs.h"
#include "responder/views/view.h"
#include <inttypes.h>
#include <string.h>

#define ECS_VERSION "9.4.0"

/* "a,b" as a list. */
static void put_list(struct writer *w, const char *key, const char *words)
{
	writer_list(w, key);
	for (const char *p = words; *p;) {
		size_t len = strcspn(p, ",");

		writer_text_len(w, NULL, p, len);
		p += len + (p[len] == ',');
	}
	writer_end(w);
}

static const char *outcome(const struct projector *p)
{
	const struct facts *f = &p->facts;

	if (f->failed)
		return "failure";
	if (!f->ev->kernel_number)
		return NULL; /* the sensor says so */
	return f->result && !strcmp(f->result, "in_progress") ? "unknown" : "success";
}

static void put_event(struct projector *p)
{
	const Varve__V1__Event *ev = p->facts.ev;
	const char *class = event_kind_class(ev->body_case);
	struct writer *w = &p->out;
	char id[PROJECTION_ID_LEN], action[64];
	size_t i = 0;

	for (; ev->kind[i] && i < sizeof(action) - 1; i++)
		action[i] =
			ev->kind[i] >= 'A' && ev->kind[i] <= 'Z' ? ev->kind[i] | 0x20 : ev->kind[i];
	action[i] = '\0';
	writer_object(w, "event");
	writer_text(w, "kind", class && !strcmp(class, "sensor") ? "state" : "event");
	put_list(w, "category", p->as->ecs_category);
	put_list(w, "type", p->as->ecs_type);
	writer_text(w, "action", action);
	writer_text(w, "code", ev->kind);
	writer_text(w, "outcome", outcome(p));
	writer_text(w, "id", projection_id(ev, id));
	writer_number(w, "sequence", ev->sequence);
	writer_text(w, "module", "varve");
	writer_text(w, "dataset", "varve.events");
	writer_text(w, "provider", "varve-sensor");
	ecs_put_count(w, "duration", &p->facts.duration_ns);
	writer_end(w);
}

static void put_places(struct writer *w, const Varve__V1__Event *ev)
{
	const Varve__V1__Container *c = ev->container;
	const Varve__V1__Pod *pod = ev->pod;

	writer_object(w, "agent");
	writer_text(w, "type", "varve-sensor");
	writer_text(w, "ephemeral_id", ev->run_id);
	writer_end(w);
	writer_object(w, "host");
	writer_text(w, "name", ev->node_name);
	writer_end(w);
	if (c) {
		writer_object(w, "container");
		writer_text(w, "id", c->id);
		writer_text(w, "name", c->name);
		writer_text(w, "runtime", c->runtime);
		writer_object(w, "image");
		writer_text(w, "name", c->image);
		writer_end(w);
		writer_end(w);
	}
	if (!pod)
		return;
	writer_object(w, "orchestrator");
	writer_text(w, "type", "kubernetes");
	writer_text(w, "namespace", pod->namespace_);
	writer_object(w, "resource");
	writer_text(w, "type", "pod");
	writer_text(w, "id", pod->uid);
	writer_text(w, "name", pod->name);
	writer_object(w, "parent");
	writer_text(w, "type", pod->workload ? pod->workload->kind : NULL);
	writer_end(w);
	writer_end(w);
	writer_end(w);
}

static void put_started(struct projector *p, bool has, uint64_t boot_ns)
{
	char when[WHEN_LEN];
	int64_t ns;

	if (has && facts_started_ns(p->facts.ev, boot_ns, &ns))
		writer_text(&p->out, "start", when_format(ns, when));
}

static void put_id(struct writer *w, const char *key, bool has, uint64_t id)
{
	if (!has)
		return;
	writer_object(w, key);
	writer_digits(w, "id", id);
	writer_end(w);
}

static void put_parent(struct projector *p)
{
	const Varve__V1__ParentProcess *parent = p->facts.ev->process->parent;
	struct writer *w = &p->out;

	if (!parent)
		return;
	writer_object(w, "parent");
	if (parent->has_pid)
		writer_number(w, "pid", parent->pid);
	writer_text(w, "entity_id", parent->process_uid);
	writer_text(w, "name", parent->name);
	writer_text(w, "executable", parent->exe_path);
	writer_text(w, "command_line", parent->cmd_line);
	put_started(p, parent->has_start_boot_time_nano, parent->start_boot_time_nano);
	writer_end(w);
}

static void put_image(struct writer *w, const struct facts *f)
{
	const Varve__V1__Exec *e = f->ev->exec;

	if (f->cwd)
		writer_text(w, "working_directory", f->cwd->path);
	if (f->ev->body_case != VARVE__V1__EVENT__BODY_EXEC)
		return;
	if (e->has_args_count)
		writer_number(w, "args_count", e->args_count);
	writer_list(w, "args");
	for (size_t i = 0; i < e->n_args; i++)
		writer_text(w, NULL, e->args[i]);
	for (size_t i = 0; i < e->n_args_tail; i++)
		writer_text(w, NULL, e->args_tail[i]);
	writer_end(w);
}

static void put_process(struct projector *p)
{
	const Varve__V1__Event *ev = p->facts.ev;
	const Varve__V1__Process *process = ev->process;
	struct writer *w = &p->out;

	if (!process)
		return;
	writer_object(w, "process");
	if (process->has_pid)
		writer_number(w, "pid", process->pid);
	writer_text(w, "entity_id", process->process_uid);
	writer_text(w, "name", process->name);
	writer_text(w, "executable", projection_exe(p));
	writer_text(w, "command_line", projection_cmd_line(p));
	put_image(w, &p->facts);
	put_started(p, process->has_start_boot_time_nano, process->start_boot_time_nano);
	if (ev->body_case == VARVE__V1__EVENT__BODY_EXIT)
		writer_text(w, "end", p->when);
	ecs_put_count(w, "exit_code", &p->facts.exit_code);
	writer_object(w, "thread");
	if (process->has_tid)
		writer_number(w, "id", process->tid);
	writer_end(w);
	put_id(w, "user", process->has_euid, process->euid);
	put_id(w, "real_user", process->has_uid, process->uid);
	put_id(w, "group", process->has_egid, process->egid);
	writer_object(w, "entry_leader");
	writer_text(w, "entity_id", process->entry ? process->entry->process_uid : NULL);
	writer_end(w);
	put_parent(p);
	writer_end(w);
	put_id(w, "user", process->has_uid, process->uid);
}

static const char *file_type(const Varve__V1__File *file)
{
	unsigned int type = file->has_mode ? file->mode >> 12 & 15 : 0;

	return type == 004 ? "dir" : type == 012 ? "symlink" : type == 010 ? "file" : NULL;
}

static void put_file(struct writer *w, const struct facts *f)
{
	/* Elastic's own agent has the new name in file.path. */
	bool renamed = f->ev->body_case == VARVE__V1__EVENT__BODY_RENAME && f->other_file;
	bool symlink = f->ev->body_case == VARVE__V1__EVENT__BODY_SYMLINK;
	const Varve__V1__File *file = renamed ? f->other_file : f->file;
	char mode[16];

	if (!file)
		return;
	writer_object(w, "file");
	writer_text(w, "path", file->path);
	writer_text(w, "name", file->path ? facts_base_name(file->path) : NULL);
	writer_text(w, "target_path", symlink ? f->target_path : NULL);
	writer_text(w, "type", file_type(file));
	if (file->has_inode)
		writer_digits(w, "inode", file->inode);
	if (file->has_mode) {
		snprintf(mode, sizeof(mode), "%04" PRIo32, file->mode & 07777);
		writer_text(w, "mode", mode);
	}
	if (file->has_uid)
		writer_digits(w, "uid", file->uid);
	if (file->has_gid)
		writer_digits(w, "gid", file->gid);
	if (file->has_size)
		writer_number(w, "size", file->size);
	writer_object(w, "hash");
	writer_text(w, "sha256", f->sha256);
	writer_end(w);
	writer_end(w);
}

static void put_error(struct writer *w, const struct facts *f)
{
	const char *name = facts_error_name(f);

	if (!f->error.known || !f->error.v)
		return;
	writer_object(w, "error");
	if (name)
		writer_text(w, "code", name);
	else
		writer_digits(w, "code", f->error.v);
	writer_text(w, "message", name ? strerrordesc_np((int)f->error.v) : NULL);
	writer_end(w);
}

static void put_labels(struct projector *p)
{
	const struct facts *f = &p->facts;
	bool renamed = f->ev->body_case == VARVE__V1__EVENT__BODY_RENAME && f->file;
	bool linked = f->ev->body_case == VARVE__V1__EVENT__BODY_LINK;
	const Varve__V1__PodOwner *workload = f->ev->pod ? f->ev->pod->workload : NULL;
	struct writer *w = &p->out;

	writer_object(w, "labels");
	writer_text(w, "call", f->call);
	writer_text(w, "result", f->result);
	writer_text(w, "old_path", renamed ? f->file->path : linked ? f->target_path : NULL);
	writer_text(w, "tty", f->tty);
	if (f->signal.known)
		writer_digits(w, "signal", f->signal.v);
	if (f->other) {
		writer_text(w, "other_process_entity_id", f->other->process_uid);
		writer_text(w, "other_process_name", f->other->name);
		if (f->other->has_pid)
			writer_digits(w, "other_process_pid", f->other->pid);
	}
	writer_text(w, "workload_kind", workload ? workload->kind : NULL);
	writer_text(w, "workload_name", workload ? workload->name : NULL);
	writer_text(w, "stream", f->ev->stream);
	if (f->ev->has_stream_sequence)
		writer_digits(w, "stream_sequence", f->ev->stream_sequence);
	writer_end(w);
}

static void ecs_record(void *state, FILE *out, const struct history_container *c,
		       const Varve__V1__Event *ev)
{
	struct projector *p = state;
	struct writer *w = &p->out;

	(void)c;
	projection_take(p, ev);
	writer_object(w, NULL);
	writer_text(w, "@timestamp", p->when);
	writer_text_len(w, "message", p->message, p->message_len);
	writer_object(w, "ecs");
	writer_text(w, "version", ECS_VERSION);
	writer_end(w);
	put_event(p);
	put_places(w, ev);
	put_process(p);
	put_file(w, &p->facts);
	ecs_put_network(w, &p->facts);
	ecs_put_dns(w, p->facts.dns);
	put_error(w, &p->facts);
	put_labels(p);
	projection_end(p, out);
}

const struct view_type view_ecs = {
	.name = "ecs",
	.open = projection_open,
	.record = ecs_record,
	.free = projection_free,
	.verdict = VIEW_VERDICT_STDERR,
};
