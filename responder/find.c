/* SPDX-License-Identifier: Apache-2.0 */
/*
 * varve find: where in all of the evidence was this seen? One pass. "Nowhere" is only said of
 * evidence that has no holes.
 */
#include "responder/find.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/commands.h"
#include "responder/memory.h"
#include "responder/parts.h"
#include <inttypes.h>
#include <string.h>

struct looking {
	struct find *find;
	const struct history_container *container;
	int64_t ns;
	const Varve__V1__Event *ev;
};

static void add_found(size_t number, void *ctx)
{
	struct looking *l = ctx;

	l->find->hit[number] = true;
	found_add(&l->find->list, l->container, number, l->ns, l->ev);
}

static bool has_cut_args(const Varve__V1__Event *ev)
{
	switch (ev->body_case) {
	case VARVE__V1__EVENT__BODY_EXEC:
		return ev->exec->args_truncated;
	case VARVE__V1__EVENT__BODY_EXEC_FAILED:
		return ev->exec_failed->args_truncated;
	case VARVE__V1__EVENT__BODY_PROCESS_SNAPSHOT:
		return ev->process_snapshot->args_truncated;
	default:
		return false;
	}
}

static void look(const struct history_container *c, int64_t ns, const Varve__V1__Event *ev,
		 void *ctx)
{
	struct looking l = {ctx, c, ns, ev};

	if (ns < l.find->opts->window.since_ns || ns > l.find->opts->window.until_ns)
		return;
	l.find->record_cnt++;
	if (!parts_body(ev))
		l.find->unknown_cnt++;
	else if (ev->body_case == VARVE__V1__EVENT__BODY_FILE_HASH)
		ev->file_hash->sha256 ? l.find->hash_cnt++ : l.find->unhashed_cnt++;
	l.find->cut_cnt += has_cut_args(ev);
	indicators_match(l.find->in, ev, add_found, &l);
}

/* Classes in which the indicators can show. */
static void need_classes(const struct find *f, bool ret_classes[HISTORY_CLASS_MAX])
{
	static const char *const names[INDICATOR_TYPE_CNT][4] = {
		[INDICATOR_PATH] = {"process", "file", "network", "kernel"},
		[INDICATOR_SHA256] = {"process", "kernel"},
		[INDICATOR_IP] = {"network"},
		[INDICATOR_DOMAIN] = {"network"},
		[INDICATOR_EXEC] = {"process"},
	};
	bool all = f->in->has[INDICATOR_USER] || f->in->has[INDICATOR_COMM];

	for (size_t c = 0; c < HISTORY_CLASS_MAX; c++) {
		/* What a later version calls otherwise may be any. */
		ret_classes[c] = all || c == HISTORY_CLASS_MAX - 1;
		for (size_t t = 0; t < INDICATOR_TYPE_CNT; t++)
			for (size_t i = 0; f->in->has[t] && i < 4 && names[t][i]; i++)
				if (f->h->classes[c] && !strcmp(f->h->classes[c], names[t][i]))
					ret_classes[c] = true;
	}
}

static void find_holes(struct find *f)
{
	bool classes[HISTORY_CLASS_MAX];

	need_classes(f, classes);
	holes_find(f->h, &f->opts->window, classes, f->opts->now_ns, &f->holes);
	if (!f->record_cnt)
		holes_add(&f->holes, memory_strdup("all of this time: there is no record of it"));
	if (f->unknown_cnt)
		holes_add(&f->holes,
			  memory_printf("%" PRIu64
					" records of kinds that this version does not know",
					f->unknown_cnt));
	if (f->in->has[INDICATOR_SHA256] && f->unhashed_cnt)
		holes_add(&f->holes,
			  memory_printf("%" PRIu64 " files of which the SHA-256 could not be "
					"computed (FILE_HASH has the reasons)",
					f->unhashed_cnt));
	if (f->in->has[INDICATOR_EXEC] && f->cut_cnt)
		holes_add(&f->holes,
			  memory_printf("%" PRIu64 " command lines of which the middle is "
					"not recorded",
					f->cut_cnt));
	if (f->in->has[INDICATOR_SHA256] && !f->hash_cnt && f->record_cnt)
		holes_add(&f->holes, memory_strdup("all files: no SHA-256 is in this evidence"));
}

static int status_of(const struct find *f)
{
	if (f->list.cnt)
		return EXIT_OK;
	return f->holes.cnt ? EXIT_UNKNOWN : EXIT_NOT_FOUND;
}

static int find(struct find *f, FILE *out)
{
	find_holes(f);
	found_sort(&f->list);
	f->opts->as_json ? find_print_json(f, out) : find_print(f, out);
	return status_of(f);
}

int cmd_find(const struct options *opts, FILE *out)
{
	struct find f = {.opts = opts, .in = opts->indicators};
	struct source *src;
	int status = EXIT_IO;

	if (source_open(opts->source, &opts->source_opts, &src) < 0)
		return EXIT_IO;
	f.hit = memory_zalloc(f.in->cnt * sizeof(*f.hit));
	if (!history_load_each(src, &opts->window, look, &f, &f.h)) {
		status = find(&f, out);
		history_free(f.h);
	}
	source_close(src);
	found_fini(&f.list);
	holes_fini(&f.holes);
	free(f.hit);
	return status;
}
