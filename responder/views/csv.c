/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 4180 with a line of names first. What a record says goes into a cell escaped as it would be
 * on a terminal (\n, \t, \\, \xHH, \u{HHHH}), so a line is a record whatever it contains; and a
 * cell that a spreadsheet would take for a formula gets an apostrophe before it. Both can be
 * undone: docs/PROJECTIONS.md says how.
 */
#include "evidence/base.h"
#include "evidence/text.h"
#include "responder/views/projection.h"
#include "responder/views/view.h"
#include <inttypes.h>
#include <string.h>

/* The column at hand: begins with its comma. */
static void begin(struct writer *w)
{
	if (w->len)
		writer_raw(w, ",", 1);
}

static void put_number(struct writer *w, bool has, uint64_t v)
{
	char digits[24];

	begin(w);
	if (has)
		writer_raw(w, digits, (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, v));
}

/* A formula begins so; a tab or a return is escaped already. The wide ones: = + - @. */
static bool is_formula(const char *s, size_t len)
{
	static const char *const wide[] = {"\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d",
					   "\xef\xbc\xa0"};

	if (len && memchr("=+-@'", s[0], 5))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(wide); i++)
		if (len >= 3 && !memcmp(s, wide[i], 3))
			return true;
	return false;
}

/* One byte of a cell. Some spreadsheets separate by semicolons: none may be followed by a formula.
 */
static char *put_byte(char *to, const char *s, size_t len)
{
	if (*s == '"')
		*to++ = '"';
	if (*s == ';' && len > 1 && (is_formula(s + 1, len - 1) || s[1] == '"'))
		return mempcpy(to, "\\x3b", 4);
	*to++ = *s;
	return to;
}

/* Text that is escaped already. */
static void put_escaped(struct writer *w, const char *s, size_t len)
{
	begin(w);
	if (!len)
		return;
	char *start = writer_room(w, len * 4 + 3), *to = start;

	*to++ = '"';
	if (is_formula(s, len))
		*to++ = '\'';
	for (size_t i = 0; i < len; i++)
		to = put_byte(to, s + i, len - i);
	*to++ = '"';
	w->len += to - start;
}

static bool is_plain(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] < 0x20 || s[i] > 0x7e || s[i] == '\\')
			return false;
	return true;
}

static void put_text(struct projector *p, const char *s)
{
	size_t len = s ? strlen(s) : 0;

	if (is_plain(s, len)) {
		put_escaped(&p->out, s, len);
		return;
	}
	rewind(p->scratch);
	text_print_escaped(p->scratch, s, len);
	s = projection_scratch(p, &len);
	put_escaped(&p->out, s, len);
}

/* --- columns */

static void put_process(struct projector *p)
{
	const Varve__V1__Process *process = p->facts.ev->process;
	const Varve__V1__ParentProcess *parent = process ? process->parent : NULL;
	struct writer *w = &p->out;

	put_number(w, process && process->has_pid, process ? process->pid : 0);
	put_text(p, process ? process->name : NULL);
	put_text(p, process ? process->process_uid : NULL);
	put_number(w, process && process->has_uid, process ? process->uid : 0);
	put_number(w, process && process->has_euid, process ? process->euid : 0);
	put_text(p, projection_exe(p));
	put_text(p, projection_cmd_line(p));
	put_number(w, parent && parent->has_pid, parent ? parent->pid : 0);
	put_text(p, parent ? parent->name : NULL);
}

static void put_places(struct projector *p)
{
	const Varve__V1__Event *ev = p->facts.ev;

	put_text(p, ev->node_name);
	put_text(p, ev->pod ? ev->pod->namespace_ : NULL);
	put_text(p, ev->pod ? ev->pod->name : NULL);
	put_text(p, ev->pod ? ev->pod->uid : NULL);
	put_text(p, ev->container ? ev->container->name : NULL);
	put_text(p, ev->container ? ev->container->id : NULL);
	put_text(p, ev->container ? ev->container->image : NULL);
}

static void put_end(struct projector *p, const Varve__V1__Endpoint *e)
{
	put_text(p, e ? e->ip : NULL);
	put_number(&p->out, e && e->has_port, e ? e->port : 0);
}

static void put_facts(struct projector *p)
{
	const struct facts *f = &p->facts;
	bool has_question = f->dns && f->dns->n_questions;
	struct writer *w = &p->out;

	put_text(p, f->file ? f->file->path : NULL);
	put_text(p, f->other_file ? f->other_file->path : NULL);
	put_text(p, f->target_path);
	put_text(p, f->sha256);
	put_text(p, f->protocol);
	put_end(p, f->source);
	put_end(p, f->destination);
	put_text(p, f->unix_path);
	put_number(w, f->bytes_sent.known, f->bytes_sent.v);
	put_number(w, f->bytes_received.known, f->bytes_received.v);
	put_text(p, has_question ? f->dns->questions[0]->name : NULL);
	put_number(w, f->other && f->other->has_pid, f->other ? f->other->pid : 0);
	put_text(p, f->call);
	put_text(p, f->failed ? "failed" : f->result);
	put_text(p, facts_error_name(f));
	put_number(w, f->exit_code.known, f->exit_code.v);
	put_number(w, f->signal.known, f->signal.v);
}

static const char header[] =
	"time,kind,what,details,run_id,sequence,stream_sequence,node,pod_namespace,pod_name,pod_"
	"uid,"
	"container_name,container_id,container_image,pid,process_name,process_uid,uid,euid,exe_"
	"path,"
	"cmd_line,parent_pid,parent_name,path,new_path,target_path,sha256,protocol,source_ip,"
	"source_port,destination_ip,destination_port,unix_path,bytes_sent,bytes_received,dns_name,"
	"other_pid,call,result,error,exit_code,signal\r\n";

static void *csv_open(const struct history *h, const struct verdict *verdict, FILE *out)
{
	fputs(header, out);
	return projection_open(h, verdict, out);
}

static void csv_record(void *state, FILE *out, const struct history_container *c,
		       const Varve__V1__Event *ev)
{
	struct projector *p = state;
	struct writer *w = &p->out;

	(void)c;
	projection_take(p, ev);
	writer_raw(w, p->when, strlen(p->when));
	put_text(p, ev->kind);
	put_text(p, p->as->words);
	put_escaped(w, p->message + p->what_at, p->message_len - p->what_at);
	put_text(p, ev->run_id);
	put_number(w, true, ev->sequence);
	put_number(w, ev->has_stream_sequence, ev->stream_sequence);
	put_places(p);
	put_process(p);
	put_facts(p);
	writer_raw(w, "\r\n", 2);
	writer_flush(w, out);
}

const struct view_type view_csv = {
	.name = "csv",
	.open = csv_open,
	.record = csv_record,
	.free = projection_free,
	.verdict = VIEW_VERDICT_STDERR,
};
