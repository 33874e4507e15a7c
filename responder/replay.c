/* SPDX-License-Identifier: Apache-2.0 */
/* varve replay: one pod's or container's history, in one of the views, and the verdict. */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/commands.h"
#include "responder/missing.h"
#include "responder/select.h"
#include "responder/verdict.h"
#include "responder/views/view.h"

#define TOLD_MAX 10 /* of what is missing */

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

static int replay(const struct options *opts, struct source *src, struct history *h, FILE *out)
{
	int err = opts->pod ? select_pod(h, opts->pod) : select_container(h, opts->container);
	struct verdict verdict;
	int status = EXIT_IO;
	uint64_t cnt;

	if (err)
		return err == -ENOENT ? tell_no_match(h) : EXIT_USAGE;
	verdict_make(h, &verdict);
	if (!print_records(opts, src, h, out, &cnt)) {
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
