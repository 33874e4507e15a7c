/* SPDX-License-Identifier: Apache-2.0 */
/* What commands print as lines of JSON (--json), over jansson. */
#ifndef VARVE_RESPONDER_JSON_LINE_H
#define VARVE_RESPONDER_JSON_LINE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* Prints it as one line of ASCII, and frees it. */
void json_line_print(FILE *out, json_t *line);
/* null of NULL, and of text out of evidence that is not UTF-8. */
json_t *json_line_text(const char *text);
/* null of INT64_MIN: no time. */
json_t *json_line_time(int64_t ns);

#endif
