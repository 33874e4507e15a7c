/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod is more than the containers that are held of it: one whose records are all missing leaves
 * no trace but a gap of the node. What hits the containers held is INCOMPLETE, told by the other
 * checks; here it is asked whether there may have been another.
 *
 * A pod's containers live within the life of its sandbox. If that was seen from start to stop, what
 * lies outside of it does not matter; else all of the time asked for does.
 */
#include "responder/checks.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include "responder/missing.h"
#include "responder/pod_path.h"
#include "responder/tell.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

/* One pod on one node. */
struct pod {
	const struct history *h;
	const struct history_container *first; /* any of its containers */
	struct history_window time;
	int64_t begin_ns; /* nothing of it ran before; HISTORY_NEVER: not known */
	struct verdict *v;
	size_t told;
};

static bool is_same_pod(const struct history_container *a, const struct history_container *b)
{
	return b->selected && !strcmp(a->node, b->node) && !a->who.pod_uid == !b->who.pod_uid &&
	       (!a->who.pod_uid || !strcmp(a->who.pod_uid, b->who.pod_uid));
}

/* A sandbox may be made anew: the life is from the first to the last; each must be whole. */
static void narrow_to_sandbox(struct pod *pod)
{
	int64_t since_ns = INT64_MAX, until_ns = INT64_MIN;

	for (const struct history_container *c = pod->h->containers; c; c = c->next) {
		if (!c->who.is_sandbox || !is_same_pod(pod->first, c))
			continue;
		if (!history_start_seen(c->streams) || !c->last_stream->stopped ||
		    c->streams->run->clock_stepped || c->last_stream->run->clock_stepped)
			return;
		since_ns = MIN(since_ns, c->streams->start_ns);
		until_ns = MAX(until_ns, c->last_stream->stop_ns);
	}
	if (since_ns == INT64_MAX)
		return;
	pod->begin_ns = since_ns;
	pod->time.since_ns = MAX(pod->time.since_ns, since_ns);
	pod->time.until_ns = MIN(pod->time.until_ns, until_ns);
}

static void tell_missing(const struct missing *m, void *ctx)
{
	struct pod *pod = ctx;

	if (pod->told++ >= TELL_MAX)
		return;
	_cleanup_free_ char *text = missing_text(m);

	verdict_add(pod->v, VERDICT_REASON_UNKNOWN,
		    memory_printf("another container of this pod may be among %s", text));
}

static void check_missing(struct pod *pod)
{
	missing_each(pod->h, pod->first->node, &pod->time, tell_missing, pod);
	if (pod->told > TELL_MAX)
		verdict_add(pod->v, VERDICT_REASON_UNKNOWN,
			    memory_printf("another container of this pod may be among what is "
					  "missing in %zu more places",
					  pod->told - TELL_MAX));
}

/* Starts and stops that were lost before anyone knew of which container they were. */
static void check_lost_starts(const struct pod *pod)
{
	const struct history *h = pod->h;

	for (size_t i = 0; i < h->loss_cnt; i++) {
		const struct history_loss *loss = &h->losses[i];

		if (loss->container || loss->of_records ||
		    strcmp(h->classes[loss->event_class], "container") ||
		    strcmp(loss->run->node, pod->first->node) ||
		    !stretch_touches(&pod->time, loss->first_ns, loss->last_ns))
			continue;
		_cleanup_free_ char *span = tell_span(loss->first_ns, loss->last_ns);

		verdict_add(pod->v, VERDICT_REASON_UNKNOWN,
			    memory_printf("another container of this pod may be among %" PRIu64
					  " container events of the node lost (%s) %s",
					  loss->count, loss->cause, span));
	}
}

/* How long such a one ran is not known. */
static void check_nameless(const struct pod *pod)
{
	const struct history *h = pod->h;
	char when[WHEN_LEN];
	size_t told = 0;

	for (size_t i = 0; i < h->nameless_cnt; i++) {
		const struct history_nameless *n = &h->nameless[i];

		if (n->ns > pod->time.until_ns || n->ns < pod->begin_ns ||
		    strcmp(n->run->node, pod->first->node) ||
		    pod_path_is_of_other(n->cgroup_path, pod->first->who.pod_uid))
			continue;
		if (told++ < TELL_MAX)
			verdict_add(pod->v, VERDICT_REASON_UNKNOWN,
				    memory_printf("a container whose identity was not kept "
						  "started at %s, cgroup %s",
						  when_format(n->ns, when),
						  n->cgroup_path ? n->cgroup_path : "not known"));
	}
	if (told > TELL_MAX)
		verdict_add(pod->v, VERDICT_REASON_UNKNOWN,
			    memory_printf("%zu more containers whose identity was not kept started",
					  told - TELL_MAX));
}

/* All containers of a pod are in its cgroup: if those held show its UID, one without it is not. */
static bool has_own_cgroup(const struct pod *pod)
{
	bool any = false;

	for (const struct history_container *c = pod->h->containers; c; c = c->next) {
		if (!c->cgroup_path || !is_same_pod(pod->first, c))
			continue;
		if (!pod_path_is_of(c->cgroup_path, pod->first->who.pod_uid))
			return false;
		any = true;
	}
	return any;
}

static bool may_be_of_pod(const struct pod *pod, const struct history_container *c, bool own_cgroup)
{
	if (c->selected || c->who.pod_uid || c->who.pod_name || strcmp(c->node, pod->first->node) ||
	    (c->who.state && !strcmp(c->who.state, "RESOLVED")))
		return false;
	if (c->cgroup_path && own_cgroup &&
	    !pod_path_is_of(c->cgroup_path, pod->first->who.pod_uid))
		return false;
	return !pod_path_is_of_other(c->cgroup_path, pod->first->who.pod_uid) &&
	       stretch_is_within(&pod->time, c);
}

static void check_homeless(const struct pod *pod)
{
	bool own_cgroup = has_own_cgroup(pod);
	size_t cnt = 0;
	const char *id = NULL;

	for (const struct history_container *c = pod->h->containers; c; c = c->next) {
		if (!may_be_of_pod(pod, c, own_cgroup))
			continue;
		id = c->id;
		cnt++;
	}
	if (cnt)
		verdict_add(
			pod->v, VERDICT_REASON_UNKNOWN,
			memory_printf("%zu container%s whose pod is not known w%s there in this "
				      "time and may be of this pod: %s%s",
				      cnt, tell_plural(cnt), cnt == 1 ? "as" : "ere", id,
				      cnt > 1 ? " ..." : ""));
}

static void check_pod(struct pod *pod)
{
	check_missing(pod);
	check_lost_starts(pod);
	check_nameless(pod);
	check_homeless(pod);
}

/* Once for each pod of which a container is selected, on each node. */
static void each_pod(const struct history *h, struct verdict *v,
		     void (*fn)(struct pod *pod, void *ctx), void *ctx)
{
	struct strmap seen = {};

	for (const struct history_container *c = h->containers; c; c = c->next) {
		if (!c->selected)
			continue;
		_cleanup_free_ char *key =
			memory_printf("%s\n%s", c->node, c->who.pod_uid ? c->who.pod_uid : "");

		if (strmap_find(&seen, key))
			continue;
		strmap_add(&seen, key, (void *)c);
		struct pod pod = {
			.h = h, .first = c, .time = h->window, .begin_ns = HISTORY_NEVER, .v = v};

		narrow_to_sandbox(&pod);
		if (pod.time.since_ns <= pod.time.until_ns)
			fn(&pod, ctx);
	}
	strmap_fini(&seen);
}

static void check_one(struct pod *pod, void *ctx)
{
	(void)ctx;
	check_pod(pod);
}

void checks_pod(const struct history *h, struct verdict *v)
{
	each_pod(h, v, check_one, NULL);
	/* A pod of this name may have been on another node, too. */
	if (missing_find_unplaced(h) == MISSING_ALL_UNPLACED)
		verdict_add(v, VERDICT_REASON_UNKNOWN,
			    memory_strdup("another container of this pod may be among what cannot "
					  "be read, of a node and time that are not known"));
}

static void add_time(struct pod *pod, void *ctx)
{
	struct history_window *time = ctx;

	time->since_ns = MIN(time->since_ns, pod->time.since_ns);
	time->until_ns = MAX(time->until_ns, pod->time.until_ns);
}

bool checks_pod_time(const struct history *h, struct history_window *ret_time)
{
	*ret_time = (struct history_window){INT64_MAX, INT64_MIN};
	each_pod(h, NULL, add_time, ret_time);
	return ret_time->since_ns <= ret_time->until_ns;
}
