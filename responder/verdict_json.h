/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict for programs (--verdict FILE): one JSON object, whatever the view prints. */
#ifndef VARVE_RESPONDER_VERDICT_JSON_H
#define VARVE_RESPONDER_VERDICT_JSON_H

#include <stdio.h>

struct options;
struct verdict;

/*
 * As what was asked for, and what came out; v NULL: nothing was found, or it could not be read.
 * status: the exit status.
 */
void verdict_json_print(FILE *out, const struct options *opts, const struct verdict *v, int status);

#endif
