/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/json_line.h"
#include "responder/when.h"

void json_line_print(FILE *out, json_t *line)
{
	json_dumpf(line, out, JSON_COMPACT | JSON_ENSURE_ASCII);
	fputc('\n', out);
	json_decref(line);
}

json_t *json_line_text(const char *text)
{
	json_t *j = text ? json_string(text) : NULL;

	return j ? j : json_null();
}

json_t *json_line_time(int64_t ns)
{
	char text[WHEN_LEN];

	return ns == INT64_MIN ? json_null() : json_string(when_format(ns, text));
}
