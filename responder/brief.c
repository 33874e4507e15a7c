/* SPDX-License-Identifier: Apache-2.0 */
/* One function per kind, in a table. */
#include "responder/brief.h"
#include "evidence/base.h"
#include "responder/describe.h"
#include <inttypes.h>
#include <sched.h>
#include <string.h>

static void print_credentials(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__Credentials *c = ev->credentials;
	const Varve__V1__CredentialSet *after = c->after;

	describe_string(out, c->call ? c->call : "by the kernel");
	if (!after)
		return;
	fprintf(out,
		": now user %" PRIu32 " effective %" PRIu32 ", group %" PRIu32
		" effective %" PRIu32,
		after->uid, after->euid, after->gid, after->egid);
	if (after->has_cap_effective)
		fprintf(out, ", capabilities %016" PRIx64, after->cap_effective);
}

static void print_clone_flags(FILE *out, uint32_t flags)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} names[] = {{CLONE_NEWNS, "mnt"},    {CLONE_NEWCGROUP, "cgroup"},
		     {CLONE_NEWUTS, "uts"},   {CLONE_NEWIPC, "ipc"},
		     {CLONE_NEWUSER, "user"}, {CLONE_NEWPID, "pid"},
		     {CLONE_NEWNET, "net"},   {0x80, "time"}};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (flags & names[i].flag)
			fprintf(out, " %s", names[i].name);
}

static void print_namespace(FILE *out, const Varve__V1__Event *ev)
{
	describe_string(out, ev->namespace_->call);
	print_clone_flags(out, ev->namespace_->flags);
}

static void print_other(FILE *out, const Varve__V1__OtherProcess *other)
{
	if (!other) {
		fputs(" of ?", out);
		return;
	}
	fprintf(out, " of %" PRIu32 " ", other->pid);
	describe_text(out, other->name, other->has_name_raw, other->name_raw);
}

static void print_ptrace(FILE *out, const Varve__V1__Event *ev)
{
	describe_string(out, ev->ptrace->request_name);
	print_other(out, ev->ptrace->target);
}

static void print_process_memory(FILE *out, const Varve__V1__Event *ev)
{
	describe_string(out, ev->process_memory->call);
	if (ev->process_memory->has_write && ev->process_memory->write)
		fputs(" to write", out);
	print_other(out, ev->process_memory->target);
}

static void print_memory_protect(FILE *out, const Varve__V1__Event *ev)
{
	describe_string(out, ev->memory_protect->call);
	fputs(": writable and executable", out);
	if (ev->memory_protect->file) {
		fputc(' ', out);
		describe_file(out, ev->memory_protect->file);
	}
}

static void print_memfd(FILE *out, const Varve__V1__Event *ev)
{
	describe_text(out, ev->memfd->name, ev->memfd->has_name_raw, ev->memfd->name_raw);
}

static void print_module(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__Module *m = ev->module;

	describe_string(out, m->operation);
	fputc(' ', out);
	describe_text(out, m->name, m->has_name_raw, m->name_raw);
	if (m->file) {
		fputs(" of ", out);
		describe_file(out, m->file);
	}
}

static void print_bpf(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__Bpf *b = ev->bpf;

	describe_string(out, b->command);
	if (b->program_type_name) {
		fputc(' ', out);
		describe_string(out, b->program_type_name);
	}
	if (b->program_name || b->has_program_name_raw) {
		fputc(' ', out);
		describe_text(out, b->program_name, b->has_program_name_raw, b->program_name_raw);
	}
	if (b->attach_point || b->has_attach_point_raw) {
		fputs(" at ", out);
		describe_text(out, b->attach_point, b->has_attach_point_raw, b->attach_point_raw);
	}
}

static void print_mount(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__Mount *m = ev->mount;

	describe_string(out, m->call);
	if (m->type || m->has_type_raw) {
		fputc(' ', out);
		describe_text(out, m->type, m->has_type_raw, m->type_raw);
	}
	if (m->source || m->has_source_raw) {
		fputc(' ', out);
		describe_text(out, m->source, m->has_source_raw, m->source_raw);
	}
	if (m->source_file) {
		fputc(' ', out);
		describe_file(out, m->source_file);
	}
	if (m->target) {
		fputs(" at ", out);
		describe_file(out, m->target);
	}
}

static void print_perf(FILE *out, const Varve__V1__Event *ev)
{
	describe_string(out, ev->perf_event->type_name ? ev->perf_event->type_name : "perf_event");
}

static void print_raw_socket(FILE *out, const Varve__V1__Event *ev)
{
	fprintf(out, "family %" PRId32 " protocol %" PRIu32, ev->raw_socket->family,
		ev->raw_socket->protocol);
}

static void print_comm(FILE *out, const Varve__V1__Event *ev)
{
	describe_text(out, ev->comm->old_name, ev->comm->has_old_name_raw, ev->comm->old_name_raw);
	fputs(" is now ", out);
	describe_text(out, ev->comm->new_name, ev->comm->has_new_name_raw, ev->comm->new_name_raw);
}

static void print_signal(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__Signal *s = ev->signal;
	const char *name = s->signal < 65 ? sigabbrev_np((int)s->signal) : NULL;

	fprintf(out, "%s%s (%" PRIu32 ") to", name ? "SIG" : "signal", name ? name : "", s->signal);
	if (s->target) {
		fprintf(out, " %" PRIu32 " ", s->target->pid);
		describe_text(out, s->target->name, s->target->has_name_raw, s->target->name_raw);
	} else {
		fputs(" ?", out);
	}
	if (s->has_from_outside && s->from_outside)
		fputs(" from outside", out);
}

static void print_mode(FILE *out, const Varve__V1__Event *ev)
{
	describe_file(out, ev->mode->file);
	fprintf(out, " to %04" PRIo32, ev->mode->mode);
}

static void print_id(FILE *out, const char *what, bool has, uint32_t id)
{
	if (has)
		fprintf(out, " %s %" PRIu32, what, id);
}

static void print_owner(FILE *out, const Varve__V1__Event *ev)
{
	describe_file(out, ev->owner->file);
	fputs(" to", out);
	print_id(out, "user", ev->owner->has_uid, ev->owner->uid);
	print_id(out, "group", ev->owner->has_gid, ev->owner->gid);
}

static void print_xattr(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__Xattr *x = ev->xattr;

	describe_text(out, x->name, x->has_name_raw, x->name_raw);
	fputs(x->has_removed && x->removed ? " removed from " : " of ", out);
	describe_file(out, x->file);
}

static void print_bind(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__Bind *b = ev->bind;

	if (b->unix_path || b->has_unix_path_raw) {
		fputs("unix ", out);
		describe_text(out, b->unix_path, b->has_unix_path_raw, b->unix_path_raw);
		return;
	}
	describe_string(out, b->protocol);
	fputc(' ', out);
	/* One that the kernel chose is another one each time. */
	if (b->requested && b->requested->has_port && !b->requested->port)
		fputs("any port", out);
	else
		describe_endpoint(out, b->address ? b->address : b->requested);
}

static void print_listen(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__Listen *l = ev->listen;

	if (l->unix_path || l->has_unix_path_raw) {
		fputs("unix ", out);
		describe_text(out, l->unix_path, l->has_unix_path_raw, l->unix_path_raw);
		return;
	}
	describe_string(out, l->protocol);
	fputc(' ', out);
	describe_endpoint(out, l->address);
}

static void print_unix_connect(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__UnixConnect *u = ev->unix_connect;

	if (u->peer_name || u->has_peer_name_raw)
		describe_text(out, u->peer_name, u->has_peer_name_raw, u->peer_name_raw);
	else
		describe_text(out, u->requested, u->has_requested_raw, u->requested_raw);
}

static const struct {
	Varve__V1__Event__BodyCase body;
	void (*print)(FILE *out, const Varve__V1__Event *ev);
} words[] = {
	{VARVE__V1__EVENT__BODY_CREDENTIALS, print_credentials},
	{VARVE__V1__EVENT__BODY_NAMESPACE, print_namespace},
	{VARVE__V1__EVENT__BODY_PTRACE, print_ptrace},
	{VARVE__V1__EVENT__BODY_PROCESS_MEMORY, print_process_memory},
	{VARVE__V1__EVENT__BODY_MEMORY_PROTECT, print_memory_protect},
	{VARVE__V1__EVENT__BODY_MEMFD, print_memfd},
	{VARVE__V1__EVENT__BODY_MODULE, print_module},
	{VARVE__V1__EVENT__BODY_BPF, print_bpf},
	{VARVE__V1__EVENT__BODY_MOUNT, print_mount},
	{VARVE__V1__EVENT__BODY_PERF_EVENT, print_perf},
	{VARVE__V1__EVENT__BODY_RAW_SOCKET, print_raw_socket},
	{VARVE__V1__EVENT__BODY_COMM, print_comm},
	{VARVE__V1__EVENT__BODY_SIGNAL, print_signal},
	{VARVE__V1__EVENT__BODY_MODE, print_mode},
	{VARVE__V1__EVENT__BODY_OWNER, print_owner},
	{VARVE__V1__EVENT__BODY_XATTR, print_xattr},
	{VARVE__V1__EVENT__BODY_BIND, print_bind},
	{VARVE__V1__EVENT__BODY_LISTEN, print_listen},
	{VARVE__V1__EVENT__BODY_UNIX_CONNECT, print_unix_connect},
};

void brief_event(FILE *out, const Varve__V1__Event *ev)
{
	uint32_t call_errno;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (words[i].body != ev->body_case)
			continue;
		words[i].print(out, ev);
		if (describe_errno(ev, &call_errno))
			describe_failure(out, call_errno);
		return;
	}
	describe_event(out, ev);
}
