/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which numbers of a series are there: what comes twice and what is missing. Costs 32 bytes for
 * each gap, nothing for each number.
 */
#ifndef VARVE_RESPONDER_RANGES_H
#define VARVE_RESPONDER_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANGES_MAX (1u << 20)

struct range {
	uint64_t first, last;	   /* both are there */
	int64_t first_ns, last_ns; /* times of these two */
};

struct ranges {
	struct range *v; /* ascending, never touching */
	size_t cnt, cap;
};

void ranges_fini(struct ranges *r);
/* 1: it is new. 0: it was there. -E2BIG: more than RANGES_MAX gaps; it was not added. */
int ranges_add(struct ranges *r, uint64_t n, int64_t ns);
/* All behind the greatest one up to last are there as well, the last one of that time. */
void ranges_lengthen(struct ranges *r, uint64_t last, int64_t last_ns);
bool ranges_has(const struct ranges *r, uint64_t n);
/* True if all of first..last are there. */
bool ranges_has_all(const struct ranges *r, uint64_t first, uint64_t last);

#endif
