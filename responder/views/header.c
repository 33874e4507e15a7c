/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/views/header.h"
#include "responder/describe.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

static void print_field(FILE *out, const char *name, const char *value)
{
	if (!value)
		return;
	fprintf(out, "  %-9s ", name);
	describe_string(out, value);
	fputc('\n', out);
}

static void print_time(FILE *out, const char *name, int64_t ns, const char *what)
{
	char when[WHEN_LEN];

	fprintf(out, "  %-9s %s  (%s)\n", name, when_format(ns, when), what);
}

static void print_life(FILE *out, const struct history_container *c)
{
	const struct history_stream *first = c->streams, *last = c->last_stream;
	char span[WHEN_LEN];

	if (first->started)
		print_time(out, "from", first->start_ns,
			   first->from_snapshot ? "ran already when the sensor started"
						: "container started");
	else
		print_time(out, "from", c->first_ns,
			   "first record; the start is not in the evidence");
	if (last->stopped)
		print_time(out, "to", last->stop_ns, "container removed");
	else
		print_time(out, "to", c->last_ns, "last record");
	if (first->started && last->stopped)
		fprintf(out, "  %-9s %s\n", "lasted",
			when_format_span(last->stop_ns - first->start_ns, span));
}

static void print_owner(FILE *out, const char *field, const char *kind, const char *name,
			bool concluded)
{
	if (!kind)
		return;
	fprintf(out, "  %-9s ", field);
	describe_owner(out, kind, name, concluded);
	fputc('\n', out);
}

void header_print(FILE *out, const struct history_container *c)
{
	fputs("Container ", out);
	describe_string(out, c->who.name	 ? c->who.name
			     : c->who.is_sandbox ? "(pod sandbox)"
						 : c->id);
	fputc('\n', out);
	if (c->who.pod_name || c->who.pod_uid) {
		fprintf(out, "  %-9s ", "pod");
		describe_string(out, c->who.pod_namespace);
		fputc('/', out);
		describe_string(out, c->who.pod_name);
		fputs("  uid ", out);
		describe_string(out, c->who.pod_uid);
		fputc('\n', out);
	}
	print_owner(out, "workload", c->who.workload_kind, c->who.workload_name,
		    c->who.workload_concluded);
	print_owner(out, "owner", c->who.owner_kind, c->who.owner_name, c->who.owner_concluded);
	print_field(out, "id", c->id);
	print_field(out, "runtime", c->who.runtime);
	print_field(out, "image", c->who.image);
	print_field(out, "node", c->node);
	if (c->who.state && strcmp(c->who.state, "RESOLVED"))
		print_field(out, "metadata", c->who.state);
	print_life(out, c);
	fprintf(out, "  %-9s %" PRIu64 "\n\n", "records", c->window_cnt);
}
