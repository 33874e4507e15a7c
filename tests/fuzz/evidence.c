// SPDX-License-Identifier: Apache-2.0
/*
 * Fuzz entry: the input as a source of evidence, a sequence of (length, 16 bits little endian;
 * payload), through all of varve: both passes, each pod and container selected, the verdict, every
 * view. A length of 0 is a damaged place; one beyond the input takes what is left.
 */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/json.h"
#include "responder/history.h"
#include "responder/missing.h"
#include "responder/select.h"
#include "responder/source.h"
#include "responder/verdict.h"
#include "responder/views/view.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SELECT_MAX 4 /* containers that are selected, one after the other */

struct input {
	struct source source; /* first: the input is a source */
	const uint8_t *data;
	size_t size, at;
};

static int input_next(struct source *source, struct source_item *ret_item)
{
	struct input *in = (struct input *)source;
	size_t left = in->size - in->at;

	*ret_item = (struct source_item){.what = SOURCE_END};
	if (left < 2)
		return 0;
	size_t len = in->data[in->at] | (size_t)in->data[in->at + 1] << 8;

	len = MIN(len, left - 2);
	*ret_item = (struct source_item){
		.what = len ? SOURCE_RECORD : SOURCE_DAMAGE,
		.payload = in->data + in->at + 2,
		.len = len,
		.where = "here",
		.at_tail = left == 2,
	};
	in->at += 2 + len;
	return 0;
}

static int input_rewind(struct source *source)
{
	((struct input *)source)->at = 0;
	return 0;
}

static void input_close(struct source *source)
{
	(void)source;
}

struct printing {
	const struct view_type *view;
	void *state;
	FILE *out;
};

static int print_record(const struct history_container *c, const Varve__V1__Event *ev, void *ctx)
{
	struct printing *p = ctx;

	p->view->record(p->state, p->out, c, ev);
	return 0;
}

static uint64_t show(struct history *h, struct source *src, const struct view_type *view,
		     const struct verdict *verdict, FILE *out)
{
	struct printing p = {.view = view, .out = out};
	uint64_t cnt = 0;

	if (view->open)
		p.state = view->open(h, verdict, out);
	if (history_stream(h, src, print_record, &p, &cnt))
		abort();
	if (view->finish)
		view->finish(p.state, out);
	if (view->free)
		view->free(p.state);
	return cnt;
}

/* What the first pass counted the second gives, whatever the view. */
static void judge(struct history *h, struct source *src, FILE *out)
{
	static const struct view_type *const views[] = {VIEWS(VIEW_ADDRESS)};
	struct verdict v;

	verdict_make(h, &v);
	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		verdict_check_streamed(&v, show(h, src, views[i], &v, out));
	verdict_print(&v, out);
	if (verdict_exit_status(&v) == 0)
		for (size_t i = 0; i < v.reason_cnt; i++)
			if (v.reasons[i].kind != VERDICT_REASON_NOTE)
				abort();
	verdict_fini(&v);
}

static void select_each(struct history *h, struct source *src, FILE *out)
{
	size_t cnt = 0;

	for (struct history_container *c = h->containers; c && cnt < SELECT_MAX; c = c->next) {
		cnt++;
		if (select_container(h, c->id))
			abort();
		judge(h, src, out);
		if (c->who.pod_uid && !select_pod(h, c->who.pod_uid))
			judge(h, src, out);
	}
}

static void read_all(struct source *src, const struct history_window *window, FILE *out)
{
	struct verdict v;
	struct history *h;

	if (history_load(src, window, &h))
		abort();
	missing_warn_gaps(h);
	select_each(h, src, out);
	(void)select_pod(h, "default/none");
	h->everything = true;
	verdict_make(h, &v);
	if (show(h, src, &view_jsonl, &v, out) > h->record_cnt)
		abort();
	verdict_fini(&v);
	history_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct source_type type = {
		.next = input_next, .rewind = input_rewind, .close = input_close};
	static const struct history_window always = {INT64_MIN, INT64_MAX};
	static FILE *out;
	struct input in = {.source.type = &type, .data = data, .size = size};

	if (!out) {
		out = fopen("/dev/null", "w");
		if (!out)
			abort();
		stderr = out; /* our messages; the fuzzer has its own way to the terminal */
	}
	read_all(&in.source, &always, out);
	/* A window in the middle, wherever that is. */
	if (size >= 16) {
		struct history_window w;

		memcpy(&w, data + size - sizeof(w), sizeof(w));
		in.at = 0;
		if (w.since_ns <= w.until_ns)
			read_all(&in.source, &w, out);
	}
	return 0;
}
