/* SPDX-License-Identifier: Apache-2.0 */
/* varve cat: every record, as lines of JSON; or as it is, for another varve. */
#include "evidence/diag.h"
#include "evidence/json.h"
#include "responder/commands.h"
#include "responder/framing.h"
#include "responder/missing.h"
#include <errno.h>

#define TOLD_MAX 20

static int print_record(const struct history_container *container, const Varve__V1__Event *ev,
			void *ctx)
{
	FILE *out = ctx;

	(void)container;
	json_print(out, &ev->base);
	fputc('\n', out);
	return ferror(out) ? -EIO : 0;
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
	struct source *src;
	struct history *h;
	uint64_t cnt;
	int status = EXIT_IO;

	if (source_open(opts->source, &opts->source_opts, &src) < 0)
		return EXIT_IO;
	if (opts->as_delimited) {
		status = pass_on(src, out);
	} else if (!history_load(src, &opts->window, &h)) {
		h->everything = true;
		if (!history_stream(h, src, print_record, out, &cnt))
			status = status_of(h, cnt);
		history_free(h);
	}
	source_close(src);
	return status;
}
