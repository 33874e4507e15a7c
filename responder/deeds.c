/* SPDX-License-Identifier: Apache-2.0 */
/* The table of deeds. What a record says is in deed_text.c. */
#include "responder/deeds.h"
#include "evidence/base.h"
#include "evidence/text.h"
#include "responder/deed_text.h"
#include "responder/memory.h"
#include <string.h>

struct adding {
	struct deeds *d;
	unsigned int side;
	int64_t ns;
};

void deeds_fini(struct deeds *d)
{
	for (size_t i = 0; i < d->cnt; i++)
		free(d->v[i].text);
	free(d->v);
	for (size_t i = 0; i < d->hashed.size; i++)
		free(d->hashed.slots[i].value);
	strmap_fini(&d->hashed);
	strmap_fini(&d->keys);
	*d = (struct deeds){};
}

static struct deeds_sort *get_sort(struct deeds *d, const char *name)
{
	for (size_t i = 0; i < d->sort_cnt; i++)
		if (!strcmp(d->sorts[i].name, name))
			return &d->sorts[i];
	if (d->sort_cnt == DEEDS_SORTS)
		return NULL;
	d->sorts[d->sort_cnt].name = name;
	return &d->sorts[d->sort_cnt++];
}

/* NULL: there are too many of the sort. */
static struct deed *get_deed(struct deeds *d, const char *name, const char *text, unsigned int side)
{
	_cleanup_free_ char *key = memory_printf("%s\n%s", name, text);
	uintptr_t at = (uintptr_t)strmap_find(&d->keys, key);
	size_t len = strlen(text);
	struct deeds_sort *sort;

	if (at)
		return &d->v[at - 1];
	sort = get_sort(d, name);
	if (!sort)
		return NULL;
	if (sort->cnt >= DEEDS_OF_A_SORT || sort->bytes + len > DEEDS_SORT_BYTES ||
	    d->bytes + len > DEEDS_BYTES) {
		sort->left_out[side]++;
		return NULL;
	}
	sort->cnt++;
	sort->bytes += len;
	d->bytes += len;
	d->v = memory_grow(d->v, d->cnt, &d->cap, sizeof(*d->v));
	d->v[d->cnt] = (struct deed){
		.sort = name, .text = memory_strdup(text), .first_ns = {INT64_MAX, INT64_MAX}};
	strmap_add(&d->keys, key, (void *)(uintptr_t)++d->cnt);
	return &d->v[d->cnt - 1];
}

static void add_hashed(struct deeds *d, const char *path, unsigned int side)
{
	unsigned int *mask = strmap_find(&d->hashed, path);

	if (!mask && d->hashed.cnt >= 2 * DEEDS_OF_A_SORT)
		return;
	if (!mask) {
		mask = memory_zalloc(sizeof(*mask));
		strmap_add(&d->hashed, path, mask);
	}
	*mask |= 1u << side;
}

/* "SHA256  PATH" */
static const char *hashed_path(const struct deed *deed)
{
	const char *path = strstr(deed->text, "  ");

	return !strcmp(deed->sort, DEED_HASHED) && path ? path + 2 : NULL;
}

static void add_deed(const char *sort, const char *text, size_t len, void *ctx)
{
	const struct adding *a = ctx;
	char *escaped = NULL;
	size_t escaped_len = 0;
	FILE *out = open_memstream(&escaped, &escaped_len);

	if (!out)
		memory_exhausted();
	text_print_escaped(out, text, MIN(len, (size_t)DEEDS_TEXT_MAX));
	if (fclose(out))
		memory_exhausted();
	struct deed *deed = get_deed(a->d, sort, escaped, a->side);

	free(escaped);
	if (!deed)
		return;
	deed->cnt[a->side]++;
	deed->first_ns[a->side] = MIN(deed->first_ns[a->side], a->ns);
	if (hashed_path(deed))
		add_hashed(a->d, hashed_path(deed), a->side);
}

void deeds_add(struct deeds *d, unsigned int side, const struct usual *u, int64_t ns,
	       const Varve__V1__Event *ev)
{
	struct adding a = {d, side, ns};

	deed_text(ev, u, add_deed, &a);
}

static int compare(const void *a, const void *b)
{
	const struct deed *x = a, *y = b;
	unsigned int i = deed_rank(x->sort), j = deed_rank(y->sort);
	int64_t s = MIN(x->first_ns[0], x->first_ns[1]), t = MIN(y->first_ns[0], y->first_ns[1]);

	if (i != j)
		return i < j ? -1 : 1;
	int order = strcmp(x->sort, y->sort);

	order = order ? order : (s > t) - (s < t);
	return order ? order : strcmp(x->text, y->text);
}

/* Of a side that has no SHA-256 of the file nobody knows whether it is another. */
static bool is_comparable(const struct deeds *d, const struct deed *deed)
{
	const char *path = hashed_path(deed);
	const unsigned int *mask = path ? strmap_find(&d->hashed, path) : NULL;

	return !path || (deed->cnt[0] && deed->cnt[1]) || (mask && *mask == 3);
}

void deeds_compare(struct deeds *d)
{
	size_t cnt = 0;

	for (size_t i = 0; i < d->cnt; i++) {
		struct deed deed = d->v[i];

		if (!is_comparable(d, &deed))
			continue;
		d->v[i] = d->v[cnt];
		d->v[cnt++] = deed;
	}
	d->compared_cnt = cnt;
	if (cnt)
		qsort(d->v, cnt, sizeof(*d->v), compare);
}
