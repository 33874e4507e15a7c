/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted vector of ranges; nearly every number lengthens the last one. */
#include "responder/ranges.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include <string.h>

void ranges_fini(struct ranges *r)
{
	free(r->v);
	*r = (struct ranges){};
}

/* Index of the first range that ends at n or behind it. */
static size_t find(const struct ranges *r, uint64_t n)
{
	size_t lo = 0, hi = r->cnt;

	if (hi && r->v[hi - 1].last < n)
		return hi;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->v[mid].last < n)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool ranges_has(const struct ranges *r, uint64_t n)
{
	return ranges_has_all(r, n, n);
}

bool ranges_has_all(const struct ranges *r, uint64_t first, uint64_t last)
{
	size_t i = find(r, first);

	return i < r->cnt && r->v[i].first <= first && last <= r->v[i].last;
}

static int insert(struct ranges *r, size_t i, uint64_t n, int64_t ns)
{
	if (r->cnt >= RANGES_MAX)
		return -E2BIG;
	r->v = memory_grow(r->v, r->cnt, &r->cap, sizeof(*r->v));
	memmove(&r->v[i + 1], &r->v[i], (r->cnt - i) * sizeof(*r->v));
	r->v[i] = (struct range){.first = n, .last = n, .first_ns = ns, .last_ns = ns};
	r->cnt++;
	return 1;
}

static void join(struct ranges *r, size_t i)
{
	r->v[i].last = r->v[i + 1].last;
	r->v[i].last_ns = r->v[i + 1].last_ns;
	memmove(&r->v[i + 1], &r->v[i + 2], (r->cnt - i - 2) * sizeof(*r->v));
	r->cnt--;
}

int ranges_add(struct ranges *r, uint64_t n, int64_t ns)
{
	size_t i = find(r, n);

	if (i < r->cnt && r->v[i].first <= n)
		return 0;
	if (i > 0 && r->v[i - 1].last + 1 == n) {
		r->v[i - 1].last = n;
		r->v[i - 1].last_ns = ns;
		if (i < r->cnt && n + 1 == r->v[i].first)
			join(r, i - 1);
		return 1;
	}
	if (i < r->cnt && n + 1 == r->v[i].first) {
		r->v[i].first = n;
		r->v[i].first_ns = ns;
		return 1;
	}
	return insert(r, i, n, ns);
}

void ranges_lengthen(struct ranges *r, uint64_t last, int64_t last_ns)
{
	if (!r->cnt || r->v[r->cnt - 1].last >= last)
		return;
	r->v[r->cnt - 1].last = last;
	r->v[r->cnt - 1].last_ns = last_ns;
}
