/* SPDX-License-Identifier: Apache-2.0 */
/* How long the log keeps what it has, and when it is synced. */
#include "sensor/retention.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/event.h"
#include "evidence/log.h"
#include "sensor/conf.h"
#include "sensor/declare.h"
#include "sensor/emit.h"
#include "sensor/run.h"
#include "sensor/ship.h"
#include <string.h>

#define TELL_NS (10 * NSEC_PER_SEC)

/* What goes with the oldest segment. */
struct going {
	struct run_place first; /* the first record that nobody has */
	uint64_t declared_cnt;	/* records that LOSS records in it declare */
};

/*
 * A LOSS of an earlier removal that goes itself: what it declared has to be declared anew. The one
 * that goes back furthest says where the missing part begins; it need not come first, as it may
 * have been declared anew before.
 */
static void take_over(struct going *g, const Varve__V1__Event *ev)
{
	const Varve__V1__Loss *loss = ev->loss;

	if (ev->body_case != VARVE__V1__EVENT__BODY_LOSS || !loss->cause ||
	    strcmp(loss->cause, "log_limit"))
		return;
	if (loss->lost_run_id &&
	    (!g->declared_cnt || loss->first_unix_nano < g->first.time_unix_nano)) {
		snprintf(g->first.run_id, sizeof(g->first.run_id), "%s", loss->lost_run_id);
		g->first.sequence = loss->first_sequence;
		g->first.time_unix_nano = loss->first_unix_nano;
	}
	g->declared_cnt += loss->count;
}

/* Looks through the oldest segment from the index on. Only records that begin as a LOSS does are
 * decoded. */
static void look_at_oldest(const struct retention *r, uint64_t from_index, struct going *ret)
{
	static const char loss_kind[] = "\x0a\x04LOSS"; /* field 1, four bytes */
	struct log_reader *reader;
	const uint8_t *payload;
	struct log_pos pos;
	size_t len;
	int err;

	*ret = (struct going){};
	run_find_first(r->conf->log_dir, from_index, &ret->first);
	if (log_reader_open(r->conf->log_dir, from_index, &reader))
		return;
	while ((err = log_reader_next(reader, &payload, &len, &pos)) == 1 || err == -EBADMSG) {
		Varve__V1__Event *ev;

		if (err == 1 && pos.segment > from_index)
			break; /* the next one */
		if (err != 1 || len < 6 || memcmp(payload, loss_kind, 6))
			continue;
		ev = event_decode(payload, len);
		if (ev)
			take_over(ret, ev);
		varve__v1__event__free_unpacked(ev, NULL);
	}
	log_reader_close(reader);
}

/*
 * Takes the oldest segment away if the log is over its limit, and declares what nobody had yet.
 * True: it did.
 */
static bool remove_oldest(struct retention *r)
{
	uint64_t shipped = r->ship ? ship_acknowledged(r->ship) : 0;
	uint64_t lost_from = MAX(shipped, log_first_index(r->log)), end, cnt;
	struct log_removed removed;
	struct run_place next;
	struct going going;

	if (log_size_bytes(r->log) <= r->emit->room.limit)
		return false;
	look_at_oldest(r, lost_from, &going);
	if (log_enforce_limit(r->log, &removed) != 1)
		return false;
	end = removed.first.index + removed.frame_cnt;
	if (lost_from >= end)
		return true;
	run_find_first(r->conf->log_dir, end, &next);
	cnt = end - lost_from + going.declared_cnt;
	log_warn("the log reached its limit: %llu records from %llu on removed",
		 (unsigned long long)(end - lost_from), (unsigned long long)lost_from);
	declare_log_removed(r->emit, cnt, &going.first, &next);
	if (r->ship)
		ship_skip_to(r->ship, end);
	return true;
}

static void measure(struct retention *r)
{
	struct room_disk disk;
	bool known = !room_read_disk(r->conf->log_dir, &disk);

	room_measure(r->conf, r->log, known ? &disk : NULL, &r->emit->room);
	log_set_limit(r->log, r->emit->room.limit);
}

void retention_init(struct retention *r, const struct conf *conf, struct log *log,
		    struct emit *emit, struct ship *ship)
{
	*r = (struct retention){
		.conf = conf, .log = log, .emit = emit, .ship = ship, .booked_index = UINT64_MAX};
	if (!ship && conf_log_full(conf) == CONF_LOG_FULL_NEWEST)
		log_warn("log-full = drop-newest without Kafka: nothing makes room in the log: once "
			 "it is full it takes no more events");
	measure(r);
}

static void keep_bounded(struct retention *r)
{
	if (r->ship)
		log_release(r->log, MIN(ship_acknowledged(r->ship), r->booked_index));
	measure(r);
	while (remove_oldest(r))
		;
	/* The last segment alone is bounded otherwise. */
	measure(r);
}

static void tell_room(struct retention *r, uint64_t now_ns)
{
	enum room_state state = room_state(&r->emit->room, r->log);

	if (state == r->told || (r->told_ns && now_ns - r->told_ns < TELL_NS))
		return;
	if (state == ROOM_FOR_ALL)
		log_info("the log takes all records again");
	else
		log_warn("the log in %s is full (log-limit, log-free): %s are not recorded until "
			 "there is "
			 "room, which is declared (log_full)",
			 r->conf->log_dir,
			 state == ROOM_FOR_OWN ? "events" : "events of file and network");
	r->told = state;
	r->told_ns = now_ns;
}

static void sync_now(struct retention *r)
{
	uint64_t next = log_next_index(r->log);

	if (r->synced_index < next && !log_sync(r->log))
		r->synced_index = next;
}

/* Acknowledged by Kafka or synced to disk, within the second. */
static void keep_durable(struct retention *r)
{
	uint64_t safe = MAX(r->synced_index, r->ship ? ship_acknowledged(r->ship) : 0);

	if (safe < r->tick_index)
		sync_now(r);
	r->tick_index = log_next_index(r->log);
}

void retention_tick(struct retention *r, uint64_t now_ns)
{
	keep_bounded(r);
	tell_room(r, now_ns);
	if (r->conf->sync == CONF_SYNC_LAG)
		keep_durable(r);
	if (r->conf->sync == CONF_SYNC_INTERVAL && now_ns >= r->sync_due_ns) {
		sync_now(r);
		r->sync_due_ns = now_ns + r->conf->sync_interval_ms * NSEC_PER_MSEC;
	}
}

void retention_turn(struct retention *r)
{
	/* A flood fills a segment in less than a second. */
	while (remove_oldest(r))
		;
	if (r->conf->sync == CONF_SYNC_EACH)
		sync_now(r);
}
