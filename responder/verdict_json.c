/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/verdict_json.h"
#include "evidence/base.h"
#include "evidence/text.h"
#include "responder/json_line.h"
#include "responder/options.h"
#include "responder/printed.h"
#include "responder/verdict.h"
#include <string.h>

/* What is from the evidence may be no UTF-8, which JSON must be. */
static json_t *escaped(const char *text)
{
	struct printed p;
	char *s;
	json_t *j;

	if (!text)
		return json_null();
	text_print_escaped(printed_begin(&p), text, strlen(text));
	s = printed_end(&p);
	j = json_line_text(s);
	free(s);
	return j;
}

static json_t *time_or_open(int64_t ns)
{
	return ns == INT64_MAX ? json_null() : json_line_time(ns);
}

static json_t *reasons(const struct verdict *v)
{
	static const char *const kinds[] = {
		[VERDICT_REASON_NOTE] = "NOTE",
		[VERDICT_REASON_UNKNOWN] = "UNKNOWN",
		[VERDICT_REASON_INCOMPLETE] = "INCOMPLETE",
	};
	json_t *list = json_array();

	for (size_t i = 0; v && i < v->reason_cnt; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:o}", "kind", kinds[v->reasons[i].kind],
						"text", escaped(v->reasons[i].text)));
	return list;
}

static json_t *seals(const struct verdict *v)
{
	if (!v || v->seals == VERDICT_SEALS_NOT_ASKED)
		return json_null();
	return json_pack("{s:s, s:o}", "verdict", verdict_seals_word(v->seals), "text",
			 escaped(v->seals_text));
}

void verdict_json_print(FILE *out, const struct options *opts, const struct verdict *v, int status)
{
	const char *word = v ? verdict_word(v) : status == EXIT_IO ? "FAILED" : "NOT_FOUND";

	json_line_print(out,
			json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:s}",
				  "verdict", word, "exit_status", status, "source",
				  escaped(opts->source), "pod", escaped(opts->pod), "container",
				  escaped(opts->container), "since",
				  time_or_open(opts->window.since_ns), "until",
				  time_or_open(opts->window.until_ns), "containers",
				  (json_int_t)(v ? v->container_cnt : 0), "records",
				  (json_int_t)(v ? v->record_cnt : 0), "reasons", reasons(v),
				  "seals", seals(v), "tool", "varve " VARVE_VERSION));
}
