/* SPDX-License-Identifier: Apache-2.0 */
/* varve coverage: what the sensors could see, node by node. Reads the outline where there is one.
 */
#include "evidence/base.h"
#include "evidence/decoder.h"
#include "evidence/event.h"
#include "evidence/text.h"
#include "responder/commands.h"
#include "responder/coverage.h"
#include "responder/complain.h"
#include "responder/json_line.h"
#include "responder/memory.h"
#include "responder/ranges.h"
#include "responder/strmap.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

#define SPANS_MAX     1000		/* of a kind that are told of a node; the rest is counted */
#define CLOCK_STEP_NS (100 * 1000000LL) /* more from one heartbeat to the next is no drift */
#define DIGEST_LEN    64		/* SHA-256 in hex */
#define DIGEST_SHOWN  16		/* of them, to a person */
#define HEARTBEAT_NS  (10 * 1000000000LL) /* where no record says it: the default */

enum span_kind { SPAN_UNWATCHED, SPAN_SILENT, SPAN_BLIND, SPAN_CLOCK, SPAN_CONFIG };

struct span {
	enum span_kind kind;
	int64_t from_ns, to_ns;
	int64_t by_ns; /* SPAN_CLOCK: so far the clock was set */
	/* SPAN_CONFIG: digests of the configurations. */
	char before[DIGEST_LEN + 1], after[DIGEST_LEN + 1];
};

/* Losses, or what was left out, of a class and for a reason. */
struct sum {
	bool suppressed;
	char *what; /* "class cause" */
	uint64_t cnt;
};

struct node {
	char *name;
	int64_t since_ns, last_ns; /* watched since; last word */
	int64_t heartbeat_ns;
	int64_t heard_ns;  /* the last heartbeat, or the start */
	int64_t offset_ns; /* of the clock, at the last heartbeat */
	bool has_offset, is_running;
	bool is_holed; /* something was lost, or not watched */
	uint64_t run_cnt, span_cnt;
	struct span *spans;
	size_t spans_used, spans_cap;
	struct sum *sums;
	size_t sum_cnt, sum_cap;
	char *not_seen, *partly_seen, *failed; /* of the last COVERAGE; NULL: nothing */
	char *version, *kernel;
	char config[DIGEST_LEN + 1]; /* of the last COVERAGE; "": it said none */
};

struct run {
	struct ranges sequences; /* of the records that came */
	uint64_t coverage;	 /* sequence of the COVERAGE that holds */
};

struct coverage {
	const struct options *opts;
	struct strmap nodes, runs;
	struct node **order; /* as they came */
	size_t node_cnt, node_cap;
	uint64_t damage_cnt;
};

/* --- while reading */

static struct node *get_node(struct coverage *c, const Varve__V1__Event *ev)
{
	struct node *n = strmap_find(&c->nodes, ev->node_name);

	if (!n) {
		n = memory_zalloc(sizeof(*n));
		n->name = memory_strdup(ev->node_name);
		n->since_ns = n->last_ns = ev->time_unix_nano;
		n->heartbeat_ns = HEARTBEAT_NS;
		n->is_running = true;
		strmap_add(&c->nodes, ev->node_name, n);
		c->order = memory_grow(c->order, c->node_cnt, &c->node_cap, sizeof(*c->order));
		c->order[c->node_cnt++] = n;
	}
	return n;
}

/* The number of the record, and of those that the outline leaves out before it. As ranges_add(). */
static int add_number(struct run *r, uint64_t sequence, uint64_t skipped)
{
	const struct ranges *s = &r->sequences;

	if (skipped && s->cnt && sequence - s->v[s->cnt - 1].last - 1 == skipped)
		ranges_lengthen(&r->sequences, sequence - 1, 0);
	return ranges_add(&r->sequences, sequence, 0);
}

static struct run *get_run(struct coverage *c, const char *id)
{
	struct run *r = strmap_find(&c->runs, id);

	if (!r) {
		r = memory_zalloc(sizeof(*r));
		strmap_add(&c->runs, id, r);
	}
	return r;
}

/* The clock may have been set back within it. */
static void add_span(struct node *n, const struct span *span)
{
	n->span_cnt++;
	n->is_holed |= span->kind != SPAN_CLOCK && span->kind != SPAN_CONFIG;
	if (n->spans_used == SPANS_MAX)
		return;
	n->spans = memory_grow(n->spans, n->spans_used, &n->spans_cap, sizeof(*n->spans));
	n->spans[n->spans_used] = *span;
	n->spans[n->spans_used].from_ns = MIN(span->from_ns, span->to_ns);
	n->spans[n->spans_used++].to_ns = MAX(span->from_ns, span->to_ns);
}

static void add_sum(struct node *n, bool suppressed, const char *class, const char *why,
		    uint64_t cnt)
{
	_cleanup_free_ char *what =
		memory_printf("%s %s", class ? class : "of any class", why ? why : "");

	for (size_t i = 0; i < n->sum_cnt; i++) {
		if (n->sums[i].suppressed == suppressed && !strcmp(n->sums[i].what, what)) {
			n->sums[i].cnt += cnt;
			return;
		}
	}
	/* The sensor has a few dozen of them; what comes from elsewhere may have any. */
	if (n->sum_cnt == 256)
		return;
	n->sums = memory_grow(n->sums, n->sum_cnt, &n->sum_cap, sizeof(*n->sums));
	n->sums[n->sum_cnt++] = (struct sum){suppressed, TAKE_PTR(what), cnt};
}

static void take_start(struct node *n, const Varve__V1__Event *ev)
{
	const Varve__V1__RunStart *b = ev->run_start;
	int64_t to =
		b->has_watched_since_unix_nano ? b->watched_since_unix_nano : ev->time_unix_nano;

	n->run_cnt++;
	n->is_running = true;
	free(n->version);
	free(n->kernel);
	n->version = memory_strdup(b->sensor_version);
	n->kernel = memory_strdup(b->kernel_release);
	n->heard_ns = ev->time_unix_nano;
	if (b->has_not_watched_since_unix_nano)
		add_span(n, &(struct span){SPAN_UNWATCHED, b->not_watched_since_unix_nano,
					   .to_ns = to});
}

static void add_word(char **all, const char *word)
{
	char *more = memory_printf("%s%s%s", *all ? *all : "", *all ? " " : "", word);

	free(*all);
	*all = more;
}

static char *join(size_t cnt, char **words)
{
	char *all = NULL;

	for (size_t i = 0; i < cnt; i++)
		add_word(&all, words[i]);
	return all;
}

static char *failed_hooks(const Varve__V1__Coverage *b)
{
	char *all = NULL;

	for (size_t i = 0; i < b->n_hooks; i++) {
		const Varve__V1__Hook *h = b->hooks[i];

		if (!h->attached && !h->served_by && h->name)
			add_word(&all, h->name);
	}
	return all;
}

/* Secrets are no part of the digest. */
static void take_config(struct node *n, const Varve__V1__Event *ev)
{
	const char *digest = ev->coverage->config_sha256;
	struct span span = {
		.kind = SPAN_CONFIG, .from_ns = ev->time_unix_nano, .to_ns = ev->time_unix_nano};

	if (!digest || strlen(digest) != DIGEST_LEN ||
	    strspn(digest, "0123456789abcdef") != DIGEST_LEN || !strcmp(digest, n->config))
		return;
	if (*n->config) {
		strcpy(span.before, n->config);
		strcpy(span.after, digest);
		add_span(n, &span);
	}
	strcpy(n->config, digest);
}

/* A topic may bring an older one of the run behind it. */
static void take_coverage(struct node *n, struct run *r, const Varve__V1__Event *ev)
{
	const Varve__V1__Coverage *b = ev->coverage;

	if (ev->sequence < r->coverage)
		return;
	r->coverage = ev->sequence;
	free(n->not_seen);
	free(n->partly_seen);
	free(n->failed);
	n->not_seen = join(b->n_not_seen, b->not_seen);
	n->partly_seen = join(b->n_partly_seen, b->partly_seen);
	n->failed = failed_hooks(b);
	take_config(n, ev);
	if (b->heartbeat_nano && b->heartbeat_nano < INT64_MAX / 1000)
		n->heartbeat_ns = b->heartbeat_nano;
}

static void take_heartbeat(struct node *n, const Varve__V1__Event *ev)
{
	int64_t offset = ev->heartbeat->clock_offset_nano, by;

	if (n->has_offset && !__builtin_sub_overflow(offset, n->offset_ns, &by) &&
	    (by > CLOCK_STEP_NS || by < -CLOCK_STEP_NS))
		add_span(n, &(struct span){SPAN_CLOCK, ev->time_unix_nano, ev->time_unix_nano,
					   .by_ns = by});
	n->has_offset = true;
	n->offset_ns = offset;
	if (ev->heartbeat->has_canary && !ev->heartbeat->canary)
		add_span(n, &(struct span){SPAN_BLIND, MAX(n->heard_ns, n->since_ns),
					   .to_ns = ev->time_unix_nano});
	n->heard_ns = ev->time_unix_nano;
}

static void take(struct coverage *c, const Varve__V1__Event *ev, uint64_t skipped)
{
	struct node *n = get_node(c, ev);
	struct run *r = get_run(c, ev->run_id);
	int64_t ns = ev->time_unix_nano, silence;

	/* Kafka may have a record again: what is lost is not lost twice. */
	if (add_number(r, ev->sequence, skipped) == 0)
		return;
	/* Heartbeats are of the outline: what is between two of its records is a silence where they
	 * were due. */
	if (n->is_running && ev->body_case != VARVE__V1__EVENT__BODY_RUN_START &&
	    !__builtin_sub_overflow(ns, n->last_ns, &silence) &&
	    silence > (int64_t)c->opts->silent_heartbeats * n->heartbeat_ns)
		add_span(n, &(struct span){SPAN_SILENT, n->last_ns, .to_ns = ns});
	switch (ev->body_case) {
	case VARVE__V1__EVENT__BODY_RUN_START:
		take_start(n, ev);
		break;
	case VARVE__V1__EVENT__BODY_RUN_END:
		n->is_running = false;
		break;
	case VARVE__V1__EVENT__BODY_COVERAGE:
		take_coverage(n, r, ev);
		break;
	case VARVE__V1__EVENT__BODY_HEARTBEAT:
		take_heartbeat(n, ev);
		break;
	case VARVE__V1__EVENT__BODY_LOSS:
		add_sum(n, false, ev->loss->event_class, ev->loss->cause, ev->loss->count);
		break;
	case VARVE__V1__EVENT__BODY_SUPPRESSION:
		add_sum(n, true, ev->suppression->event_class, ev->suppression->reason,
			ev->suppression->count);
		break;
	default:
		break;
	}
	n->last_ns = MAX(n->last_ns, ns);
}

/* --- what came of it */

/* Nothing since then, though it runs: so long until now. 0: it is as it should be. */
static int64_t silent_ns(const struct coverage *c, const struct node *n)
{
	int64_t ns;

	if (!n->is_running || __builtin_sub_overflow(c->opts->now_ns, n->last_ns, &ns) ||
	    ns <= (int64_t)c->opts->silent_heartbeats * n->heartbeat_ns)
		return 0;
	return ns;
}

static bool is_whole(const struct coverage *c, const struct node *n)
{
	return !n->is_holed && !silent_ns(c, n) && !n->not_seen && !n->partly_seen;
}

static void print_line(FILE *out, const char *what, const char *text)
{
	if (!text)
		return;
	fprintf(out, "  %-12s ", what);
	text_print_escaped(out, text, strlen(text));
	fputc('\n', out);
}

static void print_span(FILE *out, const struct span *s)
{
	static const char *const names[] = {"not watched", "silent", "no canary", "clock",
					    "configured"};
	char from[WHEN_LEN], to[WHEN_LEN], span[WHEN_LEN];

	if (s->kind == SPAN_CLOCK)
		fprintf(out, "  %-12s %s: set %s by %s\n", names[s->kind],
			when_format(s->from_ns, from), s->by_ns < 0 ? "back" : "forward",
			when_format_span(s->by_ns < 0 ? -s->by_ns : s->by_ns, span));
	else if (s->kind == SPAN_CONFIG)
		fprintf(out, "  %-12s %s: otherwise, from %.*s to %.*s\n", names[s->kind],
			when_format(s->from_ns, from), DIGEST_SHOWN, s->before, DIGEST_SHOWN,
			s->after);
	else
		fprintf(out, "  %-12s %s to %s (%s)\n", names[s->kind],
			when_format(s->from_ns, from), when_format(s->to_ns, to),
			when_format_span(s->to_ns - s->from_ns, span));
}

static void print_node(const struct coverage *c, const struct node *n, FILE *out)
{
	char since[WHEN_LEN], last[WHEN_LEN], span[WHEN_LEN];
	int64_t silent = silent_ns(c, n);

	fputs("node ", out);
	text_print_escaped(out, n->name, strlen(n->name));
	fprintf(out, ": watched since %s, last word %s, %" PRIu64 " runs%s\n",
		when_format(n->since_ns, since), when_format(n->last_ns, last), n->run_cnt,
		n->is_running ? "" : ", ended as asked");
	print_line(out, "sensor", n->version);
	print_line(out, "kernel", n->kernel);
	print_line(out, "config", *n->config ? n->config : NULL);
	if (n->has_offset)
		fprintf(out, "  %-12s %" PRId64 " ns ahead of boot time\n", "clock", n->offset_ns);
	if (silent)
		fprintf(out, "  %-12s since %s (%s): heartbeats are due each %" PRId64 " ms\n",
			"SILENT", last, when_format_span(silent, span), n->heartbeat_ns / 1000000);
	print_line(out, "not seen", n->not_seen);
	print_line(out, "partly seen", n->partly_seen);
	print_line(out, "no hook", n->failed);
	for (size_t i = 0; i < n->spans_used; i++)
		print_span(out, &n->spans[i]);
	if (n->span_cnt > n->spans_used)
		fprintf(out, "  and %" PRIu64 " more of these\n", n->span_cnt - n->spans_used);
	for (size_t i = 0; i < n->sum_cnt; i++) {
		fprintf(out, "  %-12s %" PRIu64 " ", n->sums[i].suppressed ? "suppressed" : "lost",
			n->sums[i].cnt);
		text_print_escaped(out, n->sums[i].what, strlen(n->sums[i].what));
		fputc('\n', out);
	}
	fprintf(out, "  %s\n", is_whole(c, n) ? "nothing is missing" : "not all was seen");
}

static json_t *json_spans(const struct node *n)
{
	static const char *const names[] = {"not_watched", "silent", "no_canary", "clock_step",
					    "config_changed"};
	json_t *list = json_array();

	for (size_t i = 0; i < n->spans_used; i++) {
		const struct span *s = &n->spans[i];
		json_t *j = json_pack("{s:s, s:o, s:o}", "what", names[s->kind], "from",
				      json_line_time(s->from_ns), "to", json_line_time(s->to_ns));

		if (s->kind == SPAN_CLOCK)
			json_object_set_new(j, "by_nano", json_integer(s->by_ns));
		if (s->kind == SPAN_CONFIG) {
			json_object_set_new(j, "config_sha256_before", json_string(s->before));
			json_object_set_new(j, "config_sha256", json_string(s->after));
		}
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *json_sums(const struct node *n, bool suppressed)
{
	json_t *list = json_object();

	for (size_t i = 0; i < n->sum_cnt; i++)
		if (n->sums[i].suppressed == suppressed)
			json_object_set_new(list, n->sums[i].what, json_integer(n->sums[i].cnt));
	return list;
}

static void json_node(const struct coverage *c, const struct node *n, FILE *out)
{
	json_t *j = json_pack(
		"{s:o, s:o, s:o, s:I, s:b, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, "
		"s:o, "
		"s:b}",
		"node", json_line_text(n->name), "since", json_line_time(n->since_ns), "last",
		json_line_time(n->last_ns), "runs", (json_int_t)n->run_cnt, "running",
		n->is_running, "sensor_version", json_line_text(n->version), "kernel",
		json_line_text(n->kernel), "config_sha256",
		json_line_text(*n->config ? n->config : NULL), "clock_offset_nano",
		(json_int_t)n->offset_ns, "heartbeat_nano", (json_int_t)n->heartbeat_ns,
		"silent_nano", (json_int_t)silent_ns(c, n), "not_seen", json_line_text(n->not_seen),
		"partly_seen", json_line_text(n->partly_seen), "no_hook", json_line_text(n->failed),
		"spans", json_spans(n), "lost", json_sums(n, false), "suppressed",
		json_sums(n, true), "whole", is_whole(c, n));

	json_line_print(out, j);
}

static void free_node(struct node *n)
{
	for (size_t i = 0; i < n->sum_cnt; i++)
		free(n->sums[i].what);
	free(n->sums);
	free(n->spans);
	free(n->name);
	free(n->not_seen);
	free(n->partly_seen);
	free(n->failed);
	free(n->version);
	free(n->kernel);
	free(n);
}

static void free_run(struct run *r)
{
	if (r)
		ranges_fini(&r->sequences);
	free(r);
}

/* --- for others */

struct coverage *coverage_new(const struct options *opts)
{
	struct coverage *c = memory_zalloc(sizeof(*c));

	c->opts = opts;
	return c;
}

void coverage_take(struct coverage *c, const Varve__V1__Event *ev, uint64_t skipped)
{
	/* The schema keeps numbers below 2^63. */
	if (ev && !(ev->sequence >> 63))
		take(c, ev, skipped);
	else
		c->damage_cnt++;
}

int coverage_print(const struct coverage *c, FILE *out)
{
	int status = EXIT_OK;

	for (size_t i = 0; i < c->node_cnt; i++) {
		if (c->opts->as_json)
			json_node(c, c->order[i], out);
		else
			print_node(c, c->order[i], out);
		if (!is_whole(c, c->order[i]))
			status = EXIT_INCOMPLETE;
	}
	if (c->damage_cnt) {
		log_warn("%" PRIu64 " places could not be read: varve verify says more",
			 c->damage_cnt);
		status = EXIT_INCOMPLETE;
	}
	if (!c->node_cnt)
		status = complain(EXIT_USAGE, "%s: there is no record", c->opts->source);
	return status;
}

void coverage_free(struct coverage *c)
{
	for (size_t i = 0; i < c->node_cnt; i++)
		free_node(c->order[i]);
	free(c->order);
	for (size_t i = 0; i < c->runs.size; i++)
		free_run(c->runs.slots[i].value);
	strmap_fini(&c->nodes);
	strmap_fini(&c->runs);
	free(c);
}

static int read_source(struct source *src, struct coverage *c)
{
	struct source_item item;
	struct decoder *d;
	int err;

	if (decoder_new(&d))
		memory_exhausted();
	while (!(err = source_next(src, &item)) && item.what != SOURCE_END)
		coverage_take(c,
			      item.what == SOURCE_RECORD ? decoder_event(d, item.payload, item.len)
							 : NULL,
			      item.skipped);
	decoder_free(d);
	return err;
}

int cmd_coverage(const struct options *opts, FILE *out)
{
	struct coverage *c;
	struct source *src;
	int status = EXIT_IO, err;

	if (source_open(opts->source, &opts->source_opts, &src) < 0)
		return EXIT_IO;
	c = coverage_new(opts);
	err = source_outline(src, NULL, 0);
	if (!err || err == -ENOTSUP)
		err = read_source(src, c);
	if (!err)
		status = coverage_print(c, out);
	coverage_free(c);
	source_close(src);
	return status;
}
