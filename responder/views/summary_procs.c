/* SPDX-License-Identifier: Apache-2.0 */
/* What ran, and how it came in. */
#include "responder/views/summary.h"
#include "evidence/base.h"
#include "responder/describe.h"
#include "responder/memory.h"
#include "responder/printed.h"
#include <inttypes.h>
#include <string.h>

#define WEIGHT_ODD 1 /* a file that is not of the image, or has no name: first in its list */

/* The process is none of the container's: who made or removed its cgroup, or sent it a signal. */
static bool is_from_outside(const Varve__V1__Event *ev)
{
	return ev->body_case == VARVE__V1__EVENT__BODY_CONTAINER_START ||
	       ev->body_case == VARVE__V1__EVENT__BODY_CONTAINER_STOP ||
	       (ev->body_case == VARVE__V1__EVENT__BODY_SIGNAL && ev->signal->has_from_outside &&
		ev->signal->from_outside);
}

/* Each record of it; its name as of the last exec, or its end. */
void summary_count_process(const struct summary_event *e)
{
	const Varve__V1__Process *p = e->ev->process;
	struct tally_entry *entry;
	struct printed text;

	if (!p || !p->process_uid || is_from_outside(e->ev))
		return;
	entry = tally_find(&e->sum->of[SUMMARY_PROCESSES], p->process_uid);
	if (entry) {
		entry->cnt++;
		e->sum->of[SUMMARY_PROCESSES].total++;
		entry->last_ns = MAX(entry->last_ns, e->ns);
		if (e->ev->body_case != VARVE__V1__EVENT__BODY_EXEC &&
		    e->ev->body_case != VARVE__V1__EVENT__BODY_EXIT)
			return;
	}
	FILE *out = printed_begin(&text);

	fprintf(out, "%" PRIu32 " ", p->pid);
	describe_text(out, p->name, p->has_name_raw, p->name_raw);
	char *name = printed_end(&text);

	if (entry) {
		free(entry->text);
		entry->text = name;
		return;
	}
	tally_add(&e->sum->of[SUMMARY_PROCESSES], p->process_uid, name, e->ns, 1, NULL);
	free(name);
}

static void take_fork(const struct summary_event *e)
{
	e->sum->fork_cnt++;
}

static void take_exit(const struct summary_event *e)
{
	const Varve__V1__Exit *x = e->ev->exit;
	struct printed p;

	if (!x->has_signal) {
		e->sum->exit_ok += !x->code;
		e->sum->exit_failed += !!x->code;
		return;
	}
	e->sum->exit_signal++;
	FILE *out = printed_begin(&p);

	describe_text(out, e->ev->process ? e->ev->process->name : NULL, false,
		      (ProtobufCBinaryData){});
	fputs(" ended by ", out);
	describe_exit(out, x);
	summary_add(e, SUMMARY_KILLS, printed_end(&p), NULL, 1);
}

/* The same path with another inode is another file. */
static char *file_key(const Varve__V1__File *f)
{
	char *name = summary_file(f), *key;

	key = memory_printf("%s %" PRIu32 ":%" PRIu64, name, f ? f->device : 0, f ? f->inode : 0);
	free(name);
	return key;
}

static bool is_odd(const Varve__V1__File *f)
{
	return f && ((f->has_overlay_upper && f->overlay_upper) ||
		     (f->has_unlinked && f->unlinked) || (f->has_memfd && f->memfd));
}

static void add_executable(const struct summary_event *e, const Varve__V1__File *f)
{
	struct tally_entry *entry =
		summary_add(e, SUMMARY_EXECUTABLES, file_key(f), summary_file(f), 1);

	if (entry)
		entry->weight = is_odd(f) ? WEIGHT_ODD : 0;
}

static void add_script(const struct summary_event *e, const Varve__V1__Exec *x)
{
	struct printed p;
	FILE *out = printed_begin(&p);

	describe_text(out, x->filename, x->has_filename_raw, x->filename_raw);
	fputs(" [script, run by ", out);
	describe_text(out, x->interpreter, x->has_interpreter_raw, x->interpreter_raw);
	fputc(']', out);
	summary_add(e, SUMMARY_EXECUTABLES, printed_end(&p), NULL, 1);
}

static bool is_runtimes(const struct summary_event *e)
{
	const Varve__V1__Process *p = e->ev->process;

	return p && p->has_runtime_setup && p->runtime_setup;
}

static void add_command(const struct summary_event *e, struct tally_entry *entry)
{
	struct printed p;

	if (describe_args(printed_begin(&p), e->ev)) {
		char *text = printed_end(&p), *note = memory_printf("ran %s", text);

		tally_note(&e->sum->of[SUMMARY_SESSIONS], entry, note);
		free(note);
		free(text);
		return;
	}
	free(printed_end(&p));
}

/* The first thing that is run by who came in, or by a process that descends from it: of a runtime,
 * its helper comes in. */
static void note_entry(const struct summary_event *e)
{
	const Varve__V1__Process *p = e->ev->process;
	const Varve__V1__Entry *entry = p ? p->entry : NULL;
	struct tally_entry *t;
	struct printed text;

	if (!entry || !entry->how || !entry->process_uid)
		return;
	t = summary_find(e, SUMMARY_SESSIONS, memory_strdup(entry->process_uid));
	if (!t) {
		FILE *out = printed_begin(&text);

		describe_string(out, entry->how);
		fprintf(out, ": %" PRIu32 " ", p->pid);
		describe_text(out, p->name, p->has_name_raw, p->name_raw);
		if (p->has_uid)
			fprintf(out, ", user %" PRIu32, p->uid);
		t = summary_add(e, SUMMARY_SESSIONS, memory_strdup(entry->process_uid),
				printed_end(&text), 1);
	}
	if (!t || t->is_told)
		return;
	t->is_told = true;
	add_command(e, t);
}

static void take_exec(const struct summary_event *e)
{
	if (is_runtimes(e))
		return;
	add_executable(e, e->ev->exec->file);
	if (e->ev->exec->interpreter)
		add_script(e, e->ev->exec);
	note_entry(e);
}

static void take_snapshot(const struct summary_event *e)
{
	e->sum->snapshot_cnt++;
	add_executable(e, e->ev->process_snapshot->exe);
}

static void take_session(const struct summary_event *e)
{
	const Varve__V1__ExecSession *x = e->ev->exec_session;
	const Varve__V1__Process *p = e->ev->process;
	struct tally_entry *entry;
	struct printed text;

	if (!p || !p->process_uid)
		return;
	FILE *out = printed_begin(&text);

	fprintf(out, "session: %" PRIu32 " ", p->pid);
	describe_text(out, p->name, p->has_name_raw, p->name_raw);
	fputs(", ", out);
	describe_string(out, x->how);
	if (x->by) {
		fprintf(out, " by %" PRIu32 " ", x->by->pid);
		describe_text(out, x->by->name, x->by->has_name_raw, x->by->name_raw);
	}
	entry = summary_add(e, SUMMARY_SESSIONS, memory_strdup(p->process_uid), printed_end(&text),
			    1);
	if (!entry || !x->by_cmd_line)
		return;
	describe_string(printed_begin(&text), x->by_cmd_line);
	char *by = printed_end(&text), *note = memory_printf("from %s", by);

	tally_note(&e->sum->of[SUMMARY_SESSIONS], entry, note);
	free(note);
	free(by);
}

/* Only where there is such an executable: MODULE asks for hashes, too. */
static void take_hash(const struct summary_event *e)
{
	const Varve__V1__FileHash *h = e->ev->file_hash;
	struct tally_entry *entry = summary_find(e, SUMMARY_EXECUTABLES, file_key(h->file));
	struct printed p;

	if (!entry)
		return;
	FILE *out = printed_begin(&p);

	fputs(h->sha256 ? "sha256 " : "no sha256: ", out);
	describe_string(out, h->sha256 ? h->sha256 : h->reason);
	char *note = printed_end(&p);

	tally_note(&e->sum->of[SUMMARY_EXECUTABLES], entry, note);
	free(note);
}

static void take_oom_kill(const struct summary_event *e)
{
	struct printed p;
	FILE *out = printed_begin(&p);

	describe_text(out, e->ev->process ? e->ev->process->name : NULL, false,
		      (ProtobufCBinaryData){});
	fputs(" was killed, since memory had run out", out);
	summary_add(e, SUMMARY_KILLS, printed_end(&p), NULL, 1);
}

const struct summary_taker summary_procs[] = {
	{VARVE__V1__EVENT__BODY_FORK, take_fork},
	{VARVE__V1__EVENT__BODY_EXEC, take_exec},
	{VARVE__V1__EVENT__BODY_EXIT, take_exit},
	{VARVE__V1__EVENT__BODY_PROCESS_SNAPSHOT, take_snapshot},
	{VARVE__V1__EVENT__BODY_EXEC_SESSION, take_session},
	{VARVE__V1__EVENT__BODY_FILE_HASH, take_hash},
	{VARVE__V1__EVENT__BODY_OOM_KILL, take_oom_kill},
	{},
};
