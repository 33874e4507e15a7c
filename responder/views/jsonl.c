/* SPDX-License-Identifier: Apache-2.0 */
/* Records as they are given, one line of JSON each; whether they are amended is replay's to say. */
#include "evidence/json.h"
#include "responder/views/view.h"

static void jsonl_record(void *state, FILE *out, const struct history_container *c,
			 const Varve__V1__Event *ev)
{
	(void)state;
	(void)c;
	json_print(out,
		   &ev->base); /* an error stays with the stream: looked at, once, at the end */
	fputc('\n', out);
}

const struct view_type view_jsonl = {
	.name = "jsonl",
	.record = jsonl_record,
	.verdict = VIEW_VERDICT_STDERR,
};
