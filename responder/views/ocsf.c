/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCSF 1.8, one event per line, with the profiles container, datetime, host and linux_users. A
 * record that lacks what its class requires goes out as a base event rather than not at all.
 */
#include "evidence/base.h"
#include "responder/views/projection.h"
#include "responder/views/view.h"
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define OCSF_VERSION "1.8.0"
#define NSEC_PER_MS  1000000
#define SYSTEM_CALL  2 /* kernel.type_id */

static const struct ocsf_class_type {
	unsigned int uid;
	const char *name;
	unsigned int needs;
} classes[] = {
#define CLASS(name_, uid_, caption, needs_) [OCSF_##name_] = {uid_, caption, needs_},
	OCSF_CLASSES(CLASS)
#undef CLASS
};

/* --- objects */

static unsigned int file_type(const Varve__V1__File *file)
{
	static const unsigned char types[16] = {
		[001] = 6, [002] = 3, [004] = 2, [006] = 4, [010] = 1, [012] = 7, [014] = 5};

	return file->has_mode ? types[file->mode >> 12 & 15] : 0;
}

static void put_sha256(struct writer *w, const char *sha256)
{
	if (!sha256)
		return;
	writer_list(w, "hashes");
	writer_object(w, NULL);
	writer_number(w, "algorithm_id", 3);
	writer_text(w, "algorithm", "SHA-256");
	writer_text(w, "value", sha256);
	writer_end(w);
	writer_end(w);
}

static void put_file(struct writer *w, const char *key, const Varve__V1__File *file,
		     const char *sha256)
{
	if (!file)
		return;
	writer_object(w, key);
	writer_text(w, "name", facts_base_name(file->path));
	writer_text(w, "path", file->path);
	writer_number(w, "type_id", file_type(file));
	if (file->has_size)
		writer_number(w, "size", file->size);
	if (file->has_inode)
		writer_digits(w, "uid", file->inode);
	if (file->has_uid) {
		writer_object(w, "owner");
		writer_digits(w, "uid", file->uid);
		writer_end(w);
	}
	if (file->has_unlinked && file->unlinked)
		writer_bool(w, "is_deleted", true);
	put_sha256(w, sha256);
	writer_end(w);
}

static void put_started(struct projector *p, bool has, uint64_t boot_ns)
{
	char when[WHEN_LEN];
	int64_t ns;

	if (!has || !facts_started_ns(p->facts.ev, boot_ns, &ns))
		return;
	writer_signed(&p->out, "created_time", ns / NSEC_PER_MS);
	writer_text(&p->out, "created_time_dt", projection_when(p, ns, when));
}

static bool has_parent(const Varve__V1__Process *p)
{
	return p && p->parent && (p->parent->has_pid || p->parent->process_uid);
}

static void put_parent(struct projector *p, const char *key)
{
	const Varve__V1__ParentProcess *parent = p->facts.ev->process->parent;
	struct writer *w = &p->out;

	writer_object(w, key);
	if (parent->has_pid)
		writer_number(w, "pid", parent->pid);
	writer_text(w, "uid", parent->process_uid);
	writer_text(w, "name", parent->name);
	writer_text(w, "path", parent->exe_path);
	writer_text(w, "cmd_line", parent->cmd_line);
	put_started(p, parent->has_start_boot_time_nano, parent->start_boot_time_nano);
	writer_end(w);
}

static void put_other(struct projector *p, const char *key)
{
	const Varve__V1__OtherProcess *other = p->facts.other;
	struct writer *w = &p->out;

	writer_object(w, key);
	if (other->has_pid)
		writer_number(w, "pid", other->pid);
	writer_text(w, "uid", other->process_uid);
	if (other->has_tid)
		writer_number(w, "tid", other->tid);
	writer_text(w, "name", other->name);
	put_started(p, other->has_start_boot_time_nano, other->start_boot_time_nano);
	writer_end(w);
}

static void put_owner(struct writer *w, const Varve__V1__Process *p)
{
	if (p->has_euid)
		writer_number(w, "euid", p->euid);
	if (p->has_egid)
		writer_number(w, "egid", p->egid);
	if (p->has_uid) {
		writer_object(w, "user");
		writer_digits(w, "uid", p->uid);
		writer_end(w);
	}
	if (p->has_gid) {
		writer_object(w, "group");
		writer_digits(w, "uid", p->gid);
		writer_end(w);
	}
}

/* The process; of what it tried to run, the program is what that would have been. */
static void put_process(struct projector *p, const char *key, bool with_image)
{
	const Varve__V1__Event *ev = p->facts.ev;
	const Varve__V1__Process *process = ev->process;
	const struct facts *f = &p->facts;
	struct writer *w = &p->out;
	bool is_attempt = with_image && ev->body_case == VARVE__V1__EVENT__BODY_EXEC_FAILED;
	const char *exe = is_attempt && f->file ? f->file->path : projection_exe(p);

	writer_object(w, key);
	if (process->has_pid)
		writer_number(w, "pid", process->pid);
	writer_text(w, "uid", process->process_uid);
	if (process->has_tid)
		writer_number(w, "tid", process->tid);
	writer_text(w, "name", is_attempt ? facts_base_name(exe) : process->name);
	writer_text(w, "path", exe);
	writer_text(w, "cmd_line", is_attempt ? f->cmd_line : projection_cmd_line(p));
	put_started(p, process->has_start_boot_time_nano, process->start_boot_time_nano);
	if (process->has_ns_pid)
		writer_number(w, "namespace_pid", process->ns_pid);
	put_owner(w, process);
	if (with_image && f->cmd_line)
		put_file(w, "file", f->file, NULL);
	if (with_image && f->cwd)
		writer_text(w, "working_directory", f->cwd->path);
	if (with_image && has_parent(process))
		put_parent(p, "parent_process");
	writer_end(w);
}

static bool has_process(const Varve__V1__Event *ev)
{
	return ev->process && (ev->process->has_pid || ev->process->process_uid);
}

/* Who did it: of a new process its parent, of one that was moved who moved it. */
static void put_actor(struct projector *p)
{
	const Varve__V1__Event *ev = p->facts.ev;
	bool is_launch = ev->body_case == VARVE__V1__EVENT__BODY_FORK ||
			 ev->body_case == VARVE__V1__EVENT__BODY_EXEC;
	bool is_moved = ev->body_case == VARVE__V1__EVENT__BODY_EXEC_SESSION ||
			ev->body_case == VARVE__V1__EVENT__BODY_CGROUP_MOVE;
	const Varve__V1__OtherProcess *other = p->facts.other;

	if (!has_process(ev))
		return;
	writer_object(&p->out, "actor");
	if (is_launch && has_parent(ev->process))
		put_parent(p, "process");
	else if (is_moved && other && (other->has_pid || other->process_uid))
		put_other(p, "process");
	else
		put_process(p, "process", false);
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

/* --- what each class has of its own */

static void put_file_activity(struct projector *p)
{
	const struct facts *f = &p->facts;

	put_file(&p->out, "file", f->file, f->sha256);
	put_file(&p->out, "file_result", f->other_file, NULL);
}

static void put_file_query(struct projector *p)
{
	put_file(&p->out, "file", p->facts.file, p->facts.sha256);
	writer_number(&p->out, "query_result_id", p->facts.sha256 ? 1 : 4);
}

static void put_process_query(struct projector *p)
{
	put_process(p, "process", true);
	writer_number(&p->out, "query_result_id", 1);
}

static void put_process_activity(struct projector *p)
{
	const Varve__V1__Event *ev = p->facts.ev;
	static const unsigned char launch_types[] = {
		[VARVE__V1__EVENT__BODY_FORK] = 2,
		[VARVE__V1__EVENT__BODY_EXEC] = 3,
		[VARVE__V1__EVENT__BODY_EXEC_FAILED] = 3,
	};

	put_process(p, "process", true);
	if ((size_t)ev->body_case < sizeof(launch_types) && launch_types[ev->body_case])
		writer_number(&p->out, "launch_type_id", launch_types[ev->body_case]);
	if (p->facts.exit_code.known)
		writer_number(&p->out, "exit_code", p->facts.exit_code.v);
}

static void put_process_other(struct projector *p)
{
	put_other(p, "process");
}

static void put_hex(struct writer *w, const char *key, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, v);
	writer_text(w, key, text);
}

static void put_memory(struct projector *p)
{
	const Varve__V1__MemoryProtect *m = p->facts.ev->memory_protect;

	put_process(p, "process", true);
	if (m->has_address)
		put_hex(&p->out, "base_address", m->address);
	if (m->has_length)
		writer_number(&p->out, "size", m->length);
	if (m->has_protection)
		writer_number(&p->out, "requested_permissions", m->protection);
}

static void put_memory_other(struct projector *p)
{
	const Varve__V1__ProcessMemory *m = p->facts.ev->process_memory;

	put_process_other(p);
	if (m->has_address)
		put_hex(&p->out, "base_address", m->address);
	if (m->has_bytes)
		writer_number(&p->out, "size", m->bytes);
}

/* is_local: it is in this container (or on this node). */
static void put_endpoint(struct projector *p, const char *key, const Varve__V1__Endpoint *e,
			 const char *name, bool is_local)
{
	const Varve__V1__Event *ev = p->facts.ev;
	const char *ip = e ? e->ip : NULL;
	struct writer *w = &p->out;

	writer_object(w, key);
	writer_text(w, facts_ip_version(e) ? "ip" : "name", ip ? ip : name);
	if (e && e->has_port && e->port <= UINT16_MAX && ip)
		writer_number(w, "port", e->port);
	if (is_local)
		writer_text(w, "instance_uid", ev->container ? ev->container->id : ev->node_name);
	writer_end(w);
}

static void put_connection(struct projector *p)
{
	static const unsigned char directions[] = {
		[FACT_DIRECTION_UNKNOWN] = 0, [FACT_INBOUND] = 1, [FACT_OUTBOUND] = 2};
	const struct facts *f = &p->facts;
	int version = facts_ip_version(f->destination);
	struct writer *w = &p->out;

	writer_object(w, "connection_info");
	writer_number(w, "direction_id", directions[f->direction]);
	writer_text(w, "protocol_name", f->protocol);
	if (f->protocol && !strcmp(f->protocol, "tcp"))
		writer_number(w, "protocol_num", 6);
	else if (f->protocol && !strcmp(f->protocol, "udp"))
		writer_number(w, "protocol_num", 17);
	if (version)
		writer_number(w, "protocol_ver_id", version);
	if (f->socket_cookie.known)
		writer_digits(w, "uid", f->socket_cookie.v);
	writer_end(w);
}

static void put_count(struct writer *w, const char *key, const struct fact_number *n)
{
	if (n->known)
		writer_number(w, key, n->v);
}

static void put_network(struct projector *p)
{
	const struct facts *f = &p->facts;
	bool outbound = f->direction == FACT_OUTBOUND, inbound = f->direction == FACT_INBOUND;
	bool at_destination = inbound || (!outbound && !f->source);

	put_endpoint(p, "src_endpoint", f->source, NULL, outbound);
	put_endpoint(p, "dst_endpoint", f->destination, f->unix_path, at_destination);
	put_connection(p);
	writer_object(&p->out, "traffic");
	put_count(&p->out, "bytes_in", &f->bytes_received);
	put_count(&p->out, "bytes_out", &f->bytes_sent);
	put_count(&p->out, "packets_in", &f->packets_received);
	put_count(&p->out, "packets_out", &f->packets_sent);
	writer_end(&p->out);
	if (f->duration_ns.known)
		writer_number(&p->out, "duration", f->duration_ns.v / NSEC_PER_MS);
}

static unsigned int rcode_id(const char *rcode)
{
	static const char *const names[] = {
		"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED",
		"YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(rcode, names[i]))
			return i;
	return 99;
}

static void put_answers(struct writer *w, const Varve__V1__DnsMessage *m)
{
	writer_list(w, "answers");
	for (size_t i = 0; i < m->n_answers; i++) {
		const Varve__V1__DnsRecord *a = m->answers[i];

		writer_object(w, NULL);
		writer_text(w, "rdata", a->data ? a->data : "");
		writer_text(w, "type", a->type);
		writer_text(w, "class", a->class_);
		if (a->has_ttl)
			writer_number(w, "ttl", a->ttl);
		writer_end(w);
	}
	writer_end(w);
}

static void put_dns(struct projector *p)
{
	const Varve__V1__DnsMessage *m = p->facts.dns;
	const Varve__V1__DnsQuestion *q = m && m->n_questions ? m->questions[0] : NULL;
	struct writer *w = &p->out;

	put_network(p);
	if (q && q->name) {
		writer_object(w, "query");
		writer_text(w, "hostname", q->name);
		writer_text(w, "type", q->type);
		writer_text(w, "class", q->class_);
		writer_text(w, "opcode", m->opcode);
		if (m->has_id)
			writer_number(w, "packet_uid", m->id);
		writer_end(w);
	}
	if (m)
		put_answers(w, m);
	if (m && m->rcode) {
		writer_text(w, "rcode", m->rcode);
		writer_number(w, "rcode_id", rcode_id(m->rcode));
	}
}

static void put_kernel(struct projector *p)
{
	static const struct {
		Varve__V1__Event__BodyCase body;
		const char *system_call;
	} calls[] = {
		{VARVE__V1__EVENT__BODY_RAW_SOCKET, "socket"},
		{VARVE__V1__EVENT__BODY_BPF, "bpf"},
		{VARVE__V1__EVENT__BODY_PERF_EVENT, "perf_event_open"},
		{VARVE__V1__EVENT__BODY_IO_URING, "io_uring_setup"},
		{VARVE__V1__EVENT__BODY_KEYRING, "keyctl"},
	};
	const char *call = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].body == p->facts.ev->body_case)
			call = calls[i].system_call;
	writer_object(&p->out, "kernel");
	writer_text(&p->out, "name", p->facts.call ? p->facts.call : call ? call : "");
	writer_number(&p->out, "type_id", SYSTEM_CALL);
	writer_text(&p->out, "system_call", call);
	writer_end(&p->out);
}

static void put_kernel_extension(struct projector *p)
{
	const Varve__V1__Module *m = p->facts.ev->module;
	const char *path = p->facts.file ? p->facts.file->path : NULL;

	writer_object(&p->out, "driver");
	writer_object(&p->out, "file");
	writer_text(&p->out, "name", m->name ? m->name : facts_base_name(path));
	writer_text(&p->out, "path", path);
	writer_number(&p->out, "type_id", 1);
	writer_end(&p->out);
	writer_end(&p->out);
}

static void put_application(struct projector *p)
{
	const Varve__V1__Event *ev = p->facts.ev;
	const Varve__V1__Container *c = ev->container;
	bool is_run = ev->body_case == VARVE__V1__EVENT__BODY_RUN_START ||
		      ev->body_case == VARVE__V1__EVENT__BODY_RUN_END;

	writer_object(&p->out, "app");
	writer_text(&p->out, "name", is_run ? "varve-sensor" : c ? c->name : NULL);
	writer_text(&p->out, "uid", is_run ? ev->run_id : c && c->id ? c->id : ev->stream);
	writer_end(&p->out);
}

static void put_nothing(struct projector *p)
{
	(void)p;
}

static void (*const parts[])(struct projector *p) = {
	[OCSF_BASE] = put_nothing,
	[OCSF_FILE] = put_file_activity,
	[OCSF_KERNEL_EXTENSION] = put_kernel_extension,
	[OCSF_KERNEL] = put_kernel,
	[OCSF_MEMORY] = put_memory,
	[OCSF_MEMORY_OTHER] = put_memory_other,
	[OCSF_PROCESS] = put_process_activity,
	[OCSF_PROCESS_OTHER] = put_process_other,
	[OCSF_NETWORK] = put_network,
	[OCSF_DNS] = put_dns,
	[OCSF_FILE_QUERY] = put_file_query,
	[OCSF_PROCESS_QUERY] = put_process_query,
	[OCSF_APPLICATION] = put_application,
};
_Static_assert(ARRAY_SIZE(parts) == OCSF_CLASS_CNT, "each class has its part");

/* --- what all have */

static enum ocsf_class choose_class(const struct projector *p)
{
	const struct facts *f = &p->facts;
	unsigned int needs = classes[p->as->ocsf_class].needs;
	const Varve__V1__OtherProcess *other = f->other;
	bool has_other = other && (other->has_pid || other->process_uid);

	if ((needs & OCSF_NEEDS_PROCESS && !has_process(f->ev)) ||
	    (needs & OCSF_NEEDS_OTHER && !has_other) || (needs & OCSF_NEEDS_FILE && !f->file))
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
	put_count(w, "signal", &f->signal);
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
	writer_signed(w, "time", p->time_ns / NSEC_PER_MS);
	writer_text(w, "time_dt", p->when);
	put_status(p);
	writer_text_len(w, "message", p->message, p->message_len);
	put_metadata(p);
	put_device(p);
	put_actor(p);
	parts[class](p);
	put_unmapped(p);
	writer_end(w);
	writer_raw(w, "\n", 1);
	writer_flush(w, out);
}

const struct view_type view_ocsf = {
	.name = "ocsf",
	.open = projection_open,
	.record = ocsf_record,
	.free = projection_free,
	.verdict = VIEW_VERDICT_STDERR,
};
