/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/found.h"
#include "evidence/base.h"
#include "responder/brief.h"
#include "responder/memory.h"
#include <string.h>

#define WHAT_MAX 400 /* bytes of the first record's text */
#define NODE_MAX 255 /* of a node's name */

void found_fini(struct found_list *list)
{
	for (size_t i = 0; i < list->cnt; i++) {
		free(list->v[i].node);
		free(list->v[i].run_id);
		free(list->v[i].what);
	}
	free(list->v);
	strmap_fini(&list->keys);
	*list = (struct found_list){};
}

/* Cut between characters: the text is escaped, and may be UTF-8. */
static void cut(char *s, size_t len)
{
	if (len <= WHAT_MAX)
		return;
	len = WHAT_MAX;
	while (len && (s[len] & 0xc0) == 0x80)
		len--;
	strcpy(s + len, "...");
}

static char *text_of(const Varve__V1__Event *ev)
{
	char *s = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&s, &len);

	if (!out)
		memory_exhausted();
	brief_event(out, ev);
	fputs("   ", out); /* room for the dots */
	if (fclose(out) || !s)
		memory_exhausted();
	s[len -= 3] = 0;
	cut(s, len);
	return s;
}

static struct found *get(struct found_list *list, const struct history_container *c,
			 size_t indicator, const Varve__V1__Event *ev)
{
	/* What is of no container is of its node. */
	_cleanup_free_ char *key = memory_printf("%p %zu %.*s", (const void *)c, indicator,
						 NODE_MAX, c ? "" : ev->node_name);
	uintptr_t at = (uintptr_t)strmap_find(&list->keys, key);

	if (at)
		return &list->v[at - 1];
	if (list->cnt >= FOUND_MAX)
		return NULL;
	list->v = memory_grow(list->v, list->cnt, &list->cap, sizeof(*list->v));
	list->v[list->cnt] = (struct found){
		.container = c,
		.node = memory_printf("%.*s", NODE_MAX, ev->node_name),
		.indicator = indicator,
		.first_ns = INT64_MAX,
		.last_ns = INT64_MIN,
	};
	strmap_add(&list->keys, key, (void *)(uintptr_t)++list->cnt);
	return &list->v[list->cnt - 1];
}

static void count_kind(struct found *f, unsigned int number)
{
	for (size_t i = 0; i < FOUND_KINDS; i++) {
		if (f->kinds[i].cnt && f->kinds[i].number != number)
			continue;
		f->kinds[i].number = number;
		f->kinds[i].cnt++;
		return;
	}
	f->other_cnt++;
}

static void be_first(struct found *f, int64_t ns, const Varve__V1__Event *ev)
{
	f->first_ns = ns;
	free(f->run_id);
	free(f->what);
	f->run_id = memory_printf("%.*s", UUID_LEN, ev->run_id);
	f->sequence = ev->sequence;
	f->what = text_of(ev);
}

void found_add(struct found_list *list, const struct history_container *c, size_t indicator,
	       int64_t ns, const Varve__V1__Event *ev)
{
	struct found *f = get(list, c, indicator, ev);

	if (!f) {
		list->left_out_cnt++;
		return;
	}
	f->cnt++;
	count_kind(f, ev->body_case);
	if (ns < f->first_ns)
		be_first(f, ns, ev);
	f->last_ns = MAX(f->last_ns, ns);
}

static int compare_text(const char *a, const char *b)
{
	return !a || !b ? !a - !b : strcmp(a, b);
}

/* Pods by name, one after the other; what is in none comes last. */
static int compare(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	const struct history_container *c = x->container, *d = y->container;
	int order = !c - !d;

	if (!order && c != d && c) {
		order = compare_text(c->who.pod_namespace, d->who.pod_namespace);
		order = order ? order : compare_text(c->who.pod_name, d->who.pod_name);
		order = order ? order : compare_text(c->who.pod_uid, d->who.pod_uid);
		order = order ? order : (c->first_ns > d->first_ns) - (c->first_ns < d->first_ns);
		order = order ? order : compare_text(c->id, d->id);
		order = order ? order : compare_text(c->node, d->node);
	}
	order = order ? order : strcmp(x->node, y->node);
	order = order ? order : (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
	return order ? order : (x->indicator > y->indicator) - (x->indicator < y->indicator);
}

void found_sort(struct found_list *list)
{
	if (list->cnt)
		qsort(list->v, list->cnt, sizeof(*list->v), compare);
}
