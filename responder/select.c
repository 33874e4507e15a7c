/* SPDX-License-Identifier: Apache-2.0 */
/* A name that matches nothing is mostly a slip: the answer names the nearest, and what time is
 * covered. */
#include "responder/select.h"
#include "responder/complain.h"
#include "evidence/base.h"
#include "responder/history.h"
#include "responder/memory.h"
#include "responder/nearest.h"
#include "responder/stretch.h"
#include "responder/when.h"
#include <string.h>
#include <strings.h>

#define PREFIX_MIN 8

static char *pod_name(const struct history_container *c)
{
	if (c->who.pod_name)
		return memory_printf("%s/%s", c->who.pod_namespace ? c->who.pod_namespace : "",
				     c->who.pod_name);
	return memory_strdup(c->who.pod_uid);
}

static char *container_name(const struct history_container *c)
{
	return memory_printf("%.64s", c->id);
}

/* A pod that only the directory knows. */
static void offer_state(struct nearest *n, const char *wanted, const Varve__V1__Pod *pod)
{
	if (!pod->name)
		return;
	_cleanup_free_ char *name =
		memory_printf("%s/%s", pod->namespace_ ? pod->namespace_ : "", pod->name);

	nearest_offer(n, wanted, name);
}

static int tell_no_match(const struct history *h, const char *what, const char *wanted,
			 char *(*name_of)(const struct history_container *c))
{
	char first[WHEN_LEN], last[WHEN_LEN];
	struct nearest n = {};

	if (!h->record_cnt)
		return complain(-ENOENT, "no %s matches \"%s\": the evidence holds no records",
				what, wanted);
	for (const struct history_container *c = h->containers; c; c = c->next) {
		char *name = name_of(c);

		if (name)
			nearest_offer(&n, wanted, name);
		free(name);
	}
	for (const struct history_pod *p = h->pods; p && name_of == pod_name; p = p->next)
		offer_state(&n, wanted, p->last->pod);
	_cleanup_free_ char *nearest = nearest_take_text(&n);

	return complain(-ENOENT, "no %s matches \"%s\"%s (%zu containers, from %s to %s)", what,
			wanted, nearest, h->container_cnt, when_format(h->first_ns, first),
			when_format(h->last_ns, last));
}

int select_tell_no_pod(const struct history *h, const char *pod)
{
	return tell_no_match(h, "pod", pod, pod_name);
}

bool select_is_named(const char *namespace, const char *name, const char *wanted)
{
	const char *slash = strchr(wanted, '/');

	return slash && name && namespace && !strcmp(name, slash + 1) &&
	       strlen(namespace) == (size_t)(slash - wanted) &&
	       !strncmp(namespace, wanted, slash - wanted);
}

/* A pod's containers may be known by its UID alone (the name came later, or never). */
static size_t mark_same_uid(struct history *h)
{
	struct strmap uids = {};
	size_t cnt = 0;

	for (struct history_container *c = h->containers; c; c = c->next)
		if (c->selected && c->who.pod_uid && !strmap_find(&uids, c->who.pod_uid))
			strmap_add(&uids, c->who.pod_uid, c);
	for (struct history_container *c = h->containers; c; c = c->next) {
		if (c->who.pod_uid && strmap_find(&uids, c->who.pod_uid))
			c->selected = true;
		cnt += c->selected;
	}
	strmap_fini(&uids);
	return cnt;
}

size_t select_mark_pod(struct history *h, const char *pod)
{
	const char *slash = strchr(pod, '/');

	h->by_pod = true;
	for (struct history_container *c = h->containers; c; c = c->next) {
		if (!slash)
			c->selected = c->who.pod_uid && !strcasecmp(c->who.pod_uid, pod);
		else
			c->selected = select_is_named(c->who.pod_namespace, c->who.pod_name, pod);
	}
	return mark_same_uid(h);
}

/* Only this pod's containers stay marked. */
static void unmark_others(struct history *h, const char *uid)
{
	for (struct history_container *c = h->containers; c; c = c->next)
		if (c->selected && (!c->who.pod_uid || strcmp(c->who.pod_uid, uid)))
			c->selected = false;
}

static bool is_there(const struct history *h, const struct select_pod *pod)
{
	for (const struct history_container *c = h->containers; c; c = c->next)
		if (c->selected && c->who.pod_uid && !strcmp(c->who.pod_uid, pod->uid) &&
		    stretch_is_there(h, c))
			return true;
	return false;
}

static int tell_several(const struct select_pod *pods, size_t cnt, const char *name)
{
	char first[WHEN_LEN], last[WHEN_LEN];

	diag(DIAG_ERROR,
	     "%zu pods had the name \"%s\": choose one by --pod UID, or by --since and --until:",
	     cnt, name);
	for (size_t i = 0; i < cnt; i++)
		diag(DIAG_ERROR, "  %s  node %s  %s to %s", pods[i].uid, pods[i].node,
		     when_format(pods[i].first_ns, first), when_format(pods[i].last_ns, last));
	return -ENOTUNIQ;
}

/*
 * Pods that had one name, one after the other or at once, are not one: a verdict about all of them
 * says nothing of the one that matters. If only one of them was there in the window, it is meant.
 */
static int choose_one(struct history *h, const char *name)
{
	struct select_pod *pods;
	size_t cnt = select_list_pods(h, &pods), there = 0, at = 0;
	int err = 0;

	for (size_t i = 0; cnt > 1 && i < cnt; i++) {
		if (is_there(h, &pods[i])) {
			there++;
			at = i;
		}
	}
	if (there > 1)
		err = tell_several(pods, cnt, name);
	else if (there == 1)
		unmark_others(h, pods[at].uid);
	free(pods);
	return err;
}

int select_pod(struct history *h, const char *pod)
{
	if (!select_mark_pod(h, pod))
		return tell_no_match(h, "pod", pod, pod_name);
	return strchr(pod, '/') ? choose_one(h, pod) : 0;
}

/* Containers of the same id are one, even if two nodes have it: plain runc's names. */
static size_t mark_containers(struct history *h, const char *id, size_t len, const char **ret_first,
			      const char **ret_other)
{
	size_t cnt = 0;

	for (struct history_container *c = h->containers; c; c = c->next) {
		c->selected = !strncmp(c->id, id, len);
		if (!c->selected)
			continue;
		cnt++;
		if (!*ret_first)
			*ret_first = c->id;
		else if (strcmp(*ret_first, c->id))
			*ret_other = c->id;
	}
	return cnt;
}

size_t select_mark_container(struct history *h, const char *id, const char **ret_first,
			     const char **ret_other)
{
	size_t len = strlen(id), cnt;

	h->by_pod = false;
	*ret_first = *ret_other = NULL;
	cnt = mark_containers(h, id, len + 1, ret_first, ret_other);
	if (cnt || strspn(id, "0123456789abcdef") != len || len < PREFIX_MIN)
		return cnt;
	return mark_containers(h, id, len, ret_first, ret_other);
}

int select_container(struct history *h, const char *id)
{
	const char *first, *other;

	if (!select_mark_container(h, id, &first, &other))
		return tell_no_match(h, "container", id, container_name);
	if (!other)
		return 0;
	return complain(
		-ENOTUNIQ,
		"\"%s\" is the beginning of more than one container: %s, %s; give more of it", id,
		first, other);
}

static int compare_pods(const void *a, const void *b)
{
	const struct select_pod *x = a, *y = b;

	return (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
}

size_t select_list_pods(const struct history *h, struct select_pod **ret_pods)
{
	struct select_pod *pods = memory_zalloc((h->container_cnt + 1) * sizeof(*pods)), *p;
	struct strmap uids = {};
	size_t cnt = 0;

	for (const struct history_container *c = h->containers; c; c = c->next) {
		if (!c->selected || !c->who.pod_uid)
			continue;
		p = strmap_find(&uids, c->who.pod_uid);
		if (!p) {
			p = &pods[cnt++];
			*p = (struct select_pod){c->who.pod_uid, c->node, c->first_ns, c->last_ns};
			strmap_add(&uids, c->who.pod_uid, p);
		}
		p->first_ns = MIN(p->first_ns, c->first_ns);
		p->last_ns = MAX(p->last_ns, c->last_ns);
	}
	strmap_fini(&uids);
	qsort(pods, cnt, sizeof(*pods), compare_pods);
	*ret_pods = pods;
	return cnt;
}
