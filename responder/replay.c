/* SPDX-License-Identifier: Apache-2.0 */
/* varve replay: one pod's or container's history, in one of the views, and the verdict. */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/commands.h"
#include "responder/select.h"
#include "responder/verdict.h"
#include "responder/views/view.h"
#include "responder/when.h"

struct printing {
	const struct view_type *view;
	void *state;
	FILE *out;
};

static int print_record(const struct history_container *container, const Varve__V1__Event *ev,
			void *ctx)
{
	struct printing *p = ctx;

	p->view->record(p->state, p->out, container, ev);
	return ferror(p->out) ? -EIO : 0;
}

static int print_records(const struct options *opts, struct source *src, struct history *h,
			 FILE *out, uint64_t *ret_cnt)
{
	struct printing p = {.view = opts->view, .out = out};

	if (p.view->open)
		p.state = p.view->open(h, out);
	int err = history_stream(h, src, print_record, &p, ret_cnt);

	if (!err && p.view->finish)
		p.view->finish(p.state, out);
	if (p.view->free)
		p.view->free(p.state);
	return err;
}

static int tell_nothing_there(const struct history *h)
{
	char first[WHEN_LEN], last[WHEN_LEN];
	int64_t first_ns = INT64_MAX, last_ns = INT64_MIN;

	for (const struct history_container *c = h->containers; c; c = c->next) {
		if (!c->selected)
			continue;
		first_ns = MIN(first_ns, c->first_ns);
		last_ns = MAX(last_ns, c->last_ns);
	}
	diag(DIAG_ERROR, "nothing of it is in this time: its records are from %s to %s",
	     when_format(first_ns, first), when_format(last_ns, last));
	return EXIT_USAGE;
}

static int replay(const struct options *opts, struct source *src, struct history *h, FILE *out)
{
	int err = opts->pod ? select_pod(h, opts->pod) : select_container(h, opts->container);
	struct verdict verdict;
	uint64_t cnt;

	if (err)
		return EXIT_USAGE;
	verdict_make(h, &verdict);
	int status = EXIT_IO;

	if (!verdict.container_cnt) {
		status = tell_nothing_there(h);
	} else if (!print_records(opts, src, h, out, &cnt)) {
		verdict_check_streamed(&verdict, cnt);
		verdict_print(&verdict, opts->view->verdict_on_stderr ? stderr : out);
		status = verdict_exit_status(&verdict);
	}
	verdict_fini(&verdict);
	return status;
}

int cmd_replay(const struct options *opts, FILE *out)
{
	struct source *src;
	struct history *h;
	int status = EXIT_IO;

	if (source_open(opts->source, &opts->source_opts, &src) < 0)
		return EXIT_IO;
	if (!history_load(src, &opts->window, &h)) {
		status = replay(opts, src, h, out);
		history_free(h);
	}
	source_close(src);
	return status;
}
