/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the verdict share: evidence, a container of a pod, and another of it. */
#ifndef VARVE_TESTS_VERDICT_H
#define VARVE_TESTS_VERDICT_H

#include "tests/unit/responder_sample.h"
#include "responder/select.h"
#include "responder/verdict.h"

struct fixture {
	struct sample s;
	struct sample_container c, other;
	struct history *h;
	struct verdict v;
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

	verdict_fini(&f->v);
	history_free(f->h);
	sample_fini(&f->s);
	free(f->text);
	free(f);
	return 0;
}

static inline int judge_selected(struct fixture *f, int64_t since_ns, int64_t until_ns,
				 const char *id)
{
	verdict_fini(&f->v);
	history_free(f->h);
	free(f->text);
	f->h = sample_load(&f->s, since_ns, until_ns);
	assert_int_equal(id ? select_container(f->h, id) : select_pod(f->h, SAMPLE_POD), 0);
	verdict_make(f->h, &f->v);
	FILE *out = open_memstream(&f->text, &f->len);

	verdict_print(&f->v, out);
	fclose(out);
	return verdict_exit_status(&f->v);
}

static inline int judge_window(struct fixture *f, int64_t since_ns, int64_t until_ns)
{
	return judge_selected(f, since_ns, until_ns, NULL);
}

static inline int judge(struct fixture *f)
{
	return judge_window(f, INT64_MIN, INT64_MAX);
}

/* The container alone: what else the pod may have had does not matter. */
static inline int judge_container(struct fixture *f)
{
	return judge_selected(f, INT64_MIN, INT64_MAX, f->c.id);
}

#define assert_says(f, words)                                                \
	do {                                                                 \
		if (!strstr((f)->text, words))                               \
			fail_msg("\"%s\" is not in:\n%s", words, (f)->text); \
	} while (0)

static inline int64_t at(int sec)
{
	return SAMPLE_T0 + sec * SAMPLE_SEC;
}

#endif
