/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sysmon's events by the field names that Sigma's rules use, one flat object per line. What Sysmon
 * has no event for has no EventID, so no rule of its categories takes it for something else.
 */
#include "evidence/base.h"
#include "responder/views/projection.h"
#include "responder/views/view.h"
#include <inttypes.h>
#include <string.h>

/* "2026-11-20 20:00:00.123", as Sysmon writes it. */
static void put_utc_time(struct writer *w, const char *when)
{
	char text[24];

	snprintf(text, sizeof(text), "%.10s %.12s", when, when + 11);
	writer_text(w, "UtcTime", text);
}

/* Rules say "root"; other names are the container's own and not known. */
static void put_user(struct writer *w, const Varve__V1__Process *p)
{
	if (!p || !p->has_euid)
		return;
	if (p->euid)
		writer_digits(w, "User", p->euid);
	else
		writer_text(w, "User", "root");
}

static void put_process(struct projector *p)
{
	const Varve__V1__Event *ev = p->facts.ev;
	const Varve__V1__Process *process = ev->process;
	const Varve__V1__ParentProcess *parent = process ? process->parent : NULL;
	struct writer *w = &p->out;

	if (!process)
		return;
	writer_text(w, "ProcessGuid", process->process_uid);
	if (process->has_pid)
		writer_number(w, "ProcessId", process->pid);
	writer_text(w, "ProcessName", process->name);
	writer_text(w, "Image", projection_exe(p));
	writer_text(w, "CommandLine", projection_cmd_line(p));
	writer_text(w, "CurrentDirectory", p->facts.cwd ? p->facts.cwd->path : NULL);
	put_user(w, process);
	if (!parent)
		return;
	writer_text(w, "ParentProcessGuid", parent->process_uid);
	if (parent->has_pid)
		writer_number(w, "ParentProcessId", parent->pid);
	writer_text(w, "ParentImage", parent->exe_path ? parent->exe_path : parent->name);
	writer_text(w, "ParentCommandLine", parent->cmd_line);
}

static void put_file(struct writer *w, const struct facts *f)
{
	bool is_image = f->cmd_line && f->ev->body_case != VARVE__V1__EVENT__BODY_EXEC_FAILED;
	bool is_module = f->ev->body_case == VARVE__V1__EVENT__BODY_MODULE;
	const char *path = f->file ? f->file->path : NULL;
	char hashes[128];

	if (f->sha256) {
		snprintf(hashes, sizeof(hashes), "SHA256=%s", f->sha256);
		writer_text(w, "Hashes", hashes);
	}
	if (is_module)
		writer_text(w, "ImageLoaded", path ? path : f->ev->module->name);
	else if (f->other_file && f->other_file->path) {
		writer_text(w, "SourceFilename", path);
		writer_text(w, "TargetFilename", f->other_file->path);
	} else if (!is_image) {
		writer_text(w, "SourceFilename", f->target_path);
		writer_text(w, "TargetFilename", path);
	}
}

static void put_end(struct writer *w, const Varve__V1__Endpoint *e, const char *const keys[3])
{
	if (!e)
		return;
	writer_text(w, keys[0], e->ip);
	writer_text(w, keys[1], facts_ip_version(e) == 6 ? "true" : "false");
	if (e->has_port)
		writer_number(w, keys[2], e->port);
}

static void put_network(struct writer *w, const struct facts *f)
{
	static const char *const source[] = {"SourceIp", "SourceIsIpv6", "SourcePort"};
	static const char *const destination[] = {"DestinationIp", "DestinationIsIpv6",
						  "DestinationPort"};

	/* Truth values are text in Sysmon's events, and in rules. */
	writer_text(w, "Protocol", f->protocol);
	if (f->direction != FACT_DIRECTION_UNKNOWN)
		writer_text(w, "Initiated", f->direction == FACT_OUTBOUND ? "true" : "false");
	put_end(w, f->source, source);
	put_end(w, f->destination, destination);
}

/* "type:  5 www.example.com;192.0.2.7;" is what Sysmon makes of answers. */
static void put_answers(struct projector *p, const Varve__V1__DnsMessage *m)
{
	FILE *out = p->scratch;
	size_t len;

	rewind(out);
	for (size_t i = 0; i < m->n_answers; i++) {
		const Varve__V1__DnsRecord *a = m->answers[i];
		bool is_address = a->type && (!strcmp(a->type, "A") || !strcmp(a->type, "AAAA"));

		if (!a->data)
			continue;
		if (!is_address)
			fprintf(out, "type: %s ", a->type ? a->type : "?");
		fprintf(out, "%s;", a->data);
	}
	const char *text = projection_scratch(p, &len);

	if (len)
		writer_text_len(&p->out, "QueryResults", text, len);
}

static void put_dns(struct projector *p)
{
	const Varve__V1__DnsMessage *m = p->facts.dns;

	if (!m)
		return;
	if (m->n_questions)
		writer_text(&p->out, "QueryName", m->questions[0]->name);
	if (m->n_questions)
		writer_text(&p->out, "QueryType", m->questions[0]->type);
	writer_text(&p->out, "QueryStatus", m->rcode);
	put_answers(p, m);
}

/* Of a process that another one reaches into. */
static void put_access(struct projector *p)
{
	const Varve__V1__OtherProcess *other = p->facts.other;
	const Varve__V1__Process *process = p->facts.ev->process;
	struct writer *w = &p->out;

	if (!other || !process)
		return;
	writer_text(w, "SourceProcessGUID", process->process_uid);
	if (process->has_pid)
		writer_number(w, "SourceProcessId", process->pid);
	writer_text(w, "SourceImage", projection_exe(p));
	writer_text(w, "TargetProcessGUID", other->process_uid);
	if (other->has_pid)
		writer_number(w, "TargetProcessId", other->pid);
	writer_text(w, "TargetImage", other->name); /* all that is known */
}

/* What Sysmon has no fields for. */
static void put_rest(struct projector *p)
{
	const Varve__V1__Event *ev = p->facts.ev;
	const struct facts *f = &p->facts;
	struct writer *w = &p->out;
	char id[PROJECTION_ID_LEN];

	writer_text(w, "Kind", ev->kind);
	writer_text(w, "Outcome", f->failed ? "failed" : NULL);
	writer_text(w, "Error", f->failed ? facts_error_name(f) : NULL);
	writer_text(w, "Call", f->call);
	writer_text(w, "UnixPath", f->unix_path);
	if (f->exit_code.known)
		writer_number(w, "ExitCode", f->exit_code.v);
	if (f->signal.known)
		writer_number(w, "Signal", f->signal.v);
	writer_text(w, "ContainerId", ev->container ? ev->container->id : NULL);
	writer_text(w, "ContainerName", ev->container ? ev->container->name : NULL);
	writer_text(w, "ContainerImage", ev->container ? ev->container->image : NULL);
	writer_text(w, "PodNamespace", ev->pod ? ev->pod->namespace_ : NULL);
	writer_text(w, "PodName", ev->pod ? ev->pod->name : NULL);
	writer_text(w, "PodUid", ev->pod ? ev->pod->uid : NULL);
	writer_text(w, "RecordId", projection_id(ev, id));
	writer_text_len(w, "Message", p->message, p->message_len);
}

static void sysmon_record(void *state, FILE *out, const struct history_container *c,
			  const Varve__V1__Event *ev)
{
	struct projector *p = state;
	struct writer *w = &p->out;

	(void)c;
	projection_take(p, ev);
	writer_object(w, NULL);
	if (p->as->sysmon_id)
		writer_number(w, "EventID", p->as->sysmon_id);
	writer_text(w, "Category", *p->as->sigma_category ? p->as->sigma_category : NULL);
	writer_text(w, "Channel", "Linux-Sysmon/Operational");
	writer_text(w, "Computer", ev->node_name);
	put_utc_time(w, p->when);
	put_rest(p);
	put_process(p);
	put_file(w, &p->facts);
	put_network(w, &p->facts);
	put_access(p);
	put_dns(p);
	projection_end(p, out);
}

const struct view_type view_sysmon = {
	.name = "sysmon",
	.open = projection_open,
	.record = sysmon_record,
	.free = projection_free,
	.verdict = VIEW_VERDICT_STDERR,
};
