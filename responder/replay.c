/* SPDX-License-Identifier: Apache-2.0 */
/* varve replay: one pod's or container's history, in one of the views, and the verdict. */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/amend.h"
#include "responder/authentic.h"
#include "responder/checks.h"
#include "responder/commands.h"
#include "responder/complain.h"
#include "responder/directory.h"
#include "responder/filter.h"
#include "responder/memory.h"
#include "responder/missing.h"
#include "responder/part.h"
#include "responder/replay.h"
#include "responder/select.h"
#include "responder/verdict.h"
#include "responder/verdict_json.h"
#include "responder/views/view.h"
#include <inttypes.h>
#include <string.h>

/* Of a topic: COVERAGE comes each hour, losses are declared by the second heartbeat. */
#define PART_BEFORE_NS (65 * 60 * (int64_t)NSEC_PER_SEC)
#define PART_BEHIND_NS (10 * 60 * (int64_t)NSEC_PER_SEC)
#define PART_MARGIN_NS (60 * (int64_t)NSEC_PER_SEC)

void replay_open(struct replay_views *r, const struct verdict *verdict)
{
	for (size_t i = 0; i < r->cnt; i++) {
		struct replay_view *v = &r->v[i];

		if (v->type->verdict == VIEW_VERDICT_AROUND && verdict->container_cnt) {
			verdict_print(verdict, v->out);
			fputc('\n', v->out);
		}
		if (v->type->open)
			v->state = v->type->open(r->h, verdict, v->out);
	}
}

int replay_record(const struct history_container *container, const Varve__V1__Event *ev, void *ctx)
{
	struct replay_views *r = ctx;
	struct amended a;

	if (r->filter && !filter_takes(r->filter, ev))
		return 0;
	if (!r->h->as_recorded) {
		amend(r->h, container, ev, &a);
		ev = &a.ev;
	}
	for (size_t i = 0; i < r->cnt; i++) {
		r->v[i].type->record(r->v[i].state, r->v[i].out, container, ev);
		if (ferror(r->v[i].out))
			return -EIO;
	}
	return 0;
}

void replay_finish(struct replay_views *r, struct verdict *verdict, uint64_t cnt)
{
	verdict_check_streamed(verdict, cnt); /* before: there are views that print the verdict */
	for (size_t i = 0; i < r->cnt; i++)
		if (r->v[i].type->finish)
			r->v[i].type->finish(r->v[i].state, r->v[i].out);
	for (size_t i = 0; i < r->cnt; i++)
		if (r->v[i].type->verdict == VIEW_VERDICT_AROUND)
			verdict_print(verdict, r->v[i].out);
}

void replay_free(struct replay_views *r)
{
	for (size_t i = 0; i < r->cnt; i++)
		if (r->v[i].type->free && r->v[i].state)
			r->v[i].type->free(r->v[i].state);
}

static int print_all(const struct options *opts, struct source *src, struct history *h,
		     struct verdict *verdict, FILE *out)
{
	struct filter filter;
	struct replay_view view = {.type = opts->view, .out = out};
	struct replay_views r = {.h = h, .v = &view, .cnt = 1, .filter = &filter};
	char *left_out;
	uint64_t cnt;

	filter_init(&filter, &opts->filter);
	h->as_recorded = opts->as_recorded;
	h->is_filtered = filter_is_on(&opts->filter);
	replay_open(&r, verdict);
	int err = history_stream(h, src, replay_record, &r, &cnt);

	/* The verdict stays about the whole. */
	left_out = filter_summary(&filter);
	if (left_out)
		verdict_add(verdict, VERDICT_REASON_NOTE, left_out);
	if (!err)
		replay_finish(&r, verdict, cnt);
	replay_free(&r);
	filter_fini(&filter);
	if (err)
		return EXIT_IO;
	if (opts->view->verdict != VIEW_VERDICT_AROUND)
		verdict_print(verdict, stderr);
	return verdict_exit_status(verdict);
}

/* json: where the verdict is to go for programs; or NULL. */
static int replay(const struct options *opts, struct source *src, struct history *h, FILE *out,
		  FILE *json)
{
	int err = opts->pod ? select_pod(h, opts->pod) : select_container(h, opts->container);
	struct verdict verdict;
	int status = EXIT_IO;

	if (err) {
		status = err == -ENOENT && missing_tell_among(h) ? EXIT_UNKNOWN : EXIT_USAGE;
		if (json)
			verdict_json_print(json, opts, NULL, status);
		return status;
	}
	verdict_make(h, &verdict);
	if (filter_is_on(&opts->filter))
		verdict_add(&verdict, VERDICT_REASON_NOTE,
			    memory_strdup("a filter is applied: the verdict is about all records"));
	if (!authentic_is_asked(opts) || !authentic_check(opts, src, h, &verdict))
		status = print_all(opts, src, h, &verdict, out);
	if (json)
		verdict_json_print(json, opts, status == EXIT_IO ? NULL : &verdict, status);
	verdict_fini(&verdict);
	return status;
}

static bool mark(const struct options *opts, struct history *h)
{
	const char *first, *other;

	if (opts->pod)
		return select_mark_pod(h, opts->pod);
	return select_mark_container(h, opts->container, &first, &other) && !other;
}

/* 1: what is wanted is not found by the outline. */
static int load_part(const struct options *opts, struct source *src, struct log_range *part,
		     struct history **ret_h)
{
	unsigned int partition;
	struct history *h;
	bool found;
	int err = source_outline(src, NULL, 0);

	if (!err)
		err = history_read(src, &opts->window, &h);
	if (err)
		return err == -ENOTSUP ? 1 : err;
	found = mark(opts, h) && part_find(h, &partition, part);
	history_free(h);
	if (!found)
		return 1;
	log_debug("reading segments %020" PRIu64 " to %020" PRIu64, part->from, part->to);
	err = source_outline_but(src, partition, part, 1);
	return err ? err : history_load(src, &opts->window, ret_h);
}

/*
 * Of a topic only a part was read: nothing in what was left out can change the verdict. The runs
 * are there from their start, so all containers are known that were there; what was lost in the
 * pod's time has been declared; and nothing that is missing at other times would matter.
 */
static bool is_enough(const struct history *h, const struct source_part *part)
{
	struct history_window time;
	struct verdict v;
	bool enough;

	verdict_make(h, &v);
	enough = v.result == VERDICT_COMPLETE && v.container_cnt && checks_pod_time(h, &time) &&
		 time.since_ns > part->since_ns + PART_MARGIN_NS &&
		 time.until_ns < part->until_ns - PART_MARGIN_NS;
	verdict_fini(&v);
	for (const struct history_container *c = h->containers; c; c = c->next)
		for (const struct history_stream *s = c->streams; c->selected && s; s = s->next)
			enough = enough && s->run->started && s->closed &&
				 (s->run->settled_ns > s->account_ns || s->run->ended);
	return enough;
}

static int read_part(const struct options *opts, struct source *src, const struct source_part *part,
		     struct history **ret_h)
{
	struct history *h;
	int err;

	if (source_kafka_part(src, part))
		return 1;
	err = history_read(src, &opts->window, &h);
	if (err)
		return err;
	if (mark(opts, h) && is_enough(h, part)) {
		history_tell_damage(h);
		*ret_h = h;
		return 0;
	}
	history_free(h);
	return 1;
}

/* From Kafka, where the directory leads: from an hour before the pod, or from the beginning; or,
 * after the topic was given more partitions, from all of them. */
static int load_place(const struct options *opts, struct source *src,
		      const struct directory_place *place, struct history **ret_h)
{
	struct source_part part = {
		.nodes = place->nodes,
		.node_cnt = place->node_cnt,
		.since_ns = place->first_ns - PART_BEFORE_NS,
		.until_ns = place->last_ns + PART_BEHIND_NS,
	};
	int err;

	/* What has not ended is not complete. */
	if (place->last_ns == INT64_MAX || place->first_ns < PART_BEFORE_NS)
		return 1;
	err = read_part(opts, src, &part, ret_h);
	if (err <= 0)
		return err;
	part.since_ns = INT64_MIN;
	err = read_part(opts, src, &part, ret_h);
	if (err <= 0)
		return err;
	part.is_anywhere = 1;
	return read_part(opts, src, &part, ret_h);
}

static int load_by_directory(const struct options *opts, struct source *src, struct history **ret_h)
{
	struct directory_place place;
	struct history *directory;
	int err = opts->pod ? directory_load(opts, &directory) : -ENOENT;

	if (err)
		return err == -ENOENT ? 1 : err;
	err = 1;
	if (directory_find(directory, opts->pod, &place)) {
		err = load_place(opts, src, &place, ret_h);
		free(place.nodes);
	}
	history_free(directory);
	return err;
}

static int load(const struct options *opts, struct source *src, struct log_range *part,
		struct history **ret_h)
{
	int err = 1;

	/* Seals are of all records. */
	if (!opts->read_all && !authentic_is_asked(opts))
		err = source_is_kafka(opts->source) && !opts->source_opts.more_cnt
			      ? load_by_directory(opts, src, ret_h)
						    : load_part(opts, src, part, ret_h);

	if (err <= 0)
		return err;
	err = source_read_all(src);
	return err ? err : history_load(src, &opts->window, ret_h);
}

static int load_and_replay(const struct options *opts, FILE *out, FILE *json)
{
	struct log_range part;
	struct source *src;
	struct history *h;
	int status = EXIT_IO;

	if (source_open(opts->source, &opts->source_opts, &src) < 0)
		return EXIT_IO;
	if (!load(opts, src, &part, &h)) {
		status = replay(opts, src, h, out, json);
		history_free(h);
	}
	source_close(src);
	return status;
}

int cmd_replay(const struct options *opts, FILE *out)
{
	FILE *json;
	int status;

	if (!opts->verdict_file)
		return load_and_replay(opts, out, NULL);
	json = fopen(opts->verdict_file, "we");
	if (!json)
		return complain(EXIT_IO, "cannot write %s: %s", opts->verdict_file,
				strerror(errno));
	status = load_and_replay(opts, out, json);
	/* Nothing is in it yet: the source could not be read. */
	if (!ftell(json))
		verdict_json_print(json, opts, NULL, status);
	if (ferror(json) | fclose(json))
		return complain(EXIT_IO, "cannot write %s", opts->verdict_file);
	return status;
}
