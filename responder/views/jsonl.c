/* SPDX-License-Identifier: Apache-2.0 */
/* Records as they are given, one line of JSON each; whether they are amended is replay's to say. */
#include "evidence/json.h"
#include "responder/views/view.h"

static void *jsonl_open(const struct history *h, const struct verdict *verdict, FILE *out)
{
	(void)verdict;
	(void)out;
	return (void *)h;
}

static void jsonl_record(void *state, FILE *out, const struct history_container *c,
			 const Varve__V1__Event *ev)
{
	const struct history *h = state;

	(void)c;
	/* An error stays with the stream: looked at, once, at the end. */
	json_print_record(out, &ev->base, h->decoder);
	fputc('\n', out);
}

const struct view_type view_jsonl = {
	.name = "jsonl",
	.open = jsonl_open,
	.record = jsonl_record,
	.verdict = VIEW_VERDICT_STDERR,
};
