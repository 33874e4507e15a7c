/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/follow_held.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include <string.h>

struct follow_held_record {
	struct follow_held_record *next;
	char *container; /* node and id: plain runc's names are not unique beyond a node */
	size_t len;
	uint8_t payload[];
};

static char *container_of(const Varve__V1__Event *ev)
{
	return memory_printf("%s\n%s", ev->node_name, ev->container->id ? ev->container->id : "");
}

/* Takes out the record that *link leads to; before: the one in front of it, or NULL. */
static void take_out(struct follow_held *held, struct follow_held_record **link,
		     struct follow_held_record *before)
{
	struct follow_held_record *r = *link;

	*link = r->next;
	if (held->last == r)
		held->last = before;
	held->cnt--;
	held->bytes -= r->len;
	free(r->container);
	free(r);
}

void follow_held_add(struct follow_held *held, const Varve__V1__Event *ev, const uint8_t *payload,
		     size_t len)
{
	struct follow_held_record *r = memory_zalloc(sizeof(*r) + len);

	r->container = container_of(ev);
	r->len = len;
	memcpy(r->payload, payload, len);
	if (held->last)
		held->last->next = r;
	else
		held->first = r;
	held->last = r;
	held->cnt++;
	held->bytes += len;
	while (held->cnt > FOLLOW_HELD_MAX || held->bytes > FOLLOW_HELD_BYTES_MAX) {
		take_out(held, &held->first, NULL);
		held->left_cnt++;
	}
}

static void give(const struct follow_held_record *r, void (*fn)(Varve__V1__Event *held, void *ctx),
		 void *ctx)
{
	Varve__V1__Event *ev = event_decode(r->payload, r->len);

	if (ev)
		fn(ev, ctx);
	varve__v1__event__free_unpacked(ev, NULL);
}

void follow_held_give(struct follow_held *held, const Varve__V1__Event *ev,
		      void (*fn)(Varve__V1__Event *held, void *ctx), void *ctx)
{
	_cleanup_free_ char *container = container_of(ev);
	struct follow_held_record **link = &held->first, *before = NULL;

	while (*link) {
		if (strcmp((*link)->container, container)) {
			before = *link;
			link = &before->next;
			continue;
		}
		if (fn)
			give(*link, fn, ctx);
		take_out(held, link, before);
	}
}

void follow_held_fini(struct follow_held *held)
{
	held->left_cnt += held->cnt;
	while (held->first)
		take_out(held, &held->first, NULL);
}
