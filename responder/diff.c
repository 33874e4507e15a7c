/* SPDX-License-Identifier: Apache-2.0 */
/* varve diff: what only one of two pods did. Two passes: who they are, and what they did. */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/commands.h"
#include "responder/complain.h"
#include "responder/deeds.h"
#include "responder/describe.h"
#include "responder/json_line.h"
#include "responder/memory.h"
#include "responder/missing.h"
#include "responder/select.h"
#include "responder/tell.h"
#include "responder/verdict.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

struct diff {
	const struct options *opts;
	struct history *h;
	struct usual usual[DEEDS_SIDES];
	struct verdict verdicts[DEEDS_SIDES];
	uint64_t record_cnt[DEEDS_SIDES];
	struct deeds deeds;
};

static const char *const letters[DEEDS_SIDES] = {"A", "B"};

/* --- who they are */

static void add_usual(struct usual *u, const struct history_container *c)
{
	usual_add(u, c->id, "<container id>");
	usual_add(u, c->who.pod_name, "<pod name>");
	usual_add(u, c->who.pod_uid, "<pod uid>");
	if (!c->who.pod_uid)
		return;
	_cleanup_free_ char *slice = memory_strdup(c->who.pod_uid);

	/* As systemd's slices have it. */
	for (char *p = slice; *p; p++)
		if (*p == '-')
			*p = '_';
	usual_add(u, slice, "<pod uid>");
}

static void add_addresses(struct diff *d, unsigned int side)
{
	for (const struct history_pod *p = d->h->pods; p; p = p->next) {
		const Varve__V1__PodState *s = p->last->pod_state;
		const char *uid = p->last->pod->uid;
		bool is_ours = false;

		for (size_t i = 0; uid && i < d->usual[side].cnt; i++)
			is_ours |= !strcmp(d->usual[side].words[i].word, uid);
		for (size_t i = 0; is_ours && i < s->n_pod_ips; i++)
			usual_add(&d->usual[side], s->pod_ips[i], "<pod IP>");
	}
}

static int select_side(struct diff *d, unsigned int side)
{
	const struct options_side *s = &d->opts->sides[side];
	int err = s->is_pod ? select_pod(d->h, s->name) : select_container(d->h, s->name);

	if (err)
		return err;
	for (struct history_container *c = d->h->containers; c; c = c->next) {
		if (!c->selected)
			continue;
		c->sides |= 1u << side;
		add_usual(&d->usual[side], c);
		if (c->sides == 3)
			return complain(-EINVAL, "\"%s\" and \"%s\" are the same",
					d->opts->sides[0].name, d->opts->sides[1].name);
	}
	add_addresses(d, side);
	verdict_make(d->h, &d->verdicts[side]);
	return 0;
}

/* --- what they did */

static int take(const struct history_container *c, const Varve__V1__Event *ev, void *ctx)
{
	struct diff *d = ctx;
	unsigned int side = c->sides == 2;

	d->record_cnt[side]++;
	deeds_add(&d->deeds, side, &d->usual[side],
		  history_time(history_find_run(d->h, ev->run_id), ev), ev);
	return 0;
}

static int stream(struct diff *d, struct source *src)
{
	uint64_t cnt;

	for (struct history_container *c = d->h->containers; c; c = c->next)
		c->selected = c->sides;
	int err = history_stream(d->h, src, take, d, &cnt);

	for (unsigned int side = 0; !err && side < DEEDS_SIDES; side++)
		verdict_check_streamed(&d->verdicts[side], d->record_cnt[side]);
	deeds_compare(&d->deeds);
	return err;
}

static bool is_only(const struct deed *deed, unsigned int side)
{
	return deed->cnt[side] && !deed->cnt[!side];
}

static uint64_t left_out(const struct diff *d, unsigned int side)
{
	uint64_t cnt = 0;

	for (size_t i = 0; i < d->deeds.sort_cnt; i++)
		cnt += d->deeds.sorts[i].left_out[side];
	return cnt;
}

static size_t same_cnt(const struct diff *d)
{
	size_t cnt = 0;

	for (size_t i = 0; i < d->deeds.compared_cnt; i++)
		cnt += d->deeds.v[i].cnt[0] && d->deeds.v[i].cnt[1];
	return cnt;
}

/* --- for people */

static void print_verdicts(const struct diff *d, FILE *out)
{
	for (unsigned int side = 0; side < DEEDS_SIDES; side++) {
		fprintf(out, "%s is ", letters[side]);
		describe_string(out, d->opts->sides[side].name);
		fprintf(out, ", %" PRIu64 " record%s\n", d->record_cnt[side],
			tell_plural(d->record_cnt[side]));
		verdict_print(&d->verdicts[side], out);
	}
}

static void print_side(const struct diff *d, unsigned int side, FILE *out)
{
	const char *sort = NULL;
	char when[WHEN_LEN];

	fprintf(out, "\nOnly %s, ", letters[side]);
	describe_string(out, d->opts->sides[side].name);
	fputs(":\n", out);
	for (size_t i = 0; i < d->deeds.compared_cnt; i++) {
		const struct deed *deed = &d->deeds.v[i];

		if (!is_only(deed, side))
			continue;
		if (!sort || strcmp(sort, deed->sort))
			fprintf(out, "  %s\n", deed->sort);
		sort = deed->sort;
		/* It is escaped already. */
		fprintf(out, "    %s  %s", when_format(deed->first_ns[side], when), deed->text);
		if (deed->cnt[side] > 1)
			fprintf(out, "  x%" PRIu64, deed->cnt[side]);
		fputc('\n', out);
	}
	if (!sort)
		fputs("  nothing\n", out);
}

static void print_limits(const struct diff *d, FILE *out)
{
	size_t unhashed = d->deeds.cnt - d->deeds.compared_cnt;

	fprintf(out, "\n%zu things are the same\n", same_cnt(d));
	if (unhashed)
		fprintf(out,
			"%zu file%s could not be compared: of one side the SHA-256 is not known\n",
			unhashed, tell_plural(unhashed));
	for (size_t i = 0; i < d->deeds.sort_cnt; i++) {
		const struct deeds_sort *s = &d->deeds.sorts[i];

		if (s->left_out[0] || s->left_out[1])
			fprintf(out,
				"NOT COMPARED: \"%s\": too many things, of A %" PRIu64
				" records and of B %" PRIu64 " are left out\n",
				s->name, s->left_out[0], s->left_out[1]);
	}
}

static void print(const struct diff *d, FILE *out)
{
	print_verdicts(d, out);
	for (unsigned int side = 0; side < DEEDS_SIDES; side++)
		print_side(d, side, out);
	print_limits(d, out);
	fputc('\n', out);
	print_verdicts(d, out);
}

/* --- for programs */

static void print_json_deed(const struct diff *d, const struct deed *deed, unsigned int side,
			    FILE *out)
{
	json_line_print(out, json_pack("{s:s, s:o, s:s, s:o, s:o, s:I}", "only", letters[side],
				       "name", json_line_text(d->opts->sides[side].name), "what",
				       deed->sort, "text", json_line_text(deed->text), "first",
				       json_line_time(deed->first_ns[side]), "records",
				       (json_int_t)deed->cnt[side]));
}

static json_t *json_side(const struct diff *d, unsigned int side)
{
	static const char *const words[] = {"COMPLETE", "UNKNOWN", "INCOMPLETE"};
	const struct verdict *v = &d->verdicts[side];
	json_t *reasons = json_array();

	for (size_t i = 0; i < v->reason_cnt; i++)
		json_array_append_new(reasons, json_line_text(v->reasons[i].text));
	return json_pack("{s:o, s:I, s:s, s:o, s:I}", "name",
			 json_line_text(d->opts->sides[side].name), "records",
			 (json_int_t)d->record_cnt[side], "verdict", words[v->result], "reasons",
			 reasons, "left_out", (json_int_t)left_out(d, side));
}

static void print_json(const struct diff *d, FILE *out)
{
	for (size_t i = 0; i < d->deeds.compared_cnt; i++)
		for (unsigned int side = 0; side < DEEDS_SIDES; side++)
			if (is_only(&d->deeds.v[i], side))
				print_json_deed(d, &d->deeds.v[i], side, out);
	json_line_print(out, json_pack("{s:b, s:o, s:o, s:I, s:I}", "summary", 1, "A",
				       json_side(d, 0), "B", json_side(d, 1), "same",
				       (json_int_t)same_cnt(d), "not_comparable",
				       (json_int_t)(d->deeds.cnt - d->deeds.compared_cnt)));
}

/* The worse of the two, as replay's; what was left out is not compared. */
static int status_of(const struct diff *d)
{
	int a = verdict_exit_status(&d->verdicts[0]), b = verdict_exit_status(&d->verdicts[1]);

	if (left_out(d, 0) || left_out(d, 1) || a == EXIT_INCOMPLETE || b == EXIT_INCOMPLETE)
		return EXIT_INCOMPLETE;
	return MAX(a, b);
}

static int diff(struct diff *d, struct source *src, FILE *out)
{
	for (unsigned int side = 0; side < DEEDS_SIDES; side++) {
		int err = select_side(d, side);

		if (err)
			return err == -ENOENT && missing_tell_among(d->h) ? EXIT_UNKNOWN
									  : EXIT_USAGE;
	}
	if (stream(d, src))
		return EXIT_IO;
	d->opts->as_json ? print_json(d, out) : print(d, out);
	return status_of(d);
}

int cmd_diff(const struct options *opts, FILE *out)
{
	struct diff d = {.opts = opts};
	struct source *src;
	int status = EXIT_IO;

	if (source_open(opts->source, &opts->source_opts, &src) < 0)
		return EXIT_IO;
	if (!history_load(src, &opts->window, &d.h)) {
		status = diff(&d, src, out);
		history_free(d.h);
	}
	source_close(src);
	for (unsigned int side = 0; side < DEEDS_SIDES; side++) {
		usual_fini(&d.usual[side]);
		verdict_fini(&d.verdicts[side]);
	}
	deeds_fini(&d.deeds);
	return status;
}
