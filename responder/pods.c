/* SPDX-License-Identifier: Apache-2.0 */
/* varve pods: what the evidence is about. */
#include "evidence/base.h"
#include "responder/commands.h"
#include "responder/describe.h"
#include "responder/memory.h"
#include "responder/missing.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	const struct history_container *x = *(const struct history_container *const *)a;
	const struct history_container *y = *(const struct history_container *const *)b;
	const char *keys[][2] = {
		{x->pod_namespace, y->pod_namespace},
		{x->pod_name, y->pod_name},
		{x->pod_uid, y->pod_uid},
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		/* Containers of no pod come last. */
		int order = !keys[i][0] - !keys[i][1];

		if (!order && keys[i][0])
			order = strcmp(keys[i][0], keys[i][1]);
		if (order)
			return order;
	}
	return (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
}

static bool is_same_pod(const struct history_container *a, const struct history_container *b)
{
	if (a->pod_uid || b->pod_uid)
		return a->pod_uid && b->pod_uid && !strcmp(a->pod_uid, b->pod_uid);
	return !a->pod_name && !b->pod_name;
}

static void print_pod(FILE *out, const struct history_container *c)
{
	if (!c->pod_name && !c->pod_uid) {
		fputs("(in no pod)\n", out);
		return;
	}
	describe_string(out, c->pod_namespace);
	fputc('/', out);
	describe_string(out, c->pod_name);
	fputs("  uid ", out);
	describe_string(out, c->pod_uid);
	fputs("  node ", out);
	describe_string(out, c->node);
	fputc('\n', out);
}

static void print_container(FILE *out, const struct history_container *c)
{
	char first[WHEN_LEN], last[WHEN_LEN];
	const struct history_stream *s = c->last_stream;

	fputs("  ", out);
	describe_string(out, c->name ? c->name : c->is_sandbox ? "(sandbox)" : "-");
	fputs("  ", out);
	describe_string(out, c->id);
	fprintf(out, "\n    %s to %s  %s  %" PRIu64 " record%s  ", when_format(c->first_ns, first),
		when_format(c->last_ns, last), s->stopped || s->closed ? "ended" : "no end seen",
		c->record_cnt, c->record_cnt == 1 ? "" : "s");
	describe_string(out, c->state);
	if (c->image) {
		fputs("  ", out);
		describe_string(out, c->image);
	}
	fputc('\n', out);
}

static void print_all(FILE *out, const struct history *h)
{
	_cleanup_free_ const struct history_container **v =
		memory_zalloc((h->container_cnt + 1) * sizeof(*v));
	size_t n = 0;

	for (const struct history_container *c = h->containers; c; c = c->next)
		v[n++] = c;
	qsort(v, n, sizeof(*v), compare);
	for (size_t i = 0; i < n; i++) {
		if (!i || !is_same_pod(v[i - 1], v[i]))
			print_pod(out, v[i]);
		print_container(out, v[i]);
	}
}

static void print_summary(FILE *out, const struct history *h)
{
	char first[WHEN_LEN], last[WHEN_LEN];

	if (!h->record_cnt) {
		fputs("no records\n", out);
		return;
	}
	fprintf(out, "%zu containers, %" PRIu64 " records from %s to %s", h->container_cnt,
		h->record_cnt, when_format(h->first_ns, first), when_format(h->last_ns, last));
	if (h->duplicate_cnt)
		fprintf(out, ", %" PRIu64 " came more than once", h->duplicate_cnt);
	if (h->damage_cnt)
		fprintf(out, ", %" PRIu64 " places of the log are damaged", h->damage_cnt);
	if (h->undecodable_cnt)
		fprintf(out, ", %" PRIu64 " payloads are no records", h->undecodable_cnt);
	fputc('\n', out);
}

int cmd_pods(const struct options *opts, FILE *out)
{
	struct source *src;
	struct history *h;

	if (source_open(opts->source, &opts->source_opts, &src) < 0)
		return EXIT_IO;
	int err = history_load(src, &opts->window, &h);

	source_close(src);
	if (err < 0)
		return EXIT_IO;
	print_all(out, h);
	print_summary(out, h);
	bool gaps = missing_warn_gaps(h);
	int status = gaps || h->damage_cnt || h->undecodable_cnt ? EXIT_INCOMPLETE : EXIT_OK;

	history_free(h);
	return status;
}
