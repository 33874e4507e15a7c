/* SPDX-License-Identifier: Apache-2.0 */
/* By kind: RunStart, Loss, Account ... each has a function in a table; all others are only counted.
 */
#include "responder/learn.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include "responder/source.h"
#include <string.h>

/* A clock that is adjusted slowly takes its boot time along. */
#define STEP_NS ((int64_t)NSEC_PER_SEC)

#define UNHOOKED_MAX 32
#define KEY_LEN	     256

typedef void (*learn_fn)(struct history *h, struct history_run *run, struct history_stream *stream,
			 const Varve__V1__Event *ev, int64_t ns);

static void set_string(char **p, const char *s)
{
	if (!s || (*p && !strcmp(*p, s)))
		return;
	free(*p);
	*p = memory_strdup(s);
}

static void widen(int64_t *first_ns, int64_t *last_ns, int64_t ns)
{
	if (*first_ns == HISTORY_NEVER || ns < *first_ns)
		*first_ns = ns;
	if (*last_ns == HISTORY_NEVER || ns > *last_ns)
		*last_ns = ns;
}

struct history_run *learn_run(struct history *h, const Varve__V1__Event *ev)
{
	struct history_run *run = strmap_find(&h->run_ids, ev->run_id);

	if (run)
		return run;
	run = memory_zalloc(sizeof(*run));
	run->id = memory_strdup(ev->run_id);
	run->node = memory_strdup(ev->node_name);
	run->first_ns = run->last_ns = run->settled_ns = HISTORY_NEVER;
	run->heartbeat_ns = run->came_ns = HISTORY_NEVER;
	run->not_watched_since_ns = run->watched_since_ns = run->watched_until_ns = HISTORY_NEVER;
	strmap_add(&h->run_ids, run->id, run);
	if (h->last_run)
		h->last_run->next = run;
	else
		h->runs = run;
	h->last_run = run;
	return run;
}

/*
 * A container's name is its node and its id: plain runc's names are not unique beyond a node. In buf
 * if it has the room; else the caller frees it.
 */
static char *container_key(const Varve__V1__Event *ev, char buf[static KEY_LEN])
{
	size_t node = strlen(ev->node_name), id = strlen(ev->container->id);
	char *key = node + id + 2 <= KEY_LEN ? buf : memory_zalloc(node + id + 2), *p = key;

	p = mempcpy(p, ev->node_name, node);
	*p++ = '\n';
	memcpy(p, ev->container->id, id + 1);
	return key;
}

struct history_container *learn_find_container(const struct history *h, const Varve__V1__Event *ev)
{
	struct history_container *c;
	char buf[KEY_LEN], *key;

	if (!ev->container || !ev->container->id)
		return NULL;
	key = container_key(ev, buf);
	c = strmap_find(&h->container_ids, key);
	if (key != buf)
		free(key);
	return c;
}

static struct history_container *add_container(struct history *h, const Varve__V1__Event *ev)
{
	char buf[KEY_LEN], *key = container_key(ev, buf);
	struct history_container *c = memory_zalloc(sizeof(*c));

	c->id = memory_strdup(ev->container->id);
	c->node = memory_strdup(ev->node_name);
	c->first_ns = c->last_ns = HISTORY_NEVER;
	strmap_add(&h->container_ids, key, c);
	if (key != buf)
		free(key);
	if (h->last_container)
		h->last_container->next = c;
	else
		h->containers = c;
	h->last_container = c;
	h->container_cnt++;
	return c;
}

static void learn_owner(const Varve__V1__PodOwner *o, char **kind, char **name, bool *concluded)
{
	if (!o)
		return;
	set_string(kind, o->kind);
	set_string(name, o->name);
	*concluded = o->has_concluded && o->concluded;
}

/* The API server's part comes by itself, before or after the runtime's. KNOWN is not taken back. */
static void learn_api(struct history_identity *id, const Varve__V1__Pod *pod)
{
	if (id->api_state && !strcmp(id->api_state, "KNOWN") &&
	    (!pod->api_state || strcmp(pod->api_state, "KNOWN")))
		return;
	set_string(&id->api_state, pod->api_state);
	learn_owner(pod->owner, &id->owner_kind, &id->owner_name, &id->owner_concluded);
	learn_owner(pod->workload, &id->workload_kind, &id->workload_name, &id->workload_concluded);
}

/* Of two records the one that knows more holds: RESOLVED is never taken back by an earlier PENDING.
 */
static void learn_metadata(struct history_identity *id, const Varve__V1__Event *ev)
{
	const Varve__V1__Container *m = ev->container;
	bool was_resolved = id->state && !strcmp(id->state, "RESOLVED");
	bool is_resolved = m->metadata_state && !strcmp(m->metadata_state, "RESOLVED");

	if (ev->pod)
		learn_api(id, ev->pod);
	if (was_resolved && !is_resolved)
		return;
	set_string(&id->runtime, m->runtime);
	set_string(&id->name, m->name);
	set_string(&id->image, m->image);
	set_string(&id->state, m->metadata_state);
	if (m->has_is_sandbox)
		id->is_sandbox = m->is_sandbox;
	if (!ev->pod)
		return;
	set_string(&id->pod_uid, ev->pod->uid);
	set_string(&id->pod_name, ev->pod->name);
	set_string(&id->pod_namespace, ev->pod->namespace_);
}

static struct history_stream *find_stream(const struct history_container *c,
					  const struct history_run *run)
{
	struct history_stream *found = NULL;

	if (c->last_stream && c->last_stream->run == run)
		return c->last_stream;
	for (struct history_stream *s = c->streams; s; s = s->next)
		if (s->run == run)
			found = s;
	return found;
}

/*
 * Plain runc's names are used again: a start behind the closed account is another life of the same
 * name. Its numbers go on or begin anew, as the sensor remembers the name or not.
 */
static bool is_next_life(const struct history_stream *s, const Varve__V1__Event *ev)
{
	return s->closed && ev->body_case == VARVE__V1__EVENT__BODY_CONTAINER_START &&
	       !(ev->container_start->has_nested_cgroup && ev->container_start->nested_cgroup) &&
	       ev->sequence > s->account;
}

static struct history_stream *add_stream(struct history_container *c, struct history_run *run,
					 const struct history_stream *before,
					 const Varve__V1__Event *ev)
{
	struct history_stream *s = memory_zalloc(sizeof(*s));

	s->container = c;
	s->run = run;
	s->first = s->last = ev->sequence;
	s->first_ns = s->last_ns = s->start_ns = s->stop_ns = s->account_ns = HISTORY_NEVER;
	if (before && before->sequences.cnt && ev->stream_sequence)
		s->base = before->sequences.v[before->sequences.cnt - 1].last + 1;
	if (c->last_stream)
		c->last_stream->next = s;
	else
		c->streams = s;
	c->last_stream = s;
	return s;
}

static int class_of(struct history *h, const char *name)
{
	if (!name)
		name = "unnamed";
	for (int i = 0; i < HISTORY_CLASS_MAX - 1; i++) {
		if (!h->classes[i])
			break;
		if (!strcmp(h->classes[i], name))
			return i;
	}
	/* Classes of a later schema are one: they are counted together, and held against each other
	 * so. */
	h->classes[HISTORY_CLASS_MAX - 1] = "other";
	return HISTORY_CLASS_MAX - 1;
}

static struct history_stream *learn_container(struct history *h, struct history_run *run,
					      const Varve__V1__Event *ev, int64_t ns,
					      const struct source_item *item)
{
	struct history_container *c = learn_find_container(h, ev);

	if (!c) {
		c = add_container(h, ev);
		c->first_segment = item->segment;
		c->partition = item->partition;
	}
	c->last_segment = item->segment;
	c->is_scattered |= c->partition != item->partition;
	struct history_stream *s = find_stream(c, run);

	if (!s || is_next_life(s, ev))
		s = add_stream(c, run, s, ev);
	learn_metadata(&c->who, ev);
	learn_metadata(&s->who, ev);
	c->record_cnt++;
	c->window_cnt += ns >= h->window.since_ns && ns <= h->window.until_ns;
	widen(&c->first_ns, &c->last_ns, ns);
	widen(&s->first_ns, &s->last_ns, ns);
	s->first = MIN(s->first, ev->sequence);
	s->last = MAX(s->last, ev->sequence);
	if (ev->has_stream_sequence && ranges_add(&s->sequences, ev->stream_sequence, ns) < 0)
		run->broken = true;
	if (ev->kernel_number)
		s->counts[class_of(h, ev->kernel_number->event_class)].held++;
	return s;
}

static void learn_run_start(struct history *h, struct history_run *run,
			    struct history_stream *stream, const Varve__V1__Event *ev, int64_t ns)
{
	const Varve__V1__RunStart *b = ev->run_start;

	(void)h;
	(void)stream;
	run->started = true;
	set_string(&run->previous_id, b->previous_run_id);
	set_string(&run->sensor_version, b->sensor_version);
	set_string(&run->kernel_release, b->kernel_release);
	run->has_previous_last = b->has_previous_last_sequence;
	run->previous_last = b->previous_last_sequence;
	run->takes_over = b->has_takes_over && b->takes_over;
	if (b->has_not_watched_since_unix_nano)
		run->not_watched_since_ns = b->not_watched_since_unix_nano;
	run->watched_since_ns = b->has_watched_since_unix_nano ? b->watched_since_unix_nano : ns;
	if (ev->has_boot_time_nano && ev->has_time_unix_nano)
		run->watched_since_boot_ns = ev->boot_time_nano + (uint64_t)run->watched_since_ns -
					     (uint64_t)ev->time_unix_nano;
}

static void learn_run_end(struct history *h, struct history_run *run, struct history_stream *stream,
			  const Varve__V1__Event *ev, int64_t ns)
{
	const Varve__V1__RunEnd *b = ev->run_end;

	(void)h;
	(void)stream;
	run->ended = true;
	set_string(&run->end_reason, b->reason);
	run->watched_until_ns = b->has_watched_until_unix_nano ? b->watched_until_unix_nano : ns;
	run->settled_ns = MAX(run->settled_ns, run->watched_until_ns);
}

/* "NAME (ERROR), NAME (ERROR)" of the hooks that are not attached. */
static char *unhooked_text(const Varve__V1__Coverage *b)
{
	char *text = memory_strdup("");
	size_t cnt = 0;

	for (size_t i = 0; i < b->n_hooks && cnt <= UNHOOKED_MAX; i++) {
		const Varve__V1__Hook *hook = b->hooks[i];
		char *longer;

		if (!hook->has_attached || hook->attached || hook->served_by)
			continue;
		if (cnt++ == UNHOOKED_MAX)
			longer = memory_printf("%s, ...", text);
		else
			longer = memory_printf("%s%s%.128s (%.128s)", text, cnt > 1 ? ", " : "",
					       hook->name ? hook->name : "?",
					       hook->error ? hook->error : "no reason given");
		free(text);
		text = longer;
	}
	return text;
}

/* The same is said again each hour; but only in their order can be told what is a change. */
static void learn_coverage(struct history *h, struct history_run *run,
			   struct history_stream *stream, const Varve__V1__Event *ev, int64_t ns)
{
	(void)h;
	(void)stream;
	run->coverages = memory_grow(run->coverages, run->coverage_cnt, &run->coverage_cap,
				     sizeof(*run->coverages));
	run->coverages[run->coverage_cnt++] =
		(struct history_coverage){ns, ev->sequence, unhooked_text(ev->coverage)};
}

/*
 * Since the heartbeat before. Where a later one came first that is not known: since the beginning
 * then, which order.c fills in. The clock may have been set back in between.
 */
static void learn_blind(struct history_run *run, uint64_t sequence, int64_t ns)
{
	bool is_known = run->came_ns != HISTORY_NEVER && run->came < sequence;
	int64_t since_ns = is_known ? run->came_ns : HISTORY_NEVER;
	struct history_window *last = run->blind_cnt ? &run->blinds[run->blind_cnt - 1] : NULL;

	if (last && is_known && last->until_ns == since_ns && since_ns <= ns) {
		last->until_ns = ns;
		return;
	}
	run->blinds =
		memory_grow(run->blinds, run->blind_cnt, &run->blind_cap, sizeof(*run->blinds));
	run->blinds[run->blind_cnt++] =
		(struct history_window){MIN(since_ns, ns), MAX(since_ns, ns)};
}

/* A loss whose cause is not known yet waits one settling more: the last heartbeat settles none. */
static void learn_heartbeat(struct history *h, struct history_run *run,
			    struct history_stream *stream, const Varve__V1__Event *ev, int64_t ns)
{
	(void)h;
	(void)stream;
	if (ev->heartbeat->has_canary && !ev->heartbeat->canary)
		learn_blind(run, ev->sequence, ns);
	run->settled_ns = MAX(run->settled_ns, MIN(run->heartbeat_ns, ns));
	run->heartbeat_ns = MAX(run->heartbeat_ns, ns);
	run->came_ns = ns;
	run->came = ev->sequence;
}

static bool is_of_records(const Varve__V1__Loss *b)
{
	return b->has_first_sequence ||
	       (b->cause && (!strcmp(b->cause, "log_limit") || !strcmp(b->cause, "not_delivered")));
}

static void learn_loss(struct history *h, struct history_run *run, struct history_stream *stream,
		       const Varve__V1__Event *ev, int64_t ns)
{
	const Varve__V1__Loss *b = ev->loss;

	(void)ns;
	if (b->has_count && !b->count)
		return;
	h->losses = memory_grow(h->losses, h->loss_cnt, &h->loss_cap, sizeof(*h->losses));
	h->losses[h->loss_cnt++] = (struct history_loss){
		.run = run,
		.container = stream ? stream->container : NULL,
		.event_class = class_of(h, b->event_class),
		.cause = memory_strdup(b->cause ? b->cause : "unknown"),
		.count = b->has_count ? b->count : 1,
		.first_ns = b->has_first_unix_nano ? b->first_unix_nano : HISTORY_NEVER,
		.last_ns = b->has_last_unix_nano ? b->last_unix_nano : HISTORY_NEVER,
		.of_records = is_of_records(b),
		.lost_run_id = b->has_first_sequence && b->has_last_sequence
				       ? memory_strdup(b->lost_run_id)
				       : NULL,
		.first_sequence = b->first_sequence,
		.last_sequence = b->last_sequence,
	};
}

static void learn_suppression(struct history *h, struct history_run *run,
			      struct history_stream *stream, const Varve__V1__Event *ev, int64_t ns)
{
	const Varve__V1__Suppression *b = ev->suppression;

	(void)ns;
	if (!stream || !b->count)
		return;
	h->suppressions = memory_grow(h->suppressions, h->suppression_cnt, &h->suppression_cap,
				      sizeof(*h->suppressions));
	h->suppressions[h->suppression_cnt++] = (struct history_loss){
		.run = run,
		.container = stream->container,
		.event_class = class_of(h, b->event_class),
		.cause = memory_strdup(b->reason ? b->reason : "unknown"),
		.count = b->count,
		.first_ns = b->has_first_unix_nano ? b->first_unix_nano : HISTORY_NEVER,
		.last_ns = b->has_last_unix_nano ? b->last_unix_nano : HISTORY_NEVER,
	};
}

static void learn_nameless(struct history *h, const struct history_run *run,
			   const Varve__V1__ContainerStart *b, int64_t ns)
{
	h->nameless =
		memory_grow(h->nameless, h->nameless_cnt, &h->nameless_cap, sizeof(*h->nameless));
	h->nameless[h->nameless_cnt++] = (struct history_nameless){
		.run = run,
		.ns = ns,
		.cgroup_path = memory_strdup(b->cgroup_path),
	};
}

static void learn_start(struct history *h, struct history_run *run, struct history_stream *s,
			const Varve__V1__Event *ev, int64_t ns)
{
	const Varve__V1__ContainerStart *b = ev->container_start;

	if (!s) {
		learn_nameless(h, run, b, ns);
		return;
	}
	/* A cgroup within the container's own is no life of it. */
	if (b->has_nested_cgroup && b->nested_cgroup)
		return;
	set_string(&s->container->cgroup_path, b->cgroup_path);
	s->started = true;
	s->from_snapshot = b->has_from_snapshot && b->from_snapshot;
	s->start_ns = ns;
	s->start_boot_ns = ev->boot_time_nano;
}

static void learn_stop(struct history *h, struct history_run *run, struct history_stream *s,
		       const Varve__V1__Event *ev, int64_t ns)
{
	const Varve__V1__ContainerStop *b = ev->container_stop;

	(void)h;
	(void)run;
	if (!s || (b->has_nested_cgroup && b->nested_cgroup))
		return;
	set_string(&s->container->cgroup_path, b->cgroup_path);
	s->stopped = true;
	s->stop_ns = ns;
}

static void learn_account(struct history *h, struct history_run *run, struct history_stream *s,
			  const Varve__V1__Event *ev, int64_t ns)
{
	const Varve__V1__Account *b = ev->account;

	(void)run;
	if (!s)
		return;
	s->accounted = true;
	s->closed = b->has_closed && b->closed;
	s->account_ns = ns;
	s->account = ev->sequence;
	for (int i = 0; i < HISTORY_CLASS_MAX; i++)
		s->counts[i] = (struct history_count){.held = s->counts[i].held};
	for (size_t i = 0; i < b->n_counts; i++) {
		struct history_count *count = &s->counts[class_of(h, b->counts[i]->event_class)];

		count->stated = true;
		count->generated += b->counts[i]->generated;
		count->recorded += b->counts[i]->recorded;
		count->lost += b->counts[i]->lost;
		count->suppressed += b->counts[i]->suppressed;
	}
}

static struct history_pod *find_pod(struct history *h, const Varve__V1__Event *ev)
{
	_cleanup_free_ char *key = memory_printf("%s\n%s", ev->node_name, ev->pod->uid);
	struct history_pod *p = strmap_find(&h->pod_uids, key);

	if (p)
		return p;
	p = memory_zalloc(sizeof(*p));
	p->first_ns = p->last_ns = HISTORY_NEVER;
	strmap_add(&h->pod_uids, key, p);
	if (h->last_pod)
		h->last_pod->next = p;
	else
		h->pods = p;
	h->last_pod = p;
	h->pod_cnt++;
	return p;
}

/* Of one run the last holds, which has the greatest sequence; of several, the latest run's. */
static bool is_later(const struct history_pod *p, const struct history_run *run,
		     const Varve__V1__Event *ev)
{
	if (!p->last)
		return true;
	return p->run == run ? ev->sequence > p->last->sequence
			     : history_time(run, ev) >= p->last->time_unix_nano;
}

/* A later run of the sensor may not have found the names of what ran before it. */
static void keep_names(Varve__V1__Pod *before, Varve__V1__Pod *now)
{
	if (now->name || !before->name)
		return;
	now->name = TAKE_PTR(before->name);
	free(now->namespace_);
	now->namespace_ = TAKE_PTR(before->namespace_);
}

static void learn_pod_state(struct history *h, struct history_run *run,
			    struct history_stream *stream, const Varve__V1__Event *ev, int64_t ns)
{
	const Varve__V1__PodState *b = ev->pod_state;

	(void)stream;
	(void)ns;
	if (!ev->pod || !ev->pod->uid)
		return;
	struct history_pod *p = find_pod(h, ev);

	if (b->has_first_unix_nano)
		widen(&p->first_ns, &p->last_ns, b->first_unix_nano);
	if (b->has_last_unix_nano)
		widen(&p->first_ns, &p->last_ns, b->last_unix_nano);
	if (!is_later(p, run, ev))
		return;
	size_t len = varve__v1__event__get_packed_size(ev);
	_cleanup_free_ uint8_t *buf = memory_zalloc(len + 1);

	varve__v1__event__pack(ev, buf);
	Varve__V1__Event *before = p->last;

	p->last = varve__v1__event__unpack(NULL, len, buf);
	if (!p->last)
		memory_exhausted();
	p->run = run;
	if (before)
		keep_names(before->pod, p->last->pod);
	varve__v1__event__free_unpacked(before, NULL);
}

static const struct {
	Varve__V1__Event__BodyCase body;
	learn_fn fn;
} learners[] = {
	{VARVE__V1__EVENT__BODY_RUN_START, learn_run_start},
	{VARVE__V1__EVENT__BODY_RUN_END, learn_run_end},
	{VARVE__V1__EVENT__BODY_COVERAGE, learn_coverage},
	{VARVE__V1__EVENT__BODY_HEARTBEAT, learn_heartbeat},
	{VARVE__V1__EVENT__BODY_LOSS, learn_loss},
	{VARVE__V1__EVENT__BODY_SUPPRESSION, learn_suppression},
	{VARVE__V1__EVENT__BODY_CONTAINER_START, learn_start},
	{VARVE__V1__EVENT__BODY_CONTAINER_STOP, learn_stop},
	{VARVE__V1__EVENT__BODY_ACCOUNT, learn_account},
	{VARVE__V1__EVENT__BODY_POD_STATE, learn_pod_state},
};

static void learn_clock(struct history_run *run, const Varve__V1__Event *ev)
{
	int64_t offset_ns, step_ns;

	if (!ev->has_time_unix_nano || !ev->has_boot_time_nano)
		return;
	offset_ns = (int64_t)((uint64_t)ev->time_unix_nano - ev->boot_time_nano);
	if (!run->clock_known)
		run->clock_offset_ns = offset_ns;
	run->clock_known = true;
	if (__builtin_sub_overflow(offset_ns, run->clock_offset_ns, &step_ns) ||
	    step_ns > STEP_NS || step_ns < -STEP_NS)
		run->clock_stepped = true;
}

/* Fields only ever come: what is known of such a record is shown as always. */
static void learn_schema(struct history *h, const Varve__V1__Event *ev)
{
	bool is_later = ev->has_schema_version && ev->schema_version > VARVE_SCHEMA_VERSION;

	if (!is_later && ev->body_case)
		return;
	h->later_cnt++;
	if (is_later)
		h->later_version = MAX(h->later_version, ev->schema_version);
}

void learn_record(struct history *h, struct history_run *run, const Varve__V1__Event *ev,
		  int64_t ns, const struct source_item *item)
{
	struct history_stream *stream = NULL;

	learn_clock(run, ev);
	learn_schema(h, ev);
	widen(&run->first_ns, &run->last_ns, ns);
	widen(&h->first_ns, &h->last_ns, ns);
	if (ev->container && ev->container->id)
		stream = learn_container(h, run, ev, ns, item);
	for (size_t i = 0; i < ARRAY_SIZE(learners); i++)
		if (learners[i].body == ev->body_case)
			learners[i].fn(h, run, stream, ev, ns);
}
