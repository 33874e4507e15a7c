/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/intake.h"
#include "evidence/diag.h"
#include "sensor/conf.h"
#include "sensor/container.h"
#include "sensor/declare.h"
#include "sensor/enrich.h"
#include "sensor/events/fill.h"
#include "sensor/probes.h"
#include "sensor/proctab.h"
#include "sensor/record.h"
#include "sensor/ring.h"
#include "sensor/snapshot.h"
#include "sensor/streams.h"
#include <string.h>

/* Its last events were numbered before its cgroup went; this is for a probe that still stands before the ring. */
#define CLOSE_AFTER_NS	  (100 * NSEC_PER_MSEC)
#define INVALID_TELL_NS	  (60 * NSEC_PER_SEC)

int intake_init(struct intake *in, const struct conf *conf, struct probes *probes, struct emit *emit,
		struct streams *streams, struct proctab *proctab, struct container_table *containers)
{
	*in = (struct intake){.conf = conf,
			      .probes = probes,
			      .emit = emit,
			      .streams = streams,
			      .proctab = proctab,
			      .containers = containers,
			      .record_fd = -1,
			      .gone_size = conf->container_limit};
	in->gone = calloc(in->gone_size, sizeof(*in->gone));
	return in->gone ? 0 : -ENOMEM;
}

void intake_fini(struct intake *in)
{
	free(in->gone);
	if (in->record_fd >= 0)
		close(in->record_fd);
}

static void invalid(struct intake *in, size_t len)
{
	uint64_t now = emit_boot_ns();

	in->invalid_cnt++;
	if (in->invalid_told && now - in->invalid_told < INVALID_TELL_NS)
		return;
	in->invalid_told = now;
	log_warn("a ring record of %zu bytes failed its check (%llu so far): it is declared lost", len,
		 (unsigned long long)in->invalid_cnt);
}

/* The container that a cgroup belongs to; NULL: none, or not known. */
static struct container *container_of(struct intake *in, uint64_t cgroup_id)
{
	uint64_t container = streams_container(in->streams, cgroup_id);

	return container ? container_table_find(in->containers, container) : NULL;
}

static void register_container(struct intake *in, uint64_t cgroup_id, const char *path, const char *bundle)
{
	struct cgroup_identity id;
	struct container *c;
	int err = container_parse_cgroup(path, true, &id);

	if (!err)
		err = container_table_add(in->containers, cgroup_id, path, &id, bundle, emit_boot_ns(), &c);
	if (!err)
		err = streams_bind(in->streams, cgroup_id, cgroup_id);
	if (err)
		log_err(err, "cannot register the container of cgroup %s: its records go out without it", path);
}

static void started(struct intake *in, const struct record *rec)
{
	const struct ev_container_start *ev = (const void *)rec->hdr;
	const char *path = record_bytes(rec, &ev->cgroup_path);
	const char *args = ev->maker_args.off ? record_bytes(rec, &ev->maker_args) : NULL;
	const char *cwd = ev->maker_cwd.path.off ? record_bytes(rec, &ev->maker_cwd.path) : NULL;
	char bundle[4096];
	bool found;

	if (ev->container != rec->hdr->cgroup_id) {
		streams_bind(in->streams, rec->hdr->cgroup_id, ev->container);
		return;
	}
	found = args && !container_bundle_from_args(args, ev->maker_args.len, cwd ? cwd : "", bundle, sizeof(bundle));
	register_container(in, rec->hdr->cgroup_id, path ? path : "", found ? bundle : NULL);
}

static void stopped(struct intake *in, const struct record *rec)
{
	const struct ev_container_stop *ev = (const void *)rec->hdr;
	struct container *c;
	struct intake_gone *g;

	if (ev->container != rec->hdr->cgroup_id)
		return; /* its parent goes on, and settles for it */
	c = container_table_find(in->containers, ev->container);
	if (!c || c->gone_ns)
		return;
	c->gone_ns = rec->hdr->time_ns;
	if (in->gone_cnt == in->gone_size) {
		log_warn("more than %zu containers wait for their account to be closed", in->gone_size);
		return;
	}
	g = &in->gone[(in->gone_head + in->gone_cnt++) % in->gone_size];
	g->cgroup_id = ev->container;
	g->due_ns = rec->hdr->time_ns + CLOSE_AFTER_NS;
}

static int make_event(struct intake *in, const struct record *rec, Varve__V1__Event *ev)
{
	struct arena *arena = &in->emit->arena;
	int err;

	arena_reset(arena);
	err = record_to_event(rec, arena, ev);
	if (!err && ev->process_snapshot && ev->body_case == VARVE__V1__EVENT__BODY_PROCESS_SNAPSHOT)
		err = snapshot_fill_args(rec, arena, ev->process_snapshot);
	return err;
}

void intake_record(const void *data, size_t len, void *ctx)
{
	struct intake *in = ctx;
	struct container *c;
	Varve__V1__Event ev;
	struct record rec;
	bool numbered;
	int err;

	if (in->record_fd >= 0)
		ring_record(in->record_fd, data, len);
	if (record_check(data, len, &rec)) {
		invalid(in, len);
		return;
	}
	numbered = rec.hdr->kind != EV_PROCESS_SNAPSHOT;
	err = make_event(in, &rec, &ev);
	if (err) {
		invalid(in, len);
		if (numbered)
			streams_dropped(in->streams, rec.hdr, STREAMS_CAUSE_INVALID);
		return;
	}
	if (rec.hdr->kind == EV_CONTAINER_START)
		started(in, &rec);
	c = container_of(in, rec.hdr->cgroup_id);
	err = enrich_process(in->proctab, &rec, c, c || in->conf->scope == CONF_SCOPE_ALL,
			     &in->emit->arena, &ev);
	/* The snapshot fills the table with all that runs; only what is in scope is said. */
	if (!numbered && !c && in->conf->scope != CONF_SCOPE_ALL)
		return;
	if (!err)
		err = emit_event(in->emit, &ev, c);
	if (!numbered)
		return;
	if (err)
		streams_dropped(in->streams, rec.hdr, STREAMS_CAUSE_LOG);
	else
		streams_recorded(in->streams, rec.hdr);
	if (rec.hdr->kind == EV_CONTAINER_STOP)
		stopped(in, &rec);
}

/* --- metadata that comes later */

static void resolved(struct container *c, void *ctx)
{
	struct intake *in = ctx;

	declare_binding(in->emit, c);
}

void intake_retry_metadata(struct intake *in, uint64_t now_ns, uint64_t *ret_next_ns)
{
	container_table_retry(in->containers, now_ns, resolved, in, ret_next_ns);
}

/* --- closing accounts */

static int found(const struct streams_finding *f, void *ctx)
{
	struct intake *in = ctx;

	return declare_finding(in->emit, f, f->container ? container_table_find(in->containers, f->container) : NULL);
}

uint64_t intake_close_due(const struct intake *in)
{
	return in->gone_cnt ? in->gone[in->gone_head].due_ns : 0;
}

size_t intake_close_begin(struct intake *in, uint64_t now_ns)
{
	while (in->gone_settling < in->gone_cnt) {
		struct intake_gone *g = &in->gone[(in->gone_head + in->gone_settling) % in->gone_size];

		if (g->due_ns > now_ns)
			break;
		streams_snapshot_container(in->streams, g->cgroup_id, in->probes, now_ns);
		in->gone_settling++;
	}
	return in->gone_settling;
}

static void close_account(struct intake *in, uint64_t cgroup_id)
{
	struct container *c = container_table_find(in->containers, cgroup_id);
	struct streams_sum sums[EV_CLASS_CNT];
	uint64_t next;

	if (c && c->state == CONTAINER_PENDING) {
		c->retry_ns = 1; /* a last look: its files may still be there */
		intake_retry_metadata(in, emit_boot_ns(), &next);
	}
	if (c && c->state == CONTAINER_PENDING) {
		c->state = CONTAINER_UNRESOLVED;
		declare_binding(in->emit, c);
	}
	streams_settle_container(in->streams, cgroup_id, found, in);
	streams_sum(in->streams, cgroup_id, sums);
	if (c)
		declare_account(in->emit, sums, true, c);
	streams_forget(in->streams, cgroup_id, in->probes);
	container_table_remove(in->containers, cgroup_id);
}

void intake_close_finish(struct intake *in)
{
	for (; in->gone_settling; in->gone_settling--, in->gone_cnt--) {
		close_account(in, in->gone[in->gone_head].cgroup_id);
		in->gone_head = (in->gone_head + 1) % in->gone_size;
	}
}

static void final_account(struct container *c, void *ctx)
{
	struct intake *in = ctx;
	struct streams_sum sums[EV_CLASS_CNT];

	streams_sum(in->streams, c->cgroup_id, sums);
	declare_account(in->emit, sums, c->gone_ns != 0, c);
}

void intake_settle(struct intake *in, bool final)
{
	streams_settle(in->streams, final, found, in);
	if (in->probes)
		probes_next_epoch(in->probes);
	if (final)
		container_table_each(in->containers, final_account, in);
}
