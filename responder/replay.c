/* SPDX-License-Identifier: Apache-2.0 */
/* varve replay: one pod's or container's history, in one of the views, and the verdict. */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/amend.h"
#include "responder/checks.h"
#include "responder/commands.h"
#include "responder/directory.h"
#include "responder/memory.h"
#include "responder/missing.h"
#include "responder/part.h"
#include "responder/select.h"
#include "responder/verdict.h"
#include "responder/views/view.h"
#include "responder/when.h"
#include <inttypes.h>

#define TOLD_MAX 10 /* of what is missing */
/* Of a topic: COVERAGE comes each hour, losses are declared by the second heartbeat. */
#define PART_BEFORE_NS (65 * 60 * (int64_t)NSEC_PER_SEC)
#define PART_BEHIND_NS (10 * 60 * (int64_t)NSEC_PER_SEC)
#define PART_MARGIN_NS (60 * (int64_t)NSEC_PER_SEC)

struct printing {
	const struct history *h;
	const struct view_type *view;
	void *state;
	FILE *out;
};

static int print_record(const struct history_container *container, const Varve__V1__Event *ev,
			void *ctx)
{
	struct printing *p = ctx;
	struct amended a;

	if (!p->h->as_recorded) {
		amend(p->h, container, ev, &a);
		ev = &a.ev;
	}
	p->view->record(p->state, p->out, container, ev);
	return ferror(p->out) ? -EIO : 0;
}

static int print_records(const struct options *opts, struct source *src, struct history *h,
			 const struct verdict *verdict, FILE *out, uint64_t *ret_cnt)
{
	struct printing p = {.h = h, .view = opts->view, .out = out};

	h->as_recorded = opts->as_recorded;
	if (p.view->open)
		p.state = p.view->open(h, verdict, out);
	int err = history_stream(h, src, print_record, &p, ret_cnt);

	if (!err && p.view->finish)
		p.view->finish(p.state, out);
	if (p.view->free)
		p.view->free(p.state);
	return err;
}

static void tell_among(const struct missing *m, void *ctx)
{
	size_t *told = ctx;
	_cleanup_free_ char *text = missing_text(m);

	if ((*told)++ < TOLD_MAX)
		diag(DIAG_ERROR, "it may have been among %s", text);
}

/* What matches nothing may be what is missing. */
static int tell_no_match(const struct history *h)
{
	size_t told = 0;

	missing_each(h, NULL, &h->window, tell_among, &told);
	if (told > TOLD_MAX)
		diag(DIAG_ERROR, "it may have been among what is missing in %zu more places",
		     told - TOLD_MAX);
	return told ? EXIT_UNKNOWN : EXIT_USAGE;
}

/* Several pods that had one name, one after the other or at once. */
static void tell_pods(const struct options *opts, const struct history *h)
{
	char first[WHEN_LEN], last[WHEN_LEN];
	struct select_pod *pods;
	size_t cnt = select_list_pods(h, &pods);

	if (opts->pod && cnt > 1)
		log_warn("%zu pods had the name \"%s\"; all are shown; --pod UID, or --since and "
			 "--until, choose one:",
			 cnt, opts->pod);
	for (size_t i = 0; opts->pod && cnt > 1 && i < cnt; i++)
		log_warn("  %s  %s to %s", pods[i].uid, when_format(pods[i].first_ns, first),
			 when_format(pods[i].last_ns, last));
	free(pods);
}

static int replay(const struct options *opts, struct source *src, struct history *h, FILE *out)
{
	int err = opts->pod ? select_pod(h, opts->pod) : select_container(h, opts->container);
	struct verdict verdict;
	int status = EXIT_IO;
	uint64_t cnt;

	if (err)
		return err == -ENOENT ? tell_no_match(h) : EXIT_USAGE;
	tell_pods(opts, h);
	verdict_make(h, &verdict);
	if (opts->view->verdict == VIEW_VERDICT_AROUND && verdict.container_cnt) {
		verdict_print(&verdict, out);
		fputc('\n', out);
	}
	if (!print_records(opts, src, h, &verdict, out, &cnt)) {
		verdict_check_streamed(&verdict, cnt);
		if (opts->view->verdict == VIEW_VERDICT_AROUND)
			verdict_print(&verdict, out);
		else
			verdict_print(&verdict, stderr);
		status = verdict_exit_status(&verdict);
	}
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

	if (!opts->read_all)
		err = source_is_kafka(opts->source) && !opts->source_opts.more_cnt
			      ? load_by_directory(opts, src, ret_h)
						    : load_part(opts, src, part, ret_h);

	if (err <= 0)
		return err;
	err = source_read_all(src);
	return err ? err : history_load(src, &opts->window, ret_h);
}

int cmd_replay(const struct options *opts, FILE *out)
{
	struct log_range part;
	struct source *src;
	struct history *h;
	int status = EXIT_IO;

	if (source_open(opts->source, &opts->source_opts, &src) < 0)
		return EXIT_IO;
	if (!load(opts, src, &part, &h)) {
		status = replay(opts, src, h, out);
		history_free(h);
	}
	source_close(src);
	return status;
}
