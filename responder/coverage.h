/* SPDX-License-Identifier: Apache-2.0 */
/* What the sensors could see: of each node, as its records come. varve coverage, and the report of
 * a bundle. */
#ifndef VARVE_RESPONDER_COVERAGE_H
#define VARVE_RESPONDER_COVERAGE_H

#include "evidence/event.h"
#include <stdio.h>

struct coverage;
struct options;

/* opts stay the caller's: silent_heartbeats, now_ns, as_json, source. */
struct coverage *coverage_new(const struct options *opts);
void coverage_free(struct coverage *c);
/* In any order, and again. ev NULL: a place that could not be read. skipped: of the source's item.
 */
void coverage_take(struct coverage *c, const Varve__V1__Event *ev, uint64_t skipped);
/* The exit status of varve coverage: EXIT_OK, EXIT_INCOMPLETE; EXIT_USAGE: there was no record,
 * told. */
int coverage_print(const struct coverage *c, FILE *out);

#endif
