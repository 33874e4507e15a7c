/* SPDX-License-Identifier: Apache-2.0 */
/* varve cat: every record, as lines of JSON; or as it is, for another varve. */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/json.h"
#include "responder/commands.h"
#include "responder/filter.h"
#include "responder/framing.h"
#include "responder/missing.h"
#include <errno.h>

#define TOLD_MAX 20

struct printing {
	const struct history *h;
	const struct history_window *window;
	struct filter filter;
	FILE *out;
};

/* The time is a filter here, too: all records are read, and gaps told, as without it. */
static int print_record(const struct history_container *container, const Varve__V1__Event *ev,
			void *ctx)
{
	struct printing *p = ctx;
	int64_t ns = history_time(history_find_run(p->h, ev->run_id), ev);

	(void)container;
	if (ns < p->window->since_ns || ns > p->window->until_ns || !filter_takes(&p->filter, ev))
		return 0;
	json_print_record(p->out, &ev->base, p->h->decoder);
	fputc('\n', p->out);
	return ferror(p->out) ? -EIO : 0;
}

static int print_all(const struct options *opts, struct history *h, struct source *src, FILE *out,
		     uint64_t *ret_cnt)
{
	struct printing p = {.h = h, .window = &opts->window, .out = out};
	int err;

	filter_init(&p.filter, &opts->filter);
	h->everything = true;
	err = history_stream(h, src, print_record, &p, ret_cnt);
	_cleanup_free_ char *left_out = filter_summary(&p.filter);

	if (!err && left_out)
		log_warn("%s", left_out);
	filter_fini(&p.filter);
	return err;
}

/* What could not be read was told on stderr place by place; the status says that there was
 * something. */
static int status_of(const struct history *h, uint64_t cnt)
{
	if (cnt < h->record_cnt)
		log_warn("%llu records went from the source while it was read",
			 (unsigned long long)(h->record_cnt - cnt));
	if (h->duplicate_cnt)
		log_warn("%llu records came more than once and are printed once",
			 (unsigned long long)h->duplicate_cnt);
	bool gaps = missing_warn_gaps(h);

	return gaps || h->damage_cnt || h->undecodable_cnt || cnt < h->record_cnt ? EXIT_INCOMPLETE
										  : EXIT_OK;
}

/* All that is there, in one pass: what is double, missing or no record who reads it sees himself. */
static int pass_on(struct source *src, FILE *out)
{
	struct source_item item;
	uint64_t damage_cnt = 0;
	int err;

	while (!(err = source_next(src, &item)) && item.what != SOURCE_END && !ferror(out)) {
		if (item.what == SOURCE_DAMAGE && damage_cnt++ < TOLD_MAX)
			log_warn("cannot be read: %s", item.where);
		else if (item.what == SOURCE_RECORD && item.len)
			framing_write(out, item.payload, item.len);
	}
	if (damage_cnt > TOLD_MAX)
		log_warn("%llu more places that cannot be read",
			 (unsigned long long)(damage_cnt - TOLD_MAX));
	return err ? EXIT_IO : damage_cnt ? EXIT_INCOMPLETE : EXIT_OK;
}

int cmd_cat(const struct options *opts, FILE *out)
{
	const struct history_window always = {INT64_MIN, INT64_MAX};
	struct source *src;
	struct history *h;
	uint64_t cnt;
	int status = EXIT_IO;

	if (source_open(opts->source, &opts->source_opts, &src) < 0)
		return EXIT_IO;
	if (opts->as_delimited) {
		status = pass_on(src, out);
	} else if (!history_load(src, &always, &h)) {
		if (!print_all(opts, h, src, out, &cnt))
			status = status_of(h, cnt);
		history_free(h);
	}
	source_close(src);
	return status;
}
