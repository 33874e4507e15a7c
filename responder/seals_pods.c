/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod's records have to do with what was found. */
#include "evidence/base.h"
#include "responder/memory.h"
#include "responder/seals_impl.h"
#include <string.h>

#define PODS_MAX 262144

static struct pod *get(struct seals *s, const Varve__V1__Event *ev, struct node *node,
		       size_t *ret_at)
{
	uintptr_t at = (uintptr_t)strmap_find(&s->pods, ev->pod->uid);

	if (!at) {
		if (s->pod_cnt == PODS_MAX) {
			s->pods_left_out++;
			return NULL;
		}
		s->pod = memory_grow(s->pod, s->pod_cnt, &s->pod_cap, sizeof(*s->pod));
		s->pod[s->pod_cnt] = (struct pod){
			.pub = {.uid = memory_strdup(ev->pod->uid), .first_ns = ev->time_unix_nano},
			.node = node,
			.broken_at_first = node->broken_cnt};
		at = ++s->pod_cnt;
		strmap_add(&s->pods, ev->pod->uid, (void *)at);
	}
	*ret_at = at - 1;
	return &s->pod[at - 1];
}

void seals_pod_take(struct seals *s, struct run *r, const Varve__V1__Event *ev)
{
	struct live *live = r->live;
	struct pod *p;
	size_t at;

	if (!ev->pod || !ev->pod->uid)
		return;
	p = get(s, ev, r->node, &at);
	if (!p)
		return;
	if (!p->pub.name && ev->pod->name)
		p->pub.name = memory_printf("%s/%s", ev->pod->namespace_ ? ev->pod->namespace_ : "",
					    ev->pod->name);
	/* Found since its last record: in its life. A pod that moved to another node cannot be. */
	if (p->node == r->node && r->node->broken_cnt != p->broken_at_first)
		p->pub.spans_broken = true;
	p->broken_at_last = p->node->broken_cnt;
	p->pub.record_cnt++;
	p->pub.last_ns = MAX(p->pub.last_ns, ev->time_unix_nano);
	if (!p->pending_cnt++) {
		live->touched = memory_grow(live->touched, live->touched_cnt, &live->touched_cap,
					    sizeof(*live->touched));
		live->touched[live->touched_cnt++] = at;
	}
}

void seals_pods_settle(struct seals *s, struct live *live, enum seals_settle how)
{
	for (size_t i = 0; i < live->touched_cnt; i++) {
		struct pod *p = &s->pod[live->touched[i]];

		if (how == SEALS_SETTLE_BROKEN)
			p->pub.broken_cnt += p->pending_cnt;
		else if (how == SEALS_SETTLE_SEALED)
			p->pub.sealed_cnt += p->pending_cnt;
		p->pending_cnt = 0;
	}
	live->touched_cnt = 0;
}

size_t seals_pods(const struct seals *seals, const struct seals_pod **ret_pods)
{
	struct seals *s = (struct seals *)seals;

	free(s->pod_list);
	s->pod_list = memory_zalloc((s->pod_cnt + 1) * sizeof(*s->pod_list));
	for (size_t i = 0; i < s->pod_cnt; i++) {
		s->pod_list[i] = s->pod[i].pub;
		s->pod_list[i].is_cut = s->pod[i].node->broken_cnt != s->pod[i].broken_at_last;
	}
	*ret_pods = s->pod_list;
	return s->pod_cnt;
}

uint64_t seals_pods_left_out(const struct seals *seals)
{
	return seals->pods_left_out;
}
