/* SPDX-License-Identifier: Apache-2.0 */
/* varve replay: one pod's or container's history, in one of the views, and the verdict. */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/amend.h"
#include "responder/commands.h"
#include "responder/memory.h"
#include "responder/missing.h"
#include "responder/part.h"
#include "responder/select.h"
#include "responder/verdict.h"
#include "responder/views/view.h"
#include "responder/when.h"
#include <inttypes.h>

#define TOLD_MAX 10 /* of what is missing */

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
			 FILE *out, uint64_t *ret_cnt)
{
	struct printing p = {.h = h, .view = opts->view, .out = out};

	h->as_recorded = opts->as_recorded;
	if (p.view->open)
		p.state = p.view->open(h, out);
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
	if (!print_records(opts, src, h, out, &cnt)) {
		verdict_check_streamed(&verdict, cnt);
		verdict_print(&verdict, opts->view->verdict_on_stderr ? stderr : out);
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
	struct history *h;
	bool found;
	int err = source_outline(src, NULL, 0);

	if (!err)
		err = history_read(src, &opts->window, &h);
	if (err)
		return err == -ENOTSUP ? 1 : err;
	found = mark(opts, h) && part_find(h, part);
	history_free(h);
	if (!found)
		return 1;
	log_debug("reading segments %020" PRIu64 " to %020" PRIu64, part->from, part->to);
	err = source_outline(src, part, 1);
	return err ? err : history_load(src, &opts->window, ret_h);
}

static int load(const struct options *opts, struct source *src, struct log_range *part,
		struct history **ret_h)
{
	int err = opts->read_all ? 1 : load_part(opts, src, part, ret_h);

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
