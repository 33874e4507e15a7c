/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two passes. Every record counts once: (run, sequence) is its name, and a producer that
 * retries, or a log shipped twice, may bring it again. Which record says what is in learn.c.
 */
#include "responder/history.h"
#include "evidence/base.h"
#include "evidence/decoder.h"
#include "evidence/diag.h"
#include "evidence/peek.h"
#include "responder/learn.h"
#include "responder/order.h"
#include "responder/memory.h"
#include "responder/source.h"
#include <string.h>

#define HOLES_MAX 100000

#define NO_HOLE SIZE_MAX

/* Where the reading is in one partition: its last record, and the holes behind it. */
struct place {
	unsigned int partition;
	struct history_run *run; /* NULL: no record yet */
	uint64_t sequence;
	int64_t ns;
	size_t open_hole; /* no hole before this one is open */
	size_t last_hole; /* of this partition, behind its last record; NO_HOLE */
	uint64_t segment;
	bool has_segment;
};

struct places {
	struct place *v;
	size_t cnt;
};

static struct place *enter_partition(struct places *p, unsigned int partition)
{
	if (partition >= p->cnt) {
		p->v = reallocarray(p->v, partition + 1, sizeof(*p->v));
		if (!p->v)
			memory_exhausted();
		for (; p->cnt <= partition; p->cnt++)
			p->v[p->cnt] = (struct place){.partition = p->cnt, .last_hole = NO_HOLE};
	}
	return &p->v[partition];
}

static struct history_hole *add_hole(struct history *h, struct place *at)
{
	if (h->hole_cnt >= HOLES_MAX) {
		h->holes_left_out++;
		return NULL;
	}
	h->holes = memory_grow(h->holes, h->hole_cnt, &h->hole_cap, sizeof(*h->holes));
	struct history_hole *hole = &h->holes[h->hole_cnt++];

	*hole = (struct history_hole){
		.before = at->run,
		.before_sequence = at->sequence,
		.before_ns = at->run ? at->ns : HISTORY_NEVER,
		.after_ns = HISTORY_NEVER,
		.partition = at->partition,
	};
	if (at->last_hole == NO_HOLE)
		at->open_hole = h->hole_cnt - 1;
	at->last_hole = h->hole_cnt - 1;
	return hole;
}

static void add_damage(struct history *h, struct place *at, const struct source_item *item)
{
	struct history_hole *hole = add_hole(h, at);

	h->damage_cnt++;
	if (!hole)
		return;
	hole->where = memory_strdup(item->where);
	hole->at_tail = item->at_tail;
}

static void add_undecodable(struct history *h, struct place *at)
{
	h->undecodable_cnt++;
	if (at->last_hole != NO_HOLE && h->holes[at->last_hole].payload_cnt) {
		h->holes[at->last_hole].payload_cnt++;
		return;
	}
	struct history_hole *hole = add_hole(h, at);

	if (hole)
		hole->payload_cnt = 1;
}

/* A record came: what was open behind the one before it lies between the two. */
static void close_holes(struct history *h, struct place *at)
{
	for (size_t i = at->open_hole; at->last_hole != NO_HOLE && i <= at->last_hole; i++) {
		struct history_hole *hole = &h->holes[i];

		if (hole->partition != at->partition)
			continue;
		hole->after = at->run;
		hole->after_sequence = at->sequence;
		hole->after_ns = at->ns;
	}
	at->last_hole = NO_HOLE;
}

/* The schema keeps 64-bit values below 2^63; more is not ours, and would overflow a range. */
static bool is_in_range(const Varve__V1__Event *ev)
{
	return !(ev->sequence >> 63 || ev->stream_sequence >> 63);
}

static const Varve__V1__Event *decode(const struct history *h, const struct source_item *item)
{
	const Varve__V1__Event *ev = decoder_event(h->decoder, item->payload, item->len);

	return ev && is_in_range(ev) ? ev : NULL;
}

/*
 * Records were left out between the last one and this one: each has a number. What they do not
 * account for stays a gap; so does what comes before the first record of a run.
 */
static void pass_over(struct history *h, const struct place *at, const struct history_run *run,
		      const Varve__V1__Event *ev, uint64_t skipped)
{
	uint64_t cnt = skipped;

	h->skipped_cnt += skipped;
	if (!skipped || !at->run)
		return;
	if (at->run == run && ev->sequence > at->sequence)
		cnt = MIN(cnt, ev->sequence - at->sequence - 1);
	else if (ev->sequence)
		return;
	ranges_lengthen(&at->run->sequences, at->sequence + cnt, at->ns);
}

static void add_segment(struct history *h, struct place *at, uint64_t id, int64_t ns)
{
	if (at->has_segment && at->segment == id)
		return;
	at->segment = id;
	at->has_segment = true;
	h->segments =
		memory_grow(h->segments, h->segment_cnt, &h->segment_cap, sizeof(*h->segments));
	h->segments[h->segment_cnt++] =
		(struct history_segment){.partition = at->partition, .id = id, .first_ns = ns};
}

/* Who else looks at the records; fn NULL: nobody. */
struct looking {
	history_each_fn fn;
	void *ctx;
};

/*
 * Another pod's record is not in the bundle; it is not missing. It may be in another bundle: then
 * it was not there yet.
 */
static void add_leaf(struct history *h, const struct place *at)
{
	int added = at->run ? ranges_add(&at->run->sequences, at->sequence, at->ns) : 1;

	if (added > 0 && at->run)
		added = ranges_add(&at->run->hidden, at->sequence, at->ns);
	h->leaf_cnt += added > 0;
	if (added < 0)
		at->run->broken = true;
}

/* As ranges_add(). */
static int add_number(struct history *h, struct history_run *run, uint64_t sequence, int64_t ns)
{
	int added = ranges_add(&run->sequences, sequence, ns);

	if (added || !ranges_has(&run->hidden, sequence))
		return added;
	added = ranges_add(&run->shown, sequence, ns);
	h->leaf_cnt -= added > 0;
	return added;
}

static void add_record(struct history *h, struct place *at, const struct source_item *item,
		       const Varve__V1__Event *ev, const struct looking *also)
{
	struct history_run *run = learn_run(h, ev);
	int64_t ns = history_time(run, ev);

	pass_over(h, at, run, ev, item->skipped);
	add_segment(h, at, item->segment, ns);
	int added = add_number(h, run, ev->sequence, ns);

	at->run = run;
	at->sequence = ev->sequence;
	at->ns = ns;
	close_holes(h, at);
	if (added == 0) {
		h->duplicate_cnt++;
		return;
	}
	if (added < 0)
		run->broken = true;
	h->record_cnt++;
	learn_record(h, run, ev, ns, item);
	if (also->fn)
		also->fn(learn_find_container(h, ev), ns, ev, also->ctx);
}

static void add_item(struct history *h, struct places *places, const struct source_item *item,
		     const struct looking *also)
{
	struct place *at = enter_partition(places, item->partition);

	if (item->what == SOURCE_LEAF) {
		at->sequence++;
		add_leaf(h, at);
		return;
	}
	if (item->what == SOURCE_DAMAGE) {
		add_damage(h, at, item);
		return;
	}
	const Varve__V1__Event *ev = decode(h, item);

	if (ev)
		add_record(h, at, item, ev, also);
	else
		add_undecodable(h, at);
}

char *history_later_text(const struct history *h)
{
	_cleanup_free_ char *version = NULL;

	if (!h->later_cnt)
		return NULL;
	if (h->later_version)
		version = memory_printf(" (version %u, this is %d)", h->later_version,
					VARVE_SCHEMA_VERSION);
	return memory_printf(
		"%llu records are of a later schema%s: what this varve does not know of "
		"them it does not show",
		(unsigned long long)h->later_cnt, version ? version : "");
}

void history_tell_damage(const struct history *h)
{
	_cleanup_free_ char *later = history_later_text(h);

	if (later)
		log_warn("%s", later);
	for (size_t i = 0; i < h->hole_cnt && i < 20; i++) {
		const struct history_hole *hole = &h->holes[i];
		_cleanup_free_ char *before = NULL, *after = NULL, *what = NULL;

		before = hole->before ? memory_printf("record %llu of run %s",
						      (unsigned long long)hole->before_sequence,
						      hole->before->id)
				      : memory_strdup("the beginning");
		after = hole->after ? memory_printf("record %llu of run %s",
						    (unsigned long long)hole->after_sequence,
						    hole->after->id)
				    : memory_strdup("the end");
		what = hole->payload_cnt ? memory_printf("%llu payloads are no records",
							 (unsigned long long)hole->payload_cnt)
					 : memory_printf("cannot be read: %s", hole->where);
		log_warn("%s, between %s and %s%s", what, before, after,
			 hole->at_tail ? " (nothing readable behind it)" : "");
	}
	if (h->hole_cnt > 20)
		log_warn("%zu more places that cannot be read", h->hole_cnt - 20);
}

static int read_all(struct source *src, const struct history_window *window,
		    const struct looking *also, struct history **ret_history)
{
	struct history *h = memory_zalloc(sizeof(*h));
	struct places places = {};
	struct source_item item;
	int err;

	if (decoder_new(&h->decoder))
		memory_exhausted();
	h->window = *window;
	h->first_ns = h->last_ns = HISTORY_NEVER;
	for (unsigned int i = 0; i < HISTORY_CLASS_MAX - 1 && event_class_name(i); i++)
		h->classes[i] = event_class_name(i);
	src->with_leaves = 1;
	while (!(err = source_next(src, &item)) && item.what != SOURCE_END)
		add_item(h, &places, &item, also);
	free(places.v);
	if (err < 0) {
		history_free(h);
		return err;
	}
	h->skipped_cnt += item.skipped;
	order_by_time(h);
	*ret_history = h;
	return 0;
}

int history_read(struct source *src, const struct history_window *window,
		 struct history **ret_history)
{
	return read_all(src, window, &(struct looking){}, ret_history);
}

int history_load_each(struct source *src, const struct history_window *window, history_each_fn fn,
		      void *ctx, struct history **ret_history)
{
	int err = read_all(src, window, &(struct looking){fn, ctx}, ret_history);

	if (!err)
		history_tell_damage(*ret_history);
	return err;
}

int history_load(struct source *src, const struct history_window *window,
		 struct history **ret_history)
{
	return history_load_each(src, window, NULL, NULL, ret_history);
}

/* True: it is of a container that nobody asked for, which can be said without decoding it. */
static bool is_passed_over(const struct history *h, const struct source_item *item)
{
	char key[512];
	struct peek p;

	if (h->everything || !event_peek(item->payload, item->len, &p))
		return false;
	if (!p.container_id.at || !p.node_name.at)
		return true;
	if (p.container_id.len + p.node_name.len + 2 > sizeof(key))
		return false;
	sprintf(key, "%.*s\n%.*s", (int)p.node_name.len, p.node_name.at, (int)p.container_id.len,
		p.container_id.at);
	const struct history_container *c = strmap_find(&h->container_ids, key);

	return !c || !c->selected;
}

static bool was_there(const struct history_run *run, uint64_t sequence)
{
	return ranges_has(&run->sequences, sequence) &&
	       (!ranges_has(&run->hidden, sequence) || ranges_has(&run->shown, sequence));
}

/* True if the record is wanted and was not given before. */
static bool is_wanted(struct history *h, const Varve__V1__Event *ev,
		      const struct history_container **ret_container)
{
	struct history_run *run = history_find_run(h, ev->run_id);
	const struct history_container *container = learn_find_container(h, ev);

	if (!run || !was_there(run, ev->sequence))
		return false;
	if (!h->everything && (!container || !container->selected))
		return false;
	int64_t ns = history_time(run, ev);

	if (ns < h->window.since_ns || ns > h->window.until_ns ||
	    ranges_add(&run->again, ev->sequence, ns) == 0)
		return false;
	*ret_container = container;
	return true;
}

void history_stream_begin(struct history *h)
{
	for (struct history_run *run = h->runs; run; run = run->next)
		run->again.cnt = 0;
}

int history_stream_give(struct history *h, const Varve__V1__Event *ev, history_record_fn fn,
			void *ctx, uint64_t *cnt)
{
	const struct history_container *container;

	if (!is_in_range(ev) || !is_wanted(h, ev, &container))
		return 0;
	(*cnt)++;
	return fn(container, ev, ctx);
}

int history_stream(struct history *h, struct source *src, history_record_fn fn, void *ctx,
		   uint64_t *ret_cnt)
{
	struct source_item item;
	uint64_t cnt = 0;
	int err = source_rewind(src);

	history_stream_begin(h);
	while (!err && !(err = source_next(src, &item)) && item.what != SOURCE_END) {
		const Varve__V1__Event *ev =
			item.what == SOURCE_RECORD && !is_passed_over(h, &item) ? decode(h, &item)
										: NULL;

		if (ev)
			err = history_stream_give(h, ev, fn, ctx, &cnt);
	}
	if (!err)
		*ret_cnt = cnt;
	return err;
}

int64_t history_time(const struct history_run *run, const Varve__V1__Event *ev)
{
	if (ev->has_time_unix_nano)
		return ev->time_unix_nano;
	return run->last_ns == HISTORY_NEVER ? 0 : run->last_ns;
}

const struct history_stream *history_find_stream(const struct history *h,
						 const struct history_container *container,
						 const Varve__V1__Event *ev)
{
	const struct history_run *run = history_find_run(h, ev->run_id);
	const struct history_stream *found = NULL;

	/* A plain name can have several lives in a run; the last that has begun is the one. */
	for (const struct history_stream *s = container ? container->streams : NULL; s; s = s->next)
		if (s->run == run && (!found || s->first <= ev->sequence))
			found = s;
	return found;
}

struct history_run *history_find_run(const struct history *h, const char *id)
{
	return strmap_find(&h->run_ids, id);
}

const struct history_run *history_next_run(const struct history_run *run)
{
	return run->successor ? run->successor : run->later;
}

/* By boot time, if it is there: the wall clock may have been set in between. */
static bool is_watched_from(const struct history_run *run, const struct history_stream *s)
{
	if (s->start_boot_ns && run->watched_since_boot_ns)
		return s->start_boot_ns >= run->watched_since_boot_ns;
	return run->watched_since_ns == HISTORY_NEVER || s->start_ns >= run->watched_since_ns;
}

bool history_start_seen(const struct history_stream *s)
{
	return s->started && !s->from_snapshot &&
	       (s->run->takes_over || is_watched_from(s->run, s));
}

static void free_run(struct history_run *run)
{
	for (size_t i = 0; i < run->coverage_cnt; i++)
		free(run->coverages[i].unhooked);
	free(run->blinds);
	free(run->coverages);
	ranges_fini(&run->sequences);
	ranges_fini(&run->hidden);
	ranges_fini(&run->shown);
	ranges_fini(&run->again);
	free(run->id);
	free(run->node);
	free(run->previous_id);
	free(run->end_reason);
	free(run->sensor_version);
	free(run->kernel_release);
	free(run);
}

static void free_identity(struct history_identity *id)
{
	char *strings[] = {id->runtime,	   id->name,	   id->image,	      id->state,
			   id->pod_uid,	   id->pod_name,   id->pod_namespace, id->api_state,
			   id->owner_kind, id->owner_name, id->workload_kind, id->workload_name};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
}

static void free_container(struct history_container *c)
{
	free(c->id);
	free(c->node);
	free(c->cgroup_path);
	free_identity(&c->who);
	for (struct history_stream *s = c->streams, *next; s; s = next) {
		next = s->next;
		ranges_fini(&s->sequences);
		free_identity(&s->who);
		free(s);
	}
	free(c);
}

static void free_losses(struct history_loss *losses, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		free(losses[i].cause);
		free(losses[i].lost_run_id);
	}
	free(losses);
}

void history_free(struct history *h)
{
	if (!h)
		return;
	for (struct history_run *run = h->runs, *next; run; run = next) {
		next = run->next;
		free_run(run);
	}
	for (struct history_container *c = h->containers, *next; c; c = next) {
		next = c->next;
		free_container(c);
	}
	for (struct history_pod *p = h->pods, *next; p; p = next) {
		next = p->next;
		varve__v1__event__free_unpacked(p->last, NULL);
		free(p);
	}
	free(h->segments);
	strmap_fini(&h->pod_uids);
	free_losses(h->losses, h->loss_cnt);
	free_losses(h->suppressions, h->suppression_cnt);
	for (size_t i = 0; i < h->hole_cnt; i++)
		free(h->holes[i].where);
	free(h->holes);
	for (size_t i = 0; i < h->nameless_cnt; i++)
		free(h->nameless[i].cgroup_path);
	free(h->nameless);
	strmap_fini(&h->run_ids);
	strmap_fini(&h->container_ids);
	decoder_free(h->decoder);
	free(h);
}
