/* SPDX-License-Identifier: Apache-2.0 */
/* varve cat: every record, as it is. */
#include "evidence/diag.h"
#include "evidence/json.h"
#include "responder/commands.h"
#include "responder/missing.h"
#include <errno.h>

struct printing {
	const struct history *h;
	FILE *out;
};

static int print_record(const struct history_container *container, const Varve__V1__Event *ev,
			void *ctx)
{
	const struct printing *p = ctx;

	(void)container;
	json_print_record(p->out, &ev->base, p->h->decoder);
	fputc('\n', p->out);
	return ferror(p->out) ? -EIO : 0;
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

int cmd_cat(const struct options *opts, FILE *out)
{
	struct source *src;
	struct history *h;
	uint64_t cnt;
	int status = EXIT_IO;

	if (source_open(opts->source, &opts->source_opts, &src) < 0)
		return EXIT_IO;
	if (!history_load(src, &opts->window, &h)) {
		struct printing p = {.h = h, .out = out};

		h->everything = true;
		if (!history_stream(h, src, print_record, &p, &cnt))
			status = status_of(h, cnt);
		history_free(h);
	}
	source_close(src);
	return status;
}
