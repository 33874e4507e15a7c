/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/observe.h"

#include "evidence/base.h"
#include "evidence/event.h"
#include "evidence/log.h"
#include "sensor/conf.h"
#include "sensor/emit.h"
#include "sensor/probes.h"
#include "sensor/ring.h"
#include "sensor/run.h"
#include "sensor/sealing.h"
#include "sensor/seen.h"
#include "sensor/serve.h"
#include "sensor/ship.h"
#include "sensor/ship_producer.h"

#include <string.h>
#include <sys/utsname.h>
#include <time.h>

static uint64_t unix_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

int observe_open(struct observe *o, const struct conf *conf)
{
	struct utsname uts;

	*o = (struct observe){};
	board_init(&o->board, emit_boot_ns());
	*o->metrics.up_since = unix_ns();
	if (!uname(&uts))
		snprintf(o->metrics.kernel_release, sizeof(o->metrics.kernel_release), "%s",
			 uts.release);
	o->board.metrics = o->metrics; /* what is known before the first second */
	return strcmp(conf->listen, "off") ? serve_open(conf->listen, &o->board, &o->serve) : 0;
}

void observe_close(struct observe *o)
{
	serve_close(o->serve);
	o->serve = NULL;
	board_fini(&o->board);
}

static void fill_hooks(const struct probes *probes, struct metrics *m)
{
	size_t cnt;
	const struct probes_hook *hooks = probes_hooks(probes, &cnt);

	*m->hooks_attached = *m->hooks_missing = *m->kinds_partly = *m->kinds_unseen = 0;
	for (size_t i = 0; i < cnt; i++) {
		*m->hooks_attached += hooks[i].attached;
		*m->hooks_missing += !hooks[i].attached && !hooks[i].served_by;
	}
	for (unsigned int kind = 0; kind < EV_KIND_END; kind++) {
		enum seen seen = event_kind_label(kind) ? seen_kind(hooks, cnt, kind) : SEEN_WHOLLY;

		*m->kinds_unseen += seen == SEEN_NOT;
		*m->kinds_partly += seen == SEEN_PARTLY;
	}
}

static void fill_events(const struct observe_sources *from, struct metrics *m)
{
	const struct tally *tally = &from->emit->tally;

	for (unsigned int c = 0; c < EV_CLASS_CNT; c++) {
		m->generated[c] = from->state->sums[c].generated;
		m->recorded[c] = from->state->sums[c].recorded;
		m->lost[c] = from->state->sums[c].lost;
		m->suppressed[c] = from->state->sums[c].suppressed;
	}
	_Static_assert(sizeof(m->lost_by) == sizeof(tally->lost), "in the same order");
	_Static_assert(sizeof(m->suppressed_by) == sizeof(tally->suppressed), "the same");
	memcpy(m->lost_by, tally->lost, sizeof(m->lost_by));
	memcpy(m->suppressed_by, tally->suppressed, sizeof(m->suppressed_by));
	*m->not_run = tally->not_run;
	*m->log_removed = tally->log_removed;
	*m->kafka_refused = tally->not_delivered;
	*m->invalid = from->state->invalid_records;
	for (size_t i = 0; i < METRIC_LABEL_ring; i++)
		ring_fill(from->ring, i, &m->ring_waiting[i], &m->ring_size[i]);
}

/* Reads one record, and only when the oldest segment is another one. */
static void fill_log_age(struct observe *o, const struct observe_sources *from)
{
	uint64_t first = log_first_index(from->log), now = unix_ns();
	struct run_place place;

	if (!o->has_oldest || first != o->oldest_index || !o->oldest_unix_nano) {
		o->has_oldest = true;
		o->oldest_index = first;
		o->oldest_unix_nano = run_find_first(from->conf->log_dir, first, &place)
					      ? 0
					      : place.time_unix_nano;
	}
	*o->metrics.log_age = METRICS_ABSENT;
	if (o->oldest_unix_nano > 0)
		*o->metrics.log_age = now - MIN(now, (uint64_t)o->oldest_unix_nano);
}

static void fill_log(const struct observe_sources *from, struct metrics *m)
{
	const struct room *room = &from->emit->room;
	uint64_t size = log_size_bytes(from->log), until = room->common ?: room->limit;

	*m->records = from->emit->sequence;
	*m->refused = from->emit->failed_cnt;
	*m->log_ok = !from->log_err;
	*m->log_size = size;
	*m->log_limit = room->limit;
	*m->log_room = until - MIN(until, size);
}

static void fill_seals(const struct sealing *sealing, struct metrics *m)
{
	*m->seals = sealing->number;
	*m->sealing_ok = !sealing->err;
	*m->sealed = sealing->number ? sealing->first : 0;
	*m->sealed_at = sealing->number ? (uint64_t)sealing->sealed_unix_nano : METRICS_ABSENT;
	*m->key_changes = sealing->change_cnt;
}

static void fill_kafka(const struct observe_sources *from, struct metrics *m)
{
	struct ship_cost cost = {};

	if (from->ship)
		cost = ship_cost(from->ship);
	*m->kafka = !!from->ship;
	*m->unshipped = from->ship ? from->state->unshipped_records : METRICS_ABSENT;
	*m->delivery_errors = cost.failed;
	*m->pods_missed = cost.pods_missed;
	*m->acknowledged_age = METRICS_ABSENT;
	if (cost.acknowledged_ms)
		*m->acknowledged_age = (ship_now_ms() - cost.acknowledged_ms) * NSEC_PER_MSEC;
}

static void fill_tables(const struct run_state *state, struct metrics *m)
{
	*m->containers = state->containers;
	*m->processes = state->processes;
	*m->pods = state->pods;
	*m->udp_flows = state->udp_flows;
	*m->containers_refused = state->containers_refused;
	*m->processes_refused = state->processes_refused;
	*m->processes_evicted = state->processes_evicted;
	*m->images_left_out = state->images_left_out;
	*m->pods_refused = state->pods_refused;
	*m->pods_evicted = state->pods_evicted;
	*m->pods_contradicted = state->pods_contradicted;
	*m->dns_evicted = state->dns_streams_evicted;
	*m->api_listed = state->has_api ? state->api_listed : METRICS_ABSENT;
	*m->api_restarts = state->has_api ? state->api_restarts : METRICS_ABSENT;
	*m->api_invalid = state->has_api ? state->api_invalid : METRICS_ABSENT;
}

static void fill_self(const struct observe_sources *from, struct metrics *m)
{
	bool canary = from->canary_sent && from->state->canary;

	*m->cpu = run_cpu_ns();
	*m->rss = run_rss_bytes();
	*m->canary_ok = canary;
	*m->canary_took = canary ? from->state->canary_ns : METRICS_ABSENT;
	*m->heartbeats = from->heartbeats;
	*m->reloads = from->reloads;
	*m->reloads_failed = from->reloads_failed;
}

void observe_tick(struct observe *o, const struct observe_sources *from)
{
	struct metrics *m = &o->metrics;
	bool has[BOARD_NEED_CNT];

	if (!o->serve)
		return;
	fill_self(from, m);
	fill_hooks(from->probes, m);
	fill_events(from, m);
	fill_log(from, m);
	fill_log_age(o, from);
	fill_seals(from->sealing, m);
	fill_kafka(from, m);
	fill_tables(from->state, m);
	has[BOARD_HOOKS] = *m->hooks_attached;
	has[BOARD_LOG] = *m->log_ok;
	has[BOARD_CANARY] = *m->canary_ok;
	board_publish(&o->board, m, has);
}
