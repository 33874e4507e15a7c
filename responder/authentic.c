/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/authentic.h"
#include "evidence/base.h"
#include "responder/bundle.h"
#include "responder/memory.h"
#include "responder/printed.h"
#include "responder/seals_source.h"
#include "responder/tell.h"
#include <inttypes.h>
#include <string.h>

#define TOLD_MAX 5

struct authentic {
	struct strmap runs; /* that matter */
	size_t run_cnt;	    /* of them, those that came */
	bool is_broken, is_open;
	struct printed told; /* what was found, in words */
	size_t told_cnt, more_cnt;
};

bool authentic_is_asked(const struct options *opts)
{
	return opts->key_file_cnt || opts->changes_file;
}

static void tell_finding(struct authentic *a, const struct seals_finding *f)
{
	if (a->told_cnt == TOLD_MAX) {
		a->more_cnt++;
		return;
	}
	fputs(a->told_cnt++ ? "; " : "", a->told.out);
	fputs(seals_finding_name(f->kind), a->told.out);
	if (f->has_range && f->from == f->to)
		fprintf(a->told.out, " record %" PRIu64, f->from);
	else if (f->has_range)
		fprintf(a->told.out, " records %" PRIu64 "-%" PRIu64, f->from, f->to);
	if (f->run)
		fprintf(a->told.out, " of run %s", f->run->run_id);
	if (*f->text)
		fprintf(a->told.out, " (%s)", f->text);
}

/* What is of no run in particular may be of these. */
static void finding(const struct seals_finding *f, void *ctx)
{
	struct authentic *a = ctx;

	if (f->kind > SEALS_LAST_UNKNOWN || (f->run && !strmap_find(&a->runs, f->run->run_id)))
		return;
	if (f->kind <= SEALS_LAST_BROKEN)
		a->is_broken = true;
	else
		a->is_open = true;
	tell_finding(a, f);
}

static void run_ended(const struct seals_run *run, void *ctx)
{
	struct authentic *a = ctx;

	a->run_cnt += strmap_find(&a->runs, run->run_id) != NULL;
}

/* Their runs, and their time. */
static void want(const struct history *h, struct authentic *a, struct history_window *ret_time)
{
	struct history_window time = {INT64_MAX, INT64_MIN};

	for (const struct history_container *c = h->containers; c; c = c->next) {
		for (const struct history_stream *s = c->streams; c->selected && s; s = s->next) {
			if (!strmap_find(&a->runs, s->run->id))
				strmap_add(&a->runs, s->run->id, a);
			time.since_ns = MIN(time.since_ns, s->first_ns);
			time.until_ns = MAX(time.until_ns, s->last_ns);
		}
	}
	ret_time->since_ns = MAX(time.since_ns, h->window.since_ns);
	ret_time->until_ns = MIN(time.until_ns, h->window.until_ns);
}

/* has_key: somebody is trusted. */
static void conclude(struct authentic *a, bool has_key, struct verdict *v)
{
	_cleanup_free_ char *told = printed_end(&a->told);
	_cleanup_free_ char *more =
		a->more_cnt ? memory_printf("; and %zu more, which varve verify tells", a->more_cnt)
			    : memory_strdup("");

	v->seals = a->is_broken ? VERDICT_SEALS_BROKEN
		   : !has_key	? VERDICT_SEALS_UNAUTHENTICATED
		   : a->is_open ? VERDICT_SEALS_OPEN
				: VERDICT_SEALS_AUTHENTIC;
	if (v->seals == VERDICT_SEALS_AUTHENTIC)
		v->seals_text = memory_printf(
			"the records of %zu run%s of the sensor are as they were sealed",
			a->run_cnt, tell_plural(a->run_cnt));
	else if (v->seals == VERDICT_SEALS_UNAUTHENTICATED)
		v->seals_text = memory_printf("without --key nobody knows who sealed them%s%s%s",
					      *told ? "; " : "", told, more);
	else
		v->seals_text = memory_printf("%s%s", told, more);
}

static void feed_end(struct authentic *a, struct seals *seals)
{
	seals_end(seals);
	/* All of them must have come: what is gone since the first pass is no proof. */
	if (a->run_cnt >= a->runs.cnt)
		return;
	a->is_open = true;
	fprintf(a->told.out, "%s%zu runs did not come again", a->told_cnt++ ? "; " : "",
		a->runs.cnt - a->run_cnt);
}

static int read_seals(const struct options *opts, struct source *src, const struct history *h,
		      struct keyring *keys, struct authentic *a)
{
	static const struct seals_ops ops = {.finding = finding, .run_ended = run_ended};
	struct history_window time;
	struct seals *seals;
	int err;

	want(h, a, &time);
	seals = seals_new(keys, !opts->key_file_cnt, time.since_ns,
			  seals_source_has_bundle(opts) ? INT64_MIN : time.until_ns, &ops, a);
	seals_source_check_bundles(opts, seals);
	err = source_read_all(src);
	if (!err)
		err = seals_source_read(src, seals);
	if (!err)
		feed_end(a, seals);
	seals_free(seals);
	return err;
}

int authentic_check(const struct options *opts, struct source *src, const struct history *h,
		    struct verdict *v)
{
	struct authentic a = {};
	struct keyring keys = {};
	int err = seals_source_keys(opts, &keys);

	printed_begin(&a.told);
	if (!err)
		err = read_seals(opts, src, h, &keys, &a);
	if (!err)
		conclude(&a, opts->key_file_cnt, v);
	else
		free(printed_end(&a.told));
	strmap_fini(&a.runs);
	keyring_fini(&keys);
	return err;
}
