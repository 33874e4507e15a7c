/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCSF 1.8, one event per line, with the profiles container, datetime, host and linux_users. A
 * record that lacks what its class requires goes out as a base event rather than not at all.
 */
#include "evidence/base.h"
#include "responder/views/ocsf.h"
#include "responder/views/view.h"
#include <ctype.h>
#include <string.h>

#define OCSF_VERSION "1.8.0"

static const struct ocsf_class_type {
	unsigned int uid;
	const char *name;
	unsigned int needs;
} classes[] = {
#define CLASS(name_, uid_, caption, needs_) [OCSF_##name_] = {uid_, caption, needs_},
	OCSF_CLASSES(CLASS)
#undef CLASS
};

static void put_actor(struct projector *p)
{
	const Varve__V1__Event *ev = p->facts.ev;
	bool is_launch = ev->body_case == VARVE__V1__EVENT__BODY_FORK ||
			 ev->body_case == VARVE__V1__EVENT__BODY_EXEC;
	bool is_moved = ev->body_case == VARVE__V1__EVENT__BODY_EXEC_SESSION ||
			ev->body_case == VARVE__V1__EVENT__BODY_CGROUP_MOVE;

	if (!ocsf_has_process(ev))
		return;
	writer_object(&p->out, "actor");
	if (is_launch && ocsf_has_parent(ev->process))
		ocsf_put_parent(p, "process");
	else if (is_moved && ocsf_has_other(&p->facts))
		ocsf_put_other(p, "process");
	else
		ocsf_put_process(p, "process", false);
	writer_end(&p->out);
}

static bool is_uuid(const char *s)
{
	size_t i = 0;

	for (; s && s[i]; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	}
	return s && i == UUID_LEN;
}

static void put_tag(struct writer *w, const char *name, const char *value)
{
	if (!value)
		return;
	writer_object(w, NULL);
	writer_text(w, "name", name);
	writer_text(w, "value", value);
	writer_end(w);
}

static void put_container(struct writer *w, const Varve__V1__Event *ev)
{
	const Varve__V1__Container *c = ev->container;
	const Varve__V1__Pod *pod = ev->pod;

	if (!c || !(c->id || c->name))
		return;
	writer_object(w, "container");
	writer_text(w, "uid", c->id);
	writer_text(w, "name", c->name);
	writer_text(w, "runtime", c->runtime);
	writer_object(w, "image");
	writer_text(w, "uid", c->image); /* required; its digest is not known */
	writer_text(w, "name", c->image);
	writer_end(w);
	if (pod) {
		writer_text(w, "orchestrator", "Kubernetes");
		writer_text(w, "pod_uuid", is_uuid(pod->uid) ? pod->uid : NULL);
		writer_list(w, "tags");
		put_tag(w, "pod_uid", pod->uid);
		put_tag(w, "pod_name", pod->name);
		put_tag(w, "pod_namespace", pod->namespace_);
		put_tag(w, "workload_kind", pod->workload ? pod->workload->kind : NULL);
		put_tag(w, "workload_name", pod->workload ? pod->workload->name : NULL);
		writer_end(w);
	}
	writer_end(w);
}

static enum ocsf_class choose_class(const struct projector *p)
{
	const struct facts *f = &p->facts;
	unsigned int needs = classes[p->as->ocsf_class].needs;

	if ((needs & OCSF_NEEDS_PROCESS && !ocsf_has_process(f->ev)) ||
	    (needs & OCSF_NEEDS_OTHER && !ocsf_has_other(f)) ||
	    (needs & OCSF_NEEDS_FILE && !f->file))
		return OCSF_BASE;
	return p->as->ocsf_class;
}

static void put_class(struct projector *p, enum ocsf_class class)
{
	static const struct {
		unsigned int uid;
		const char *name;
	} categories[] = {{0, "Uncategorized"},
			  {1, "System Activity"},
			  {4, "Network Activity"},
			  {5, "Discovery"},
			  {6, "Application Activity"}};
	unsigned int uid = classes[class].uid;
	unsigned int activity = class == OCSF_BASE ? 99 : p->as->ocsf_activity;
	struct writer *w = &p->out;

	writer_number(w, "activity_id", activity);
	if (activity == 99)
		writer_text(w, "activity_name", p->as->words);
	writer_number(w, "category_uid", uid / 1000);
	for (size_t i = 0; i < ARRAY_SIZE(categories); i++)
		if (categories[i].uid == uid / 1000)
			writer_text(w, "category_name", categories[i].name);
	writer_number(w, "class_uid", uid);
	writer_text(w, "class_name", classes[class].name);
	writer_number(w, "type_uid", (uint64_t)uid * 100 + activity);
	writer_number(w, "severity_id", 1);
	writer_text(w, "severity", "Informational");
}

static void put_status(struct projector *p)
{
	const struct facts *f = &p->facts;
	bool is_pending = f->result && !strcmp(f->result, "in_progress");
	struct writer *w = &p->out;

	writer_number(w, "status_id", f->failed ? 2 : is_pending ? 0 : 1);
	writer_text(w, "status", f->failed ? "Failure" : is_pending ? "Unknown" : "Success");
	if (!f->error.known)
		return;
	const char *name = facts_error_name(f);

	if (name)
		writer_text(w, "status_code", name);
	else
		writer_digits(w, "status_code", f->error.v);
	writer_text(w, "status_detail", name ? strerrordesc_np((int)f->error.v) : NULL);
}

static void put_metadata(struct projector *p)
{
	static const char profiles[] =
		"\"profiles\":[\"container\",\"datetime\",\"host\",\"linux/linux_users\"]";
	const Varve__V1__Event *ev = p->facts.ev;
	struct writer *w = &p->out;
	char id[PROJECTION_ID_LEN];

	writer_object(w, "metadata");
	writer_text(w, "version", OCSF_VERSION);
	writer_raw(w, ",", 1);
	writer_raw(w, profiles, strlen(profiles));
	writer_text(w, "uid", projection_id(ev, id));
	writer_number(w, "sequence", ev->sequence);
	writer_text(w, "event_code", ev->kind);
	writer_object(w, "product");
	writer_text(w, "name", "Varve");
	writer_text(w, "vendor_name", "Varve");
	writer_text(w, "version", VARVE_VERSION);
	writer_end(w);
	writer_end(w);
}

static void put_device(struct projector *p)
{
	struct writer *w = &p->out;

	writer_object(w, "device");
	writer_number(w, "type_id", 1);
	writer_text(w, "hostname", p->facts.ev->node_name);
	put_container(w, p->facts.ev);
	writer_end(w);
}

static void put_unmapped(struct projector *p)
{
	const struct facts *f = &p->facts;
	struct writer *w = &p->out;

	writer_object(w, "unmapped");
	writer_text(w, "call", f->call);
	writer_text(w, "result", f->result);
	writer_text(w, "target_path", f->target_path);
	writer_text(w, "unix_path", f->unix_path);
	writer_text(w, "tty", f->tty);
	ocsf_put_count(w, "signal", &f->signal);
	writer_text(w, "stream", f->ev->stream);
	if (f->ev->has_stream_sequence)
		writer_number(w, "stream_sequence", f->ev->stream_sequence);
	writer_end(w);
}

static void ocsf_record(void *state, FILE *out, const struct history_container *c,
			const Varve__V1__Event *ev)
{
	struct projector *p = state;

	(void)c;
	projection_take(p, ev);

	enum ocsf_class class = choose_class(p);
	struct writer *w = &p->out;

	writer_object(w, NULL);
	put_class(p, class);
	writer_signed(w, "time", p->time_ns / OCSF_NSEC_PER_MS);
	writer_text(w, "time_dt", p->when);
	put_status(p);
	writer_text_len(w, "message", p->message, p->message_len);
	put_metadata(p);
	put_device(p);
	put_actor(p);
	ocsf_put_part(p, class);
	put_unmapped(p);
	projection_end(p, out);
}

const struct view_type view_ocsf = {
	.name = "ocsf",
	.open = projection_open,
	.record = ocsf_record,
	.free = projection_free,
	.verdict = VIEW_VERDICT_STDERR,
};
