/* SPDX-License-Identifier: Apache-2.0 */
/* One function per kind that says it better than describe_any() would, in a table. */
#include "responder/describe.h"
#include "evidence/base.h"
#include "evidence/text.h"
#include "responder/printed.h"
#include <inttypes.h>
#include <string.h>

void describe_string(FILE *out, const char *s)
{
	text_print_escaped(out, s ? s : "?", s ? strlen(s) : 1);
}

void describe_text(FILE *out, const char *text, bool has_raw, ProtobufCBinaryData raw)
{
	if (has_raw)
		text_print_escaped(out, (const char *)raw.data, raw.len);
	else
		describe_string(out, text);
}

void describe_file_flags(FILE *out, const Varve__V1__File *file)
{
	if (!file)
		return;
	const struct {
		bool on;
		const char *text;
	} flags[] = {
		{file->has_overlay_upper && file->overlay_upper, "upper layer"},
		{file->has_unlinked && file->unlinked, "unlinked"},
		{file->has_memfd && file->memfd, "memfd"},
		{file->has_path_user_memory && file->path_user_memory, "user memory"},
		{file->has_path_unreachable && file->path_unreachable, "unreachable"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (flags[i].on)
			fprintf(out, " [%s]", flags[i].text);
	if (file->has_path_length)
		fprintf(out, " [the end of %" PRIu32 " bytes]", file->path_length);
}

void describe_file(FILE *out, const Varve__V1__File *file)
{
	if (!file) {
		fputc('?', out);
		return;
	}
	describe_text(out, file->path, file->has_path_raw, file->path_raw);
	describe_file_flags(out, file);
}

static bool needs_quotes(const char *arg, size_t len)
{
	if (!len)
		return true;
	for (size_t i = 0; i < len; i++)
		if (strchr(" \t\n\"'`$&|;<>()*?[]#~!{}", arg[i]) && arg[i])
			return true;
	return false;
}

/* In double quotes if a shell would take it apart; quotes within come out as \". */
static void print_arg(FILE *out, const char *arg, size_t len)
{
	if (!needs_quotes(arg, len)) {
		text_print_escaped(out, arg, len);
		return;
	}
	fputc('"', out);
	while (len) {
		const char *quote = memchr(arg, '"', len);
		size_t plain = quote ? (size_t)(quote - arg) : len;

		text_print_escaped(out, arg, plain);
		if (quote)
			fputs("\\\"", out);
		arg += plain + !!quote;
		len -= plain + !!quote;
	}
	fputc('"', out);
}

/* Arguments as they lie in memory, each ended by NUL. */
static bool print_raw_args(FILE *out, ProtobufCBinaryData raw, bool first)
{
	const char *p = (const char *)raw.data, *end = p + raw.len;

	while (p < end) {
		size_t len = strnlen(p, end - p);

		if (!first)
			fputc(' ', out);
		print_arg(out, p, len);
		p += MIN(len + 1, (size_t)(end - p));
		first = false;
	}
	return first;
}

/* True as long as nothing was printed. */
static bool print_args(FILE *out, char **args, size_t n, bool has_raw, ProtobufCBinaryData raw,
		       bool first)
{
	if (has_raw)
		return print_raw_args(out, raw, first);
	for (size_t i = 0; i < n; i++, first = false) {
		if (!first)
			fputc(' ', out);
		print_arg(out, args[i], strlen(args[i]));
	}
	return first;
}

static bool exec_args(FILE *out, const Varve__V1__Exec *e)
{
	bool first = print_args(out, e->args, e->n_args, e->has_args_raw, e->args_raw, true);

	if (e->has_args_truncated && e->args_truncated) {
		fputs(first ? "..." : " ...", out);
		first = print_args(out, e->args_tail, e->n_args_tail, e->has_args_tail_raw,
				   e->args_tail_raw, false);
		fprintf(out, " [cut: %" PRIu32 " arguments, %" PRIu64 " bytes]", e->args_count,
			e->args_length);
	}
	return !first;
}

bool describe_args(FILE *out, const Varve__V1__Event *ev)
{
	if (ev->body_case == VARVE__V1__EVENT__BODY_EXEC)
		return exec_args(out, ev->exec);
	if (ev->body_case == VARVE__V1__EVENT__BODY_PROCESS_SNAPSHOT) {
		const Varve__V1__ProcessSnapshot *s = ev->process_snapshot;
		bool any = !print_args(out, s->args, s->n_args, s->has_args_raw, s->args_raw, true);

		if (s->has_args_truncated && s->args_truncated)
			fputs(" ... [cut]", out);
		return any;
	}
	return false;
}

static void describe_fork(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__ParentProcess *parent = ev->process ? ev->process->parent : NULL;

	fputs("by ", out);
	if (parent && parent->has_pid)
		fprintf(out, "%" PRIu32 " ", parent->pid);
	describe_string(out, parent ? parent->name : NULL);
}

static void describe_exec(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__Exec *e = ev->exec;

	describe_file(out, e->file);
	fputs(": ", out);
	if (!exec_args(out, e))
		fputs("(no arguments)", out);
	if (e->interpreter) {
		fputs(" (script ", out);
		describe_text(out, e->filename, e->has_filename_raw, e->filename_raw);
		fputc(')', out);
	}
	if (e->cwd) {
		fputs(", in ", out);
		describe_text(out, e->cwd->path, e->cwd->has_path_raw, e->cwd->path_raw);
		if (e->cwd->has_unlinked && e->cwd->unlinked)
			fputs(" [unlinked]", out);
	}
	if (ev->process && ev->process->has_euid)
		fprintf(out, ", euid %" PRIu32, ev->process->euid);
	if (e->tty) {
		fputs(", tty ", out);
		describe_string(out, e->tty);
	}
}

static void describe_snapshot(FILE *out, const Varve__V1__Event *ev)
{
	fputs("ran already: ", out);
	describe_file(out, ev->process_snapshot->exe);
	fputs(": ", out);
	if (!describe_args(out, ev))
		fputs("(no arguments)", out);
}

void describe_exit(FILE *out, const Varve__V1__Exit *e)
{
	if (e->has_signal) {
		const char *name = e->signal < 65 ? sigabbrev_np((int)e->signal) : NULL;

		fprintf(out, "signal %" PRIu32, e->signal);
		if (name)
			fprintf(out, " (SIG%s)", name);
	} else if (e->has_code) {
		fprintf(out, "code %" PRIu32, e->code);
	} else {
		fputs("code not known", out);
	}
	if (e->has_core_dumped && e->core_dumped)
		fputs(", core dumped", out);
}

static void describe_exit_event(FILE *out, const Varve__V1__Event *ev)
{
	describe_exit(out, ev->exit);
}

static void describe_container_start(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__ContainerStart *s = ev->container_start;

	fputs(s->has_from_snapshot && s->from_snapshot ? "ran already, " : "", out);
	fputs("cgroup ", out);
	describe_text(out, s->cgroup_path, s->has_cgroup_path_raw, s->cgroup_path_raw);
}

static void describe_container_stop(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__ContainerStop *s = ev->container_stop;

	fputs("cgroup ", out);
	describe_text(out, s->cgroup_path, s->has_cgroup_path_raw, s->cgroup_path_raw);
}

static void describe_open(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__Open *o = ev->open;
	bool created = o->has_created && o->created, written = o->has_written && o->written;

	describe_file(out, o->file);
	if (o->has_call_errno) {
		describe_failure(out, o->call_errno);
		return;
	}
	fputs(created ? " created" : written ? " opened to write" : " read", out);
	if (o->has_flags && o->flags & 01000)
		fputs(", emptied", out); /* O_TRUNC */
}

static void describe_rename(FILE *out, const Varve__V1__Event *ev)
{
	describe_file(out, ev->rename->old_file);
	fputs(" -> ", out);
	describe_file(out, ev->rename->new_file);
	if (ev->rename->has_flags && ev->rename->flags & 2)
		fputs(" (exchanged)", out); /* RENAME_EXCHANGE */
	if (ev->rename->has_call_errno)
		describe_failure(out, ev->rename->call_errno);
}

static void describe_unlink(FILE *out, const Varve__V1__Event *ev)
{
	describe_file(out, ev->unlink->file);
	if (ev->unlink->has_call_errno)
		describe_failure(out, ev->unlink->call_errno);
}

void describe_endpoint(FILE *out, const Varve__V1__Endpoint *e)
{
	bool is_v6 = e && e->ip && strchr(e->ip, ':');

	fputs(is_v6 ? "[" : "", out);
	describe_string(out, e ? e->ip : NULL);
	fputs(is_v6 ? "]" : "", out);
	if (e && e->has_port)
		fprintf(out, ":%" PRIu32, e->port);
}

char *describe_place(const char *protocol, const Varve__V1__Endpoint *e)
{
	struct printed p;
	FILE *out = printed_begin(&p);

	describe_string(out, protocol);
	fputc(' ', out);
	describe_endpoint(out, e);
	return printed_end(&p);
}

static void print_errno(FILE *out, uint32_t err)
{
	const char *name = err < 4096 ? strerrorname_np((int)err) : NULL;

	if (name)
		fprintf(out, " (%s)", name);
	else
		fprintf(out, " (errno %" PRIu32 ")", err);
}

static void describe_connect(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__Connect *c = ev->connect;
	uint32_t err = c->has_outcome_errno ? c->outcome_errno : c->call_errno;

	describe_string(out, c->protocol);
	fputs(" to ", out);
	describe_endpoint(out, c->destination);
	fputc(' ', out);
	if (c->outcome && !strcmp(c->outcome, "in_progress"))
		fputs("in progress", out);
	else
		describe_string(out, c->outcome);
	if (err && c->outcome && !strcmp(c->outcome, "failed"))
		print_errno(out, err);
	if (c->has_destination_user_memory && c->destination_user_memory)
		fputs(" [address from user memory]", out);
}

static void describe_accept(FILE *out, const Varve__V1__Event *ev)
{
	describe_string(out, ev->accept->protocol);
	fputs(" from ", out);
	describe_endpoint(out, ev->accept->source);
	fputs(" at ", out);
	describe_endpoint(out, ev->accept->destination);
	if (ev->accept->has_call_errno)
		describe_failure(out, ev->accept->call_errno);
}

static void describe_run_start(FILE *out, const Varve__V1__Event *ev)
{
	fputs("sensor ", out);
	describe_string(out, ev->run_start->sensor_version);
	fputs(" on kernel ", out);
	describe_string(out, ev->run_start->kernel_release);
}

static void describe_run_end(FILE *out, const Varve__V1__Event *ev)
{
	describe_string(out, ev->run_end->reason);
}

static void describe_loss(FILE *out, const Varve__V1__Event *ev)
{
	fprintf(out, "%" PRIu64 " ", ev->loss->count);
	describe_string(out, ev->loss->event_class);
	fputs(" events lost: ", out);
	describe_string(out, ev->loss->cause);
}

static void describe_suppression(FILE *out, const Varve__V1__Event *ev)
{
	fprintf(out, "%" PRIu64 " ", ev->suppression->count);
	describe_string(out, ev->suppression->event_class);
	fputs(" events left out by policy: ", out);
	describe_string(out, ev->suppression->reason);
}

void describe_owner(FILE *out, const char *kind, const char *name, bool concluded)
{
	describe_string(out, kind);
	fputc(' ', out);
	describe_string(out, name);
	if (concluded)
		fputs(" (concluded)", out);
}

static void describe_binding(FILE *out, const Varve__V1__Event *ev)
{
	fputs("pod ", out);
	describe_string(out, ev->pod ? ev->pod->namespace_ : NULL);
	fputc('/', out);
	describe_string(out, ev->pod ? ev->pod->name : NULL);
	fputs(", container ", out);
	describe_string(out, ev->container ? ev->container->name : NULL);
	if (ev->pod && ev->pod->workload) {
		fputs(", ", out);
		describe_owner(out, ev->pod->workload->kind, ev->pod->workload->name,
			       ev->pod->workload->concluded);
	}
}

static void describe_account(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__Account *a = ev->account;

	fputs(a->has_closed && a->closed ? "closed" : "not closed", out);
	for (size_t i = 0; i < a->n_counts; i++) {
		const Varve__V1__ClassCount *c = a->counts[i];

		fputs(", ", out);
		describe_string(out, c->event_class);
		fprintf(out,
			" %" PRIu64 " = %" PRIu64 " recorded + %" PRIu64 " lost + %" PRIu64
			" suppressed",
			c->generated, c->recorded, c->lost, c->suppressed);
	}
}

static const struct {
	Varve__V1__Event__BodyCase body;
	void (*fn)(FILE *out, const Varve__V1__Event *ev);
} describers[] = {
	{VARVE__V1__EVENT__BODY_FORK, describe_fork},
	{VARVE__V1__EVENT__BODY_EXEC, describe_exec},
	{VARVE__V1__EVENT__BODY_EXIT, describe_exit_event},
	{VARVE__V1__EVENT__BODY_CONTAINER_START, describe_container_start},
	{VARVE__V1__EVENT__BODY_CONTAINER_STOP, describe_container_stop},
	{VARVE__V1__EVENT__BODY_OPEN, describe_open},
	{VARVE__V1__EVENT__BODY_RENAME, describe_rename},
	{VARVE__V1__EVENT__BODY_UNLINK, describe_unlink},
	{VARVE__V1__EVENT__BODY_CONNECT, describe_connect},
	{VARVE__V1__EVENT__BODY_ACCEPT, describe_accept},
	{VARVE__V1__EVENT__BODY_DNS, describe_dns},
	{VARVE__V1__EVENT__BODY_PROCESS_SNAPSHOT, describe_snapshot},
	{VARVE__V1__EVENT__BODY_RUN_START, describe_run_start},
	{VARVE__V1__EVENT__BODY_RUN_END, describe_run_end},
	{VARVE__V1__EVENT__BODY_LOSS, describe_loss},
	{VARVE__V1__EVENT__BODY_SUPPRESSION, describe_suppression},
	{VARVE__V1__EVENT__BODY_BINDING, describe_binding},
	{VARVE__V1__EVENT__BODY_ACCOUNT, describe_account},
};

static bool says_nothing(Varve__V1__Event__BodyCase body)
{
	return body == VARVE__V1__EVENT__BODY_COVERAGE || body == VARVE__V1__EVENT__BODY_HEARTBEAT;
}

void describe_event(FILE *out, const Varve__V1__Event *ev)
{
	for (size_t i = 0; i < ARRAY_SIZE(describers); i++) {
		if (describers[i].body == ev->body_case) {
			describers[i].fn(out, ev);
			return;
		}
	}
	if (!says_nothing(ev->body_case))
		describe_any(out, ev);
}
