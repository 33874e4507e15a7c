/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/intake.h"
#include "evidence/diag.h"
#include "evidence/log.h"
#include "sensor/births.h"
#include "sensor/canary.h"
#include "sensor/conf.h"
#include "sensor/container.h"
#include "sensor/declare.h"
#include "sensor/dns_fill.h"
#include "sensor/dns_stream.h"
#include "sensor/enrich.h"
#include "sensor/events/fill.h"
#include "sensor/existing.h"
#include "sensor/flows.h"
#include "sensor/hash.h"
#include "sensor/pods.h"
#include "sensor/probes.h"
#include "sensor/proctab.h"
#include "sensor/record.h"
#include "sensor/ring.h"
#include "sensor/snapshot.h"
#include "sensor/streams.h"
#include "sensor/taken.h"
#include <string.h>

/* Its last events were numbered before its cgroup went; this is for a probe that still stands
 * before the ring. */
#define CLOSE_AFTER_NS (100 * NSEC_PER_MSEC)
#define CLOSE_AGAIN_NS NSEC_PER_SEC
#define FULL_TOLD_NS (300 * NSEC_PER_SEC)
/* As long again for hashes that are asked for. */
#define CLOSE_HASH_NS (3 * NSEC_PER_SEC)
#define TELL_NS	      (60 * NSEC_PER_SEC)

int intake_init(struct intake *in, const struct conf *conf, struct probes *probes,
		struct emit *emit, struct streams *streams, struct proctab *proctab,
		struct container_table *containers, struct pods *pods)
{
	*in = (struct intake){.conf = conf,
			      .probes = probes,
			      .emit = emit,
			      .streams = streams,
			      .proctab = proctab,
			      .containers = containers,
			      .pods = pods,
			      .record_fd = -1,
			      .gone_size = conf->container_limit};
	in->gone = calloc(in->gone_size, sizeof(*in->gone));
	return in->gone ? dns_streams_new(DNS_STREAM_LIMIT, DNS_STREAM_BYTES, &in->dns) : -ENOMEM;
}

void intake_fini(struct intake *in)
{
	free(in->gone);
	dns_streams_free(in->dns);
	if (in->record_fd >= 0)
		close(in->record_fd);
}

/* True once a minute for each *told_ns. */
static bool tell(uint64_t *told_ns)
{
	uint64_t now = emit_boot_ns();

	if (*told_ns && now - *told_ns < TELL_NS)
		return false;
	*told_ns = now;
	return true;
}

static void invalid(struct intake *in, size_t len)
{
	in->invalid_cnt++;
	if (!tell(&in->invalid_told))
		return;
	log_warn("a ring record of %zu bytes failed its check (%llu so far): it is declared lost",
		 len, (unsigned long long)in->invalid_cnt);
}

/*
 * The container that a cgroup belongs to; NULL: none, or not known. One whose start was lost is
 * looked for when its first record comes.
 */
static struct container *container_of(struct intake *in, uint64_t cgroup_id)
{
	uint64_t container = streams_container(in->streams, cgroup_id);

	if (!container && in->mount && !streams_knows(in->streams, cgroup_id)) {
		existing_unseen(in, in->mount, cgroup_id);
		container = streams_container(in->streams, cgroup_id);
	}
	return container ? container_table_find(in->containers, container) : NULL;
}

void intake_register(struct intake *in, uint64_t cgroup_id, const char *path, const char *bundle)
{
	struct cgroup_identity id;
	struct container *c;
	int err = container_parse_cgroup(path, true, &id);

	if (!err)
		err = container_table_add(in->containers, cgroup_id, path, &id, bundle,
					  emit_boot_ns(), &c);
	if (!err)
		err = streams_bind(in->streams, cgroup_id, cgroup_id);
	if (!err)
		streams_note_path(in->streams, cgroup_id, path);
	if (!err && c->state == CONTAINER_PENDING &&
	    (!in->metadata_due_ns || c->retry_ns < in->metadata_due_ns))
		in->metadata_due_ns = c->retry_ns;
	in->unregistered_cnt += !!err;
	if (err && tell(&in->unregistered_told))
		log_err(err,
			"cannot register the container of cgroup %s: its records go out without it",
			path);
}

static void started(struct intake *in, const struct record *rec)
{
	const struct ev_container_start *ev = (const void *)rec->hdr;
	const char *path = record_bytes(rec, &ev->cgroup_path);
	char bundle[4096];
	bool found;

	if (ev->container != rec->hdr->cgroup_id) {
		streams_bind(in->streams, rec->hdr->cgroup_id, ev->container);
		return;
	}
	found = !births_bundle(rec, bundle, sizeof(bundle));
	intake_register(in, rec->hdr->cgroup_id, path ? path : "", found ? bundle : NULL);
	hash_container(in->hash, rec->hdr->cgroup_id, found ? bundle : NULL);
}

/* Its account is closed a moment later. False: too many wait already; the sweep comes back to it.
 */
static bool await_close(struct intake *in, uint64_t cgroup_id, uint64_t container, uint64_t now_ns)
{
	struct intake_gone *g;

	if (in->gone_cnt == in->gone_size)
		return false;
	g = &in->gone[(in->gone_head + in->gone_cnt++) % in->gone_size];
	g->cgroup_id = cgroup_id;
	g->container = container;
	g->due_ns = now_ns + CLOSE_AFTER_NS;
	return true;
}

static bool is_going(const struct intake *in, uint64_t cgroup_id)
{
	size_t i;

	for (i = 0; i < in->gone_cnt; i++)
		if (in->gone[(in->gone_head + i) % in->gone_size].cgroup_id == cgroup_id)
			return true;
	return false;
}

struct elsewhere {
	const struct intake *in;
	uint64_t container;
	bool found;
};

static void look_elsewhere(uint64_t cgroup_id, uint64_t container, void *ctx)
{
	struct elsewhere *e = ctx;

	if (container == e->container && !e->found)
		e->found = !is_going(e->in, cgroup_id);
}

/*
 * True if processes of the container, whose own cgroup has gone, may still run: they have left it,
 * or made a cgroup elsewhere in the hierarchy, which is the container's.
 */
static bool lives_elsewhere(const struct intake *in, uint64_t container)
{
	struct elsewhere e = {.in = in, .container = container};

	if (!in->probes)
		return false;
	streams_each_other(in->streams, look_elsewhere, &e);
	return e.found || probes_has_escapees(in->probes, container);
}

void intake_gone(struct intake *in, uint64_t cgroup_id, uint64_t container, uint64_t now_ns)
{
	struct container *c = container_table_find(in->containers, container);

	/* The sweep comes back to it. */
	if (c && cgroup_id == container && !c->gone_ns && lives_elsewhere(in, container))
		return;
	if (cgroup_id != container || !c) {
		await_close(in, cgroup_id, container, now_ns);
		return;
	}
	if (!c->gone_ns && await_close(in, cgroup_id, container, now_ns))
		c->gone_ns = now_ns;
}

static int make_event(struct intake *in, const struct record *rec, Varve__V1__Event *ev)
{
	struct arena *arena = &in->emit->arena;
	int err;

	arena_reset(arena);
	err = record_to_event(rec, arena, ev);
	if (!err && ev->body_case == VARVE__V1__EVENT__BODY_PROCESS_SNAPSHOT)
		err = snapshot_fill_args(rec, arena, ev->process_snapshot);
	if (!err && ev->body_case == VARVE__V1__EVENT__BODY_DNS)
		err = dns_fill_segment(in->dns, rec, arena, ev->dns);
	return err;
}

/* The kernel side is asked once, when the first record of one of its processes is here. */
static struct enrich_container enrich_container(struct intake *in, struct container *c,
						const struct record *rec)
{
	if (!c)
		return (struct enrich_container){};
	if (!c->first_asked && in->probes && rec->hdr->kind != EV_CONTAINER_START) {
		c->first_asked = true;
		probes_first_process(in->probes, c->cgroup_id, &c->first_pid, &c->first_start_ns);
	}
	return (struct enrich_container){c->cgroup_id, c->first_pid, c->first_start_ns};
}

/* Makes, enriches and emits the event of a checked record. -EBADMSG: it is malformed; else what the
 * log says. */
static int take(struct intake *in, const struct record *rec)
{
	bool all = in->conf->scope == CONF_SCOPE_ALL;
	struct enrich_container of;
	struct container *c;
	Varve__V1__Event ev;
	int err = make_event(in, rec, &ev);

	if (!err) {
		if (rec->hdr->kind == EV_CONTAINER_START)
			started(in, rec);
		c = container_of(in, rec->hdr->cgroup_id);
		of = enrich_container(in, c, rec);
		err = enrich_process(in->proctab, rec, &of, c || all, &in->emit->arena, &ev);
	}
	if (err) {
		invalid(in, rec->len);
		return -EBADMSG;
	}
	/* The snapshot fills the table with all that runs; only what is in scope is said. */
	if (rec->hdr->kind == EV_PROCESS_SNAPSHOT && !c && !all)
		return 0;
	if (c)
		pods_attach(in->pods, c, in->emit->sequence, ev.boot_time_nano);
	err = emit_event(in->emit, &ev, c);
	/* Else the sweep says that it is there. */
	if (c && rec->hdr->kind == EV_CONTAINER_START && rec->hdr->cgroup_id == c->cgroup_id)
		c->start_told = !err;
	if (!err)
		/* A record of a socket may be of nobody who is known. */
		hash_record(in->hash, rec, c ? c->cgroup_id : 0,
			    ev.process ? ev.process->process_uid : NULL);
	return err;
}

static void book(struct intake *in, const struct ev_hdr *hdr, int err)
{
	if (!err)
		streams_recorded(in->streams, hdr);
	else
		streams_dropped(in->streams, hdr,
				err == -EBADMSG	      ? STREAMS_CAUSE_INVALID
				: err == ROOM_REFUSED ? STREAMS_CAUSE_LOG_FULL
						      : STREAMS_CAUSE_LOG);
}

static bool is_taken(const struct intake *in, const struct ev_hdr *hdr)
{
	struct taken_number number = {hdr->cgroup_id, hdr->number, hdr->cpu, streams_class_of(hdr)};

	return hdr->kind != EV_PROCESS_SNAPSHOT && taken_has(in->taken, &number);
}

void intake_record(const void *data, size_t len, void *ctx)
{
	struct intake *in = ctx;
	struct record rec;
	int err;

	if (in->record_fd >= 0)
		ring_record(in->record_fd, data, len);
	if (canary_take(in->canary, data, len, emit_boot_ns()))
		return;
	if (record_check(data, len, &rec)) {
		invalid(in, len);
		return;
	}
	if (in->taken && is_taken(in, rec.hdr))
		return;
	err = take(in, &rec);
	if (rec.hdr->kind != EV_PROCESS_SNAPSHOT)
		book(in, rec.hdr, err);
	if (rec.hdr->kind == EV_CONTAINER_STOP)
		intake_gone(in, rec.hdr->cgroup_id,
			    ((const struct ev_container_stop *)rec.hdr)->container,
			    rec.hdr->time_ns);
}

/* --- metadata that comes later */

static void resolved(struct container *c, void *ctx)
{
	struct intake *in = ctx;

	pods_attach(in->pods, c, in->emit->sequence, emit_boot_ns());
	declare_binding(in->emit, c);
}

void intake_retry_metadata(struct intake *in, uint64_t now_ns)
{
	if (in->metadata_due_ns && now_ns >= in->metadata_due_ns)
		container_table_retry(in->containers, now_ns, resolved, in, &in->metadata_due_ns);
}

/* --- pods */

static void rebind(struct container *c, void *ctx)
{
	struct intake *in = ctx;

	if (c->pod && c->pod->rebind && declare_binding(in->emit, c))
		in->binding_failed = true;
}

void intake_tell_pods(struct intake *in)
{
	if (!pods_are_due(in->pods))
		return;
	in->binding_failed = false;
	container_table_each(in->containers, rebind, in);
	/* Again next time, then, rather than never. */
	if (!in->binding_failed)
		pods_flush(in->pods, in->emit);
}

/* --- closing accounts */

static int found(const struct streams_finding *f, void *ctx)
{
	struct intake *in = ctx;
	int err = -EAGAIN;

	if (!in->is_sparing)
		err = declare_finding(in->emit, f,
				      f->container ? container_table_find(in->containers, f->container)
						   : NULL);
	in->undeclared |= !!err;
	return err;
}

size_t intake_close_begin(struct intake *in, uint64_t now_ns)
{
	while (in->gone_settling < in->gone_cnt) {
		struct intake_gone *g =
			&in->gone[(in->gone_head + in->gone_settling) % in->gone_size];

		if (g->due_ns > now_ns ||
		    (g->due_ns + CLOSE_HASH_NS > now_ns && hash_is_pending(in->hash, g->container)))
			break;
		if (in->probes)
			flows_end_cgroup(in->probes, g->cgroup_id);
		if (g->cgroup_id == g->container)
			streams_snapshot_container(in->streams, g->container, in->probes, now_ns);
		else
			streams_snapshot_cgroup(in->streams, g->cgroup_id, in->probes, now_ns);
		in->gone_settling++;
	}
	return in->gone_settling;
}

/* Nobody will know more: what is pending stays so for good. */
static void give_up_metadata(struct intake *in, struct container *c)
{
	if (c->state != CONTAINER_PENDING)
		return;
	c->state = CONTAINER_UNRESOLVED;
	declare_binding(in->emit, c);
}

/* False: the log did not take all that is to be said. What it did not is found again. */
static bool close_account(struct intake *in, uint64_t cgroup_id)
{
	struct container *c = container_table_find(in->containers, cgroup_id);
	struct streams_sum sums[EV_CLASS_CNT];

	if (c && c->state == CONTAINER_PENDING) {
		/* A last look: its files may still be there. */
		c->retry_ns = in->metadata_due_ns = 1;
		intake_retry_metadata(in, emit_boot_ns());
		give_up_metadata(in, c);
	}
	hash_container_gone(in->hash, cgroup_id);
	in->undeclared = false;
	streams_settle_container(in->streams, cgroup_id, found, in);
	streams_sum(in->streams, cgroup_id, sums);
	if (in->undeclared)
		return false;
	if (c && !c->account_told && declare_account(in->emit, sums, true, c))
		return false;
	if (c)
		c->account_told = true;
	/* Of a sensor that is killed all that the next one has is the log and what the kernel knows. */
	if (log_flush(in->emit->log))
		return false;
	/* Of those whose exit was lost or left out, nobody else will say that they ended. */
	if (sums[EV_CLASS_process].lost || sums[EV_CLASS_process].suppressed)
		proctab_end_container(in->proctab, cgroup_id, emit_boot_ns());
	streams_forget(in->streams, cgroup_id, in->probes);
	if (c)
		pods_detach(in->pods, c, in->emit->sequence, emit_boot_ns());
	container_table_remove(in->containers, cgroup_id);
	return true;
}

static bool close_nested(struct intake *in, uint64_t cgroup_id)
{
	in->undeclared = false;
	streams_settle_cgroup(in->streams, cgroup_id, found, in);
	if (in->undeclared || log_flush(in->emit->log))
		return false;
	streams_forget_cgroup(in->streams, cgroup_id, in->probes);
	return true;
}

void intake_close_finish(struct intake *in)
{
	for (; in->gone_settling; in->gone_settling--, in->gone_cnt--) {
		struct intake_gone *g = &in->gone[in->gone_head];

		/* A record that is not in the log must be, before its numbers are forgotten. */
		if (!(g->cgroup_id == g->container ? close_account(in, g->container)
						   : close_nested(in, g->cgroup_id))) {
			g->due_ns = emit_boot_ns() + CLOSE_AGAIN_NS;
			in->gone_settling = 0;
			return;
		}
		in->gone_head = (in->gone_head + 1) % in->gone_size;
	}
}

static void final_account(struct container *c, void *ctx)
{
	struct intake *in = ctx;
	struct streams_sum sums[EV_CLASS_CNT];

	give_up_metadata(in, c);
	rebind(c, in);
	streams_sum(in->streams, c->cgroup_id, sums);
	declare_account(in->emit, sums, c->gone_ns != 0, c);
}

/*
 * While the log refuses events each settling finds new losses, of each container; told each time
 * they would use up in minutes what is kept for them. They add up until then.
 */
static bool is_to_spare(struct intake *in, enum intake_settle how)
{
	uint64_t now = emit_boot_ns();

	if (how != SETTLE_NOW || room_state(&in->emit->room, in->emit->log) == ROOM_FOR_ALL)
		return false;
	if (in->full_told_ns && now - in->full_told_ns < FULL_TOLD_NS)
		return true;
	in->full_told_ns = now;
	return false;
}

void intake_settle(struct intake *in, enum intake_settle how)
{
	in->is_sparing = is_to_spare(in, how);
	streams_settle(in->streams, how == SETTLE_END, found, in);
	in->is_sparing = false;
	if (in->probes)
		probes_next_epoch(in->probes);
	if (how == SETTLE_NOW)
		return;
	if (how == SETTLE_HAND_OVER)
		streams_hand_over(in->streams);
	pods_give_up(in->pods, UINT64_MAX);
	container_table_each(in->containers, final_account, in);
	pods_finish(in->pods, in->emit);
}
