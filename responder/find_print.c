/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/base.h"
#include "evidence/text.h"
#include "responder/describe.h"
#include "responder/find.h"
#include "responder/json_line.h"
#include "responder/tell.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

#define NOT_FOUND_TOLD 20

static void print_container(FILE *out, const struct found *f)
{
	const struct history_container *c = f->container;

	if (!c) {
		fputs("(in no container)", out);
	} else if (c->who.pod_name || c->who.pod_uid) {
		describe_string(out, c->who.pod_namespace);
		fputc('/', out);
		describe_string(out, c->who.pod_name);
		fputs("  uid ", out);
		describe_string(out, c->who.pod_uid);
	} else {
		fputs("(in no pod)", out);
	}
	fputs("  node ", out);
	describe_string(out, f->node);
	if (c) {
		fputs("\n  ", out);
		describe_string(out, c->who.name	 ? c->who.name
				     : c->who.is_sandbox ? "(sandbox)"
							 : "-");
		fputs("  ", out);
		describe_string(out, c->id);
	}
	fputc('\n', out);
}

static void print_kinds(FILE *out, const struct found *f)
{
	for (size_t i = 0; i < FOUND_KINDS && f->kinds[i].cnt; i++) {
		const char *name = event_kind_name(f->kinds[i].number);

		fprintf(out, "%s%" PRIu64 " %s", i ? ", " : "", f->kinds[i].cnt,
			name ? name : "of another kind");
	}
	if (f->other_cnt)
		fprintf(out, ", %" PRIu64 " of other kinds", f->other_cnt);
}

static void print_found(FILE *out, const struct find *find, const struct found *f)
{
	const struct indicator *i = &find->in->v[f->indicator];
	char first[WHEN_LEN], last[WHEN_LEN];

	fprintf(out, "    %s ", indicator_type_name(i->type));
	describe_string(out, i->text);
	if (i->where) {
		fputs("  (", out);
		describe_string(out, i->where);
		fputc(')', out);
	}
	fprintf(out, "\n      %s to %s  ", when_format(f->first_ns, first),
		when_format(f->last_ns, last));
	print_kinds(out, f);
	/* It is escaped already. */
	fprintf(out, "\n      first: %s\n", f->what);
}

static void print_not_found(FILE *out, const struct find *f)
{
	size_t told = 0, cnt = 0;

	for (size_t i = 0; i < f->in->cnt; i++)
		cnt += !f->hit[i];
	if (!cnt)
		return;
	fputs("not found:", out);
	for (size_t i = 0; i < f->in->cnt && told < NOT_FOUND_TOLD; i++) {
		if (f->hit[i])
			continue;
		fprintf(out, "%s %s ", told++ ? "," : "", indicator_type_name(f->in->v[i].type));
		describe_string(out, f->in->v[i].text);
	}
	if (cnt > told)
		fprintf(out, " and %zu more", cnt - told);
	fputc('\n', out);
}

static void print_holes(FILE *out, const struct find *f)
{
	char first[WHEN_LEN], last[WHEN_LEN];

	fprintf(out, "looked at %" PRIu64 " record%s", f->record_cnt, tell_plural(f->record_cnt));
	if (f->h->first_ns != HISTORY_NEVER)
		fprintf(out, "; the evidence is from %s to %s", when_format(f->h->first_ns, first),
			when_format(f->h->last_ns, last));
	fputc('\n', out);
	if (!f->holes.cnt)
		return;
	fputs(f->list.cnt ? "INCOMPLETE: there may be more of it among\n"
			  : "UNKNOWN: not found, but it may have been among\n",
	      out);
	for (size_t i = 0; i < f->holes.cnt; i++) {
		fputs("  ", out);
		text_print_escaped(out, f->holes.v[i], strlen(f->holes.v[i]));
		fputc('\n', out);
	}
	if (f->holes.more_cnt)
		fprintf(out, "  and %" PRIu64 " more such holes\n", f->holes.more_cnt);
}

void find_print(const struct find *f, FILE *out)
{
	const struct found *before = NULL;
	size_t containers = 0;

	for (size_t i = 0; i < f->list.cnt; i++) {
		const struct found *one = &f->list.v[i];

		if (!before || before->container != one->container ||
		    strcmp(before->node, one->node)) {
			print_container(out, one);
			containers++;
		}
		print_found(out, f, one);
		before = one;
	}
	if (f->list.left_out_cnt)
		fprintf(out,
			"... and %" PRIu64 " more records that match: only the first %d pairs of "
			"container and indicator are listed\n",
			f->list.left_out_cnt, FOUND_MAX);
	if (f->list.cnt)
		fprintf(out, "\nfound in %zu container%s\n", containers, tell_plural(containers));
	else
		fputs("found nowhere\n", out);
	print_not_found(out, f);
	print_holes(out, f);
}

/* --- JSON */

static json_t *json_kinds(const struct found *f)
{
	json_t *kinds = json_object();

	for (size_t i = 0; i < FOUND_KINDS && f->kinds[i].cnt; i++) {
		const char *name = event_kind_name(f->kinds[i].number);

		json_object_set_new(kinds, name ? name : "UNKNOWN", json_integer(f->kinds[i].cnt));
	}
	if (f->other_cnt)
		json_object_set_new(kinds, "OTHER", json_integer(f->other_cnt));
	return kinds;
}

static void print_json_found(FILE *out, const struct find *find, const struct found *f)
{
	static const struct history_container none;
	const struct history_container *c = f->container ? f->container : &none;
	const struct indicator *i = &find->in->v[f->indicator];
	char event[128];

	snprintf(event, sizeof(event), "%.40s/%" PRIu64, f->run_id, f->sequence);
	json_line_print(out, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
				       "s:o, s:I, s:o, s:o, "
				       "s:o}",
				       "type", indicator_type_name(i->type), "indicator",
				       json_line_text(i->text), "where", json_line_text(i->where),
				       "namespace", json_line_text(c->who.pod_namespace), "pod",
				       json_line_text(c->who.pod_name), "pod_uid",
				       json_line_text(c->who.pod_uid), "container",
				       json_line_text(c->who.name), "container_id",
				       json_line_text(c->id), "image", json_line_text(c->who.image),
				       "node", json_line_text(f->node), "first",
				       json_line_time(f->first_ns), "last",
				       json_line_time(f->last_ns), "records", (json_int_t)f->cnt,
				       "kinds", json_kinds(f), "first_event", json_line_text(event),
				       "first_text", json_line_text(f->what)));
}

static json_t *json_not_found(const struct find *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->in->cnt; i++)
		if (!f->hit[i])
			json_array_append_new(list, json_pack("{s:s, s:o}", "type",
							      indicator_type_name(f->in->v[i].type),
							      "indicator",
							      json_line_text(f->in->v[i].text)));
	return list;
}

static json_t *json_holes(const struct find *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->holes.cnt; i++)
		json_array_append_new(list, json_line_text(f->holes.v[i]));
	return list;
}

void find_print_json(const struct find *f, FILE *out)
{
	for (size_t i = 0; i < f->list.cnt; i++)
		print_json_found(out, f, &f->list.v[i]);
	json_line_print(out,
			json_pack("{s:b, s:b, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:b}", "summary",
				  1, "found", f->list.cnt > 0, "records", (json_int_t)f->record_cnt,
				  "evidence_first", json_line_time(f->h->first_ns), "evidence_last",
				  json_line_time(f->h->last_ns), "not_found", json_not_found(f),
				  "holes", json_holes(f), "more_holes",
				  (json_int_t)f->holes.more_cnt, "records_left_out",
				  (json_int_t)f->list.left_out_cnt, "complete", !f->holes.cnt));
}
