/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record as a row. Texts come out of describe_*(), so they are escaped already. What is known of
 * a process goes along with one of its rows when it differs from what was said last; the page puts
 * its tree together from that, and nothing is kept of a process here but a hash.
 */
#include "evidence/base.h"
#include "responder/describe.h"
#include "responder/json_line.h"
#include "responder/memory.h"
#include "responder/parts.h"
#include "responder/secrets.h"
#include "responder/views/html_impl.h"
#include <string.h>

#define TEXT_MAX       600 /* bytes in a row; all of it is in the record's details */
#define ARGS_MAX       2000
#define NAME_MAX_SHOWN 200
#define ANCESTORS_MAX  16

enum { ROW_FAILED = 1, ROW_SECRET = 2, ROW_ODD_FILE = 4, ROW_SETUP = 8 };

/* What was printed since html_text_begin(&w->scratch), cut between characters. */
static json_t *taken(struct html *w, size_t max)
{
	struct html_text *t = &w->scratch;

	html_text_end(t);
	size_t len = MIN(t->len, max);

	while (len < t->len && len && (t->s[len] & 0xc0) == 0x80)
		len--;
	json_t *j = len < t->len ? json_sprintf("%.*s ... [cut]", (int)len, t->s)
				 : json_stringn(t->len ? t->s : "", t->len);

	return j ? j : json_null();
}

static json_t *text_of(struct html *w, const char *s, bool has_raw, ProtobufCBinaryData raw,
		       size_t max)
{
	if (!s && !has_raw)
		return json_null();
	describe_text(html_text_begin(&w->scratch), s, has_raw, raw);
	return taken(w, max);
}

static json_t *string_of(struct html *w, const char *s, size_t max)
{
	return text_of(w, s, false, (ProtobufCBinaryData){}, max);
}

/* Left out if it is not known: absent and null are the same to the page. */
static void set(json_t *o, const char *key, json_t *value)
{
	if (json_is_null(value))
		json_decref(value);
	else
		json_object_set_new(o, key, value);
}

static void set_number(json_t *o, const char *key, bool has, uint32_t value)
{
	if (has)
		json_object_set_new(o, key, json_integer(value));
}

static bool is_odd(const Varve__V1__File *f)
{
	return f && ((f->has_overlay_upper && f->overlay_upper) || (f->has_memfd && f->memfd) ||
		     (f->has_unlinked && f->unlinked));
}

static const Varve__V1__File *image_of(const Varve__V1__Event *ev)
{
	if (ev->body_case == VARVE__V1__EVENT__BODY_EXEC)
		return ev->exec->file;
	if (ev->body_case == VARVE__V1__EVENT__BODY_PROCESS_SNAPSHOT)
		return ev->process_snapshot->exe;
	return NULL;
}

static bool is_session(const Varve__V1__Process *p)
{
	return p->entry && p->entry->how && !strcmp(p->entry->how, "session") &&
	       p->entry->process_uid && !strcmp(p->entry->process_uid, p->process_uid);
}

static bool is_setup(const Varve__V1__Process *p)
{
	return p->has_runtime_setup && p->runtime_setup;
}

static int flags_of(const Varve__V1__Event *ev)
{
	const Varve__V1__File *opened =
		ev->body_case == VARVE__V1__EVENT__BODY_OPEN ? ev->open->file : NULL;
	const Varve__V1__Process *p = ev->process;

	return (parts_failed(ev) ? ROW_FAILED : 0) |
	       (secrets_is_secret_file(opened) ? ROW_SECRET : 0) |
	       (is_odd(image_of(ev)) ? ROW_ODD_FILE : 0) | (p && is_setup(p) ? ROW_SETUP : 0);
}

static bool is_outside(const Varve__V1__Process *p)
{
	return p->has_outside && p->outside;
}

static uint64_t mix(uint64_t h, const char *s)
{
	for (; s && *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3ULL;
	return h * 0x9e3779b97f4a7c15ULL ^ h >> 29;
}

static uint64_t mix_number(uint64_t h, uint64_t n)
{
	return (h ^ n) * 0x9e3779b97f4a7c15ULL;
}

/* False: the same was said of it. Two that fall into one place are only told more often. */
static bool is_news(struct html *w, const struct history_container *c, const Varve__V1__Process *p)
{
	uint64_t who = mix(mix_number(w->seed, (uintptr_t)c), p->process_uid);
	uint64_t what = mix(mix(who, p->exe_path), p->cmd_line);

	what = mix(what, p->parent ? p->parent->process_uid : NULL);
	what = mix_number(what, (uint64_t)p->uid << 32 | p->euid);
	what = mix_number(what, is_session(p) * 4 + is_outside(p) * 2 + is_setup(p));
	uint64_t *seen = &w->seen[who >> 40 & (HTML_SEEN - 1)];

	if (*seen == what)
		return false;
	*seen = what;
	return true;
}

static json_t *ancestor(struct html *w, const Varve__V1__Ancestor *a)
{
	json_t *j = json_array();

	json_array_append_new(j, string_of(w, a->process_uid, NAME_MAX_SHOWN));
	json_array_append_new(j, a->has_pid ? json_integer(a->pid) : json_null());
	json_array_append_new(j, string_of(w, a->name, NAME_MAX_SHOWN));
	json_array_append_new(j, string_of(w, a->exe_path, TEXT_MAX));
	return j;
}

static void set_parent(struct html *w, json_t *o, const Varve__V1__Process *p)
{
	const Varve__V1__ParentProcess *parent = p->parent;
	json_t *list;

	if (!parent)
		return;
	set(o, "parent", string_of(w, parent->process_uid, NAME_MAX_SHOWN));
	set_number(o, "parentPid", parent->has_pid, parent->pid);
	set(o, "parentName", string_of(w, parent->name, NAME_MAX_SHOWN));
	set(o, "parentExe", string_of(w, parent->exe_path, TEXT_MAX));
	set(o, "parentArgs", string_of(w, parent->cmd_line, TEXT_MAX));
	if (p->n_ancestry < 2)
		return;
	list = json_array();
	for (size_t i = 1; i < MIN(p->n_ancestry, (size_t)ANCESTORS_MAX); i++)
		json_array_append_new(list, ancestor(w, p->ancestry[i]));
	json_object_set_new(o, "ancestors", list);
}

/* What it runs: the record's own file and arguments if it has them. */
static void set_image(struct html *w, json_t *o, const Varve__V1__Event *ev)
{
	const Varve__V1__Process *p = ev->process;
	const Varve__V1__File *file = image_of(ev);

	if (describe_args(html_text_begin(&w->scratch), ev))
		set(o, "args", taken(w, ARGS_MAX));
	else
		set(o, "args", string_of(w, p->cmd_line, ARGS_MAX));
	if (!file) {
		set(o, "exe",
		    text_of(w, p->exe_path, p->has_exe_path_raw, p->exe_path_raw, TEXT_MAX));
		return;
	}
	set(o, "exe", text_of(w, file->path, file->has_path_raw, file->path_raw, TEXT_MAX));
	describe_file_flags(html_text_begin(&w->scratch), file);
	if (ev->body_case == VARVE__V1__EVENT__BODY_EXEC && ev->exec->interpreter)
		fputs(" [script]", w->scratch.out);
	set(o, "exeFlags", taken(w, TEXT_MAX));
}

static json_t *process_of(struct html *w, const Varve__V1__Event *ev)
{
	const Varve__V1__Process *p = ev->process;
	json_t *o = json_object();

	set_number(o, "nsPid", p->has_ns_pid, p->ns_pid);
	set_number(o, "uid", p->has_uid, p->uid);
	set_number(o, "euid", p->has_euid, p->euid);
	set_number(o, "session", is_session(p), 1);
	set_number(o, "setup", is_setup(p), 1);
	set_number(o, "outside", is_outside(p), 1);
	set_number(o, "snapshot", p->has_from_snapshot && p->from_snapshot, 1);
	set_parent(w, o, p);
	set_image(w, o, ev);
	return o;
}

/* The runtime makes and removes the cgroup from outside: not a process of the container. */
static bool is_from_outside(const Varve__V1__Event *ev)
{
	return ev->body_case == VARVE__V1__EVENT__BODY_CONTAINER_START ||
	       ev->body_case == VARVE__V1__EVENT__BODY_CONTAINER_STOP;
}

static void add_process(struct html *w, json_t *row, const struct history_container *c,
			const Varve__V1__Event *ev)
{
	const Varve__V1__Process *p = ev->process;
	bool tell =
		p && p->process_uid && !is_from_outside(ev) && (is_news(w, c, p) || image_of(ev));

	json_array_append_new(row, p && !is_from_outside(ev)
					   ? string_of(w, p->process_uid, NAME_MAX_SHOWN)
					   : json_null());
	json_array_append_new(row, p && p->has_pid ? json_integer(p->pid) : json_null());
	json_array_append_new(row,
			      p ? text_of(w, p->name, p->has_name_raw, p->name_raw, NAME_MAX_SHOWN)
				: json_null());
	json_array_append_new(row, json_integer(flags_of(ev)));
	describe_event(html_text_begin(&w->scratch), ev);
	json_array_append_new(row, taken(w, TEXT_MAX));
	json_array_append_new(row, tell ? process_of(w, ev) : json_null());
}

/* As the record has it. */
static json_t *container_as_recorded(struct html *w, const Varve__V1__Container *c)
{
	FILE *out = html_text_begin(&w->scratch);

	describe_string(out, c->name ? c->name : c->is_sandbox ? "(sandbox)" : c->id);
	if (c->metadata_state && strcmp(c->metadata_state, "RESOLVED")) {
		fputs(" [", out);
		describe_string(out, c->metadata_state);
		fputc(']', out);
	}
	return taken(w, TEXT_MAX);
}

char *html_container_key(const struct history_container *c)
{
	return memory_printf("%s\n%s", c->node, c->id);
}

void html_row_print(struct html *w, FILE *out, const struct history_container *c,
		    const Varve__V1__Event *ev)
{
	int64_t ns = history_time(history_find_run(w->h, ev->run_id), ev);
	const char *class = event_kind_class(ev->body_case);
	_cleanup_free_ char *key = html_container_key(c);
	size_t at = (uintptr_t)strmap_find(&w->containers, key);
	json_t *row = json_array();

	json_array_append_new(row, json_integer(ns / 1000));
	json_array_append_new(row, string_of(w, ev->kind, NAME_MAX_SHOWN));
	json_array_append_new(row, json_string(class ? class : "other"));
	json_array_append_new(row, json_integer((json_int_t)at - 1));
	add_process(w, row, c, ev);
	if (w->h->as_recorded && ev->container)
		json_array_append_new(row, container_as_recorded(w, ev->container));
	json_dumpf(row, out, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(row);
}
