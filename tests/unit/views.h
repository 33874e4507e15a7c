/* SPDX-License-Identifier: Apache-2.0 */
/* A view of a sample's records, as text, for the tests of views. */
#ifndef VARVE_TESTS_VIEWS_H
#define VARVE_TESTS_VIEWS_H

#include "tests/unit/responder_sample.h"
#include "responder/select.h"
#include "responder/verdict.h"
#include "responder/views/view.h"

struct fixture {
	struct sample s;
	struct sample_container c, other;
	struct history *h;
	char *text;
	size_t len;
};

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	sample_init(&f->s);
	f->c = (struct sample_container){.id = SAMPLE_ID, .name = "app", .in_pod = true};
	f->other = (struct sample_container){.id = SAMPLE_ID2, .name = "side", .in_pod = true};
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	history_free(f->h);
	sample_fini(&f->s);
	free(f->text);
	free(f);
	return 0;
}

struct printing {
	const struct view_type *view;
	void *state;
	FILE *out;
};

static inline int print_record(const struct history_container *c, const Varve__V1__Event *ev,
			       void *ctx)
{
	struct printing *p = ctx;

	p->view->record(p->state, p->out, c, ev);
	return 0;
}

static inline void show(struct fixture *f, const struct view_type *view)
{
	struct printing p = {.view = view};
	struct verdict verdict;
	uint64_t cnt;

	history_free(f->h);
	free(f->text);
	f->h = sample_load(&f->s, INT64_MIN, INT64_MAX);
	assert_int_equal(select_pod(f->h, SAMPLE_POD), 0);
	verdict_make(f->h, &verdict);
	p.out = open_memstream(&f->text, &f->len);
	p.state = view->open ? view->open(f->h, &verdict, p.out) : NULL;
	assert_int_equal(history_stream(f->h, &f->s.source, print_record, &p, &cnt), 0);
	if (view->finish)
		view->finish(p.state, p.out);
	if (view->free)
		view->free(p.state);
	verdict_fini(&verdict);
	fclose(p.out);
}

#define assert_shows(f, words)                                               \
	do {                                                                 \
		if (!strstr((f)->text, words))                               \
			fail_msg("\"%s\" is not in:\n%s", words, (f)->text); \
	} while (0)

static inline size_t count_of(const char *text, const char *word)
{
	size_t cnt = 0;

	for (; (text = strstr(text, word)); text += strlen(word))
		cnt++;
	return cnt;
}

#endif
