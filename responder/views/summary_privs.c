/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changes who may do what: credentials, namespaces, other processes' memory, the kernel; and
 * what was tried and refused. In words of their own where describe_event() would tell addresses and
 * descriptors, which make each of them another thing.
 */
#include "responder/views/summary.h"
#include "evidence/base.h"
#include "responder/describe.h"
#include "responder/printed.h"
#include <inttypes.h>
#include <sched.h>
#include <string.h>

#define WEIGHT_KERNEL 1 /* a module, a program in the kernel: before the rest */

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

static const struct {
	Varve__V1__Event__BodyCase body;
	void (*print)(FILE *out, const Varve__V1__Event *ev); /* NULL: describe_event() */
	int weight;
} words[] = {
	{VARVE__V1__EVENT__BODY_CREDENTIALS, print_credentials, 0},
	{VARVE__V1__EVENT__BODY_NAMESPACE, print_namespace, 0},
	{VARVE__V1__EVENT__BODY_ROOT, NULL, 0},
	{VARVE__V1__EVENT__BODY_PTRACE, print_ptrace, WEIGHT_KERNEL},
	{VARVE__V1__EVENT__BODY_PROCESS_MEMORY, print_process_memory, WEIGHT_KERNEL},
	{VARVE__V1__EVENT__BODY_MEMORY_PROTECT, print_memory_protect, 0},
	{VARVE__V1__EVENT__BODY_MEMFD, print_memfd, 0},
	{VARVE__V1__EVENT__BODY_MODULE, print_module, WEIGHT_KERNEL},
	{VARVE__V1__EVENT__BODY_BPF, print_bpf, WEIGHT_KERNEL},
	{VARVE__V1__EVENT__BODY_MOUNT, print_mount, 0},
	{VARVE__V1__EVENT__BODY_UNMOUNT, NULL, 0},
	{VARVE__V1__EVENT__BODY_PERF_EVENT, print_perf, WEIGHT_KERNEL},
	{VARVE__V1__EVENT__BODY_RAW_SOCKET, print_raw_socket, WEIGHT_KERNEL},
	{VARVE__V1__EVENT__BODY_CGROUP_MOVE, NULL, WEIGHT_KERNEL},
	{VARVE__V1__EVENT__BODY_KEYRING, NULL, 0},
};

/* By its words, where it has some; the kind first. */
static char *event_words(const Varve__V1__Event *ev, int *ret_weight)
{
	void (*print)(FILE * out, const Varve__V1__Event *ev) = NULL;
	const char *label = event_kind_label(ev->body_case);
	struct printed p;
	FILE *out = printed_begin(&p);
	uint32_t call_errno;

	*ret_weight = 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (words[i].body != ev->body_case)
			continue;
		print = words[i].print;
		*ret_weight = words[i].weight;
	}
	fprintf(out, "%s ", label ? label : "?");
	if (print)
		print(out, ev);
	else
		describe_event(out, ev);
	if (print && describe_errno(ev, &call_errno))
		describe_failure(out, call_errno);
	return printed_end(&p);
}

static void take_privilege(const struct summary_event *e)
{
	struct tally_entry *entry;
	uint32_t call_errno;
	int weight;

	if (describe_errno(e->ev, &call_errno))
		return;
	entry = summary_add(e, SUMMARY_PRIVILEGES, event_words(e->ev, &weight), NULL, 1);
	if (entry)
		entry->weight = weight;
}

static void take_signal(const struct summary_event *e)
{
	const Varve__V1__Signal *s = e->ev->signal;
	struct printed p;
	FILE *out;

	if (s->has_call_errno)
		return;
	const char *name = s->signal < 65 ? sigabbrev_np((int)s->signal) : NULL;

	out = printed_begin(&p);
	fprintf(out, "sent %s%s (%" PRIu32 ") to ", name ? "SIG" : "signal", name ? name : "",
		s->signal);
	describe_text(out, s->target ? s->target->name : NULL, s->target && s->target->has_name_raw,
		      s->target ? s->target->name_raw : (ProtobufCBinaryData){});
	if (s->has_from_outside && s->from_outside)
		fputs(" from outside", out);
	summary_add(e, SUMMARY_KILLS, printed_end(&p), NULL, 1);
}

/* What programs try and expect to fail, all the time. */
static bool is_dull(uint32_t err)
{
	static const uint32_t dull[] = {ENOENT, EEXIST,	   EAGAIN,  EINTR,  EINPROGRESS, ENOTDIR,
					EISDIR, ENOTEMPTY, ENODATA, ENOTTY, EALREADY,	 EISCONN};

	for (size_t i = 0; i < ARRAY_SIZE(dull); i++)
		if (err == dull[i])
			return true;
	return false;
}

/* A connection can fail without the call having done so. */
static bool has_failed(const Varve__V1__Event *ev, uint32_t *ret_errno)
{
	if (ev->body_case != VARVE__V1__EVENT__BODY_CONNECT)
		return describe_errno(ev, ret_errno);
	if (!ev->connect->outcome || strcmp(ev->connect->outcome, "failed"))
		return false;
	*ret_errno = ev->connect->has_outcome_errno ? ev->connect->outcome_errno
						    : ev->connect->call_errno;
	return true;
}

void summary_take_failure(const struct summary_event *e)
{
	uint32_t err;
	int weight;

	if (!has_failed(e->ev, &err))
		return;
	if (is_dull(err))
		e->sum->dull_cnt++;
	else
		summary_add(e, SUMMARY_FAILED, event_words(e->ev, &weight), NULL, 1);
}

const struct summary_taker summary_privs[] = {
	{VARVE__V1__EVENT__BODY_CREDENTIALS, take_privilege},
	{VARVE__V1__EVENT__BODY_NAMESPACE, take_privilege},
	{VARVE__V1__EVENT__BODY_ROOT, take_privilege},
	{VARVE__V1__EVENT__BODY_PTRACE, take_privilege},
	{VARVE__V1__EVENT__BODY_PROCESS_MEMORY, take_privilege},
	{VARVE__V1__EVENT__BODY_MEMORY_PROTECT, take_privilege},
	{VARVE__V1__EVENT__BODY_MEMFD, take_privilege},
	{VARVE__V1__EVENT__BODY_MODULE, take_privilege},
	{VARVE__V1__EVENT__BODY_BPF, take_privilege},
	{VARVE__V1__EVENT__BODY_MOUNT, take_privilege},
	{VARVE__V1__EVENT__BODY_UNMOUNT, take_privilege},
	{VARVE__V1__EVENT__BODY_PERF_EVENT, take_privilege},
	{VARVE__V1__EVENT__BODY_RAW_SOCKET, take_privilege},
	{VARVE__V1__EVENT__BODY_CGROUP_MOVE, take_privilege},
	{VARVE__V1__EVENT__BODY_KEYRING, take_privilege},
	{VARVE__V1__EVENT__BODY_SIGNAL, take_signal},
	{},
};
