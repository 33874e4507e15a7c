/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/declare.h"
#include "evidence/event.h"
#include "sensor/container.h"
#include "sensor/emit.h"
#include "sensor/events/fill.h"
#include "sensor/pods.h"
#include "sensor/run.h"
#include <string.h>

static Varve__V1__Loss *loss_begin(struct emit *e, Varve__V1__Event *ev, const char *cause,
				   uint64_t count)
{
	Varve__V1__Loss *out;

	varve__v1__event__init(ev);
	arena_reset(&e->arena);
	if (NEW_BODY(&e->arena, ev, LOSS, loss, out))
		return NULL;
	out->cause = (char *)cause;
	SET(out, count, count);
	return out;
}

/* Only what is in the log is declared. */
static int counted(int err, uint64_t count, uint64_t *sum)
{
	if (!err)
		*sum += count;
	return err;
}

static int declare_loss(struct emit *e, const struct streams_finding *f, struct container *c)
{
	Varve__V1__Event ev;
	Varve__V1__Loss *out = loss_begin(e, &ev, streams_cause_name(f->cause), f->count);

	if (!out)
		return -ENOMEM;
	out->event_class = (char *)event_class_name(f->ev_class);
	SET(out, first_unix_nano, (int64_t)f->first_ns + e->clock_offset_ns);
	SET(out, last_unix_nano, (int64_t)f->last_ns + e->clock_offset_ns);
	SET(out, cgroup_id, f->cgroup_id);
	return emit_event(e, &ev, c);
}

static int declare_suppression(struct emit *e, const struct streams_finding *f, struct container *c)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Suppression *out;
	int err;

	arena_reset(&e->arena);
	err = NEW_BODY(&e->arena, &ev, SUPPRESSION, suppression, out);
	if (err)
		return err;
	out->event_class = (char *)event_class_name(f->ev_class);
	out->reason = (char *)streams_reason_name(f->reason);
	SET(out, count, f->count);
	SET(out, first_unix_nano, (int64_t)f->first_ns + e->clock_offset_ns);
	SET(out, last_unix_nano, (int64_t)f->last_ns + e->clock_offset_ns);
	SET(out, cgroup_id, f->cgroup_id);
	return emit_event(e, &ev, c);
}

int declare_finding(struct emit *e, const struct streams_finding *f, struct container *c)
{
	int err = f->suppressed ? declare_suppression(e, f, c) : declare_loss(e, f, c);

	if (err)
		return err;
	if (f->suppressed)
		e->tally.suppressed[f->ev_class][f->reason] += f->count;
	else
		e->tally.lost[f->ev_class][f->cause] += f->count;
	return 0;
}

int declare_fill_counts(const struct streams_sum *sums, struct arena *arena, size_t *ret_cnt,
			Varve__V1__ClassCount ***ret_counts)
{
	Varve__V1__ClassCount **list = arena_alloc(arena, EV_CLASS_CNT * sizeof(*list));
	unsigned int c;

	for (c = 0; list && c < EV_CLASS_CNT; c++) {
		list[c] = arena_alloc(arena, sizeof(**list));
		if (!list[c])
			return -ENOMEM;
		varve__v1__class_count__init(list[c]);
		list[c]->event_class = (char *)event_class_name(c);
		SET(list[c], generated, sums[c].generated);
		SET(list[c], recorded, sums[c].recorded);
		SET(list[c], lost, sums[c].lost);
		SET(list[c], suppressed, sums[c].suppressed);
	}
	if (!list)
		return -ENOMEM;
	*ret_cnt = EV_CLASS_CNT;
	*ret_counts = list;
	return 0;
}

int declare_account(struct emit *e, const struct streams_sum sums[EV_CLASS_CNT], bool closed,
		    struct container *c)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Account *out;
	int err;

	arena_reset(&e->arena);
	err = NEW_BODY(&e->arena, &ev, ACCOUNT, account, out);
	if (!err)
		err = declare_fill_counts(sums, &e->arena, &out->n_counts, &out->counts);
	if (err)
		return err;
	SET(out, closed, closed);
	return emit_event(e, &ev, c);
}

int declare_binding(struct emit *e, struct container *c)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Binding *out;
	int err;

	arena_reset(&e->arena);
	err = NEW_BODY(&e->arena, &ev, BINDING, binding, out);
	if (err)
		return err;
	SET(out, pending_records, c->pending_records);
	return emit_event(e, &ev, c);
}

/* The times and numbers of its records. */
static void fill_life(const struct emit *e, const struct pod *p, Varve__V1__PodState *out)
{
	bool goes_on = p->container_cnt;

	if (!p->has_records)
		return;
	SET(out, first_sequence, p->first_sequence);
	SET(out, first_unix_nano, (int64_t)p->first_ns + e->clock_offset_ns);
	SET(out, last_sequence, goes_on ? e->sequence - 1 : p->last_sequence);
	SET(out, last_unix_nano,
	    (int64_t)(goes_on ? emit_boot_ns() : p->last_ns) + e->clock_offset_ns);
	SET(out, ended, !goes_on);
}

int declare_pod_state(struct emit *e, const struct pod *p)
{
	Varve__V1__PodState none = VARVE__V1__POD_STATE__INIT, *api = NULL, *out;
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	int err;

	if (p->api == POD_API_KNOWN && p->state)
		api = varve__v1__pod_state__unpack(NULL, p->state_len, p->state);
	out = api ? api : &none;
	fill_life(e, p, out);
	if (p->deleted)
		SET(out, deleted, 1);
	arena_reset(&e->arena);
	ev.body_case = VARVE__V1__EVENT__BODY_POD_STATE;
	ev.pod_state = out;
	err = emit_set_pod(e, &ev, p);
	if (!err)
		err = emit_event(e, &ev, NULL);
	if (api)
		varve__v1__pod_state__free_unpacked(api, NULL);
	return err;
}

int declare_log_removed(struct emit *e, uint64_t count, const struct run_place *first,
			const struct run_place *next)
{
	Varve__V1__Event ev;
	Varve__V1__Loss *out = loss_begin(e, &ev, "log_limit", count);

	if (!out)
		return -ENOMEM;
	if (first->run_id[0]) {
		out->lost_run_id = (char *)first->run_id;
		SET(out, first_sequence, first->sequence);
		SET(out, first_unix_nano, first->time_unix_nano);
	}
	if (next->run_id[0])
		SET(out, last_unix_nano, next->time_unix_nano);
	if (first->run_id[0] && !strcmp(first->run_id, next->run_id) && next->sequence)
		SET(out, last_sequence, next->sequence - 1);
	return counted(emit_event(e, &ev, NULL), count, &e->tally.log_removed);
}

int declare_not_delivered(struct emit *e, const char *run_id, uint64_t sequence,
			  int64_t time_unix_nano)
{
	Varve__V1__Event ev;
	Varve__V1__Loss *out = loss_begin(e, &ev, "not_delivered", 1);

	if (!out)
		return -ENOMEM;
	out->lost_run_id = (char *)run_id;
	SET(out, first_sequence, sequence);
	SET(out, last_sequence, sequence);
	SET(out, first_unix_nano, time_unix_nano);
	SET(out, last_unix_nano, time_unix_nano);
	return counted(emit_event(e, &ev, NULL), 1, &e->tally.not_delivered);
}

int declare_not_run(struct emit *e, uint64_t count)
{
	Varve__V1__Event ev;
	Varve__V1__Loss *out = loss_begin(e, &ev, "not_run", count);

	return out ? counted(emit_event(e, &ev, NULL), count, &e->tally.not_run) : -ENOMEM;
}
