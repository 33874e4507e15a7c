/* SPDX-License-Identifier: Apache-2.0 */
/* How long the log keeps what it has, and when it is synced. */
#include "sensor/retention.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/log.h"
#include "sensor/conf.h"
#include "sensor/declare.h"
#include "sensor/run.h"
#include "sensor/ship.h"

/* Takes the oldest segment away if the log is over its limit, and declares what nobody had yet.
 * True: it did. */
static bool remove_oldest(struct retention *r)
{
	uint64_t shipped = r->ship ? ship_acknowledged(r->ship) : 0;
	uint64_t lost_from = MAX(shipped, log_first_index(r->log)), end;
	struct run_place first, next;
	struct log_removed removed;

	if (log_size_bytes(r->log) <= r->conf->log_limit_bytes)
		return false;
	run_find_first(r->conf->log_dir, lost_from, &first);
	if (log_enforce_limit(r->log, &removed) != 1)
		return false;
	end = removed.first.index + removed.frame_cnt;
	if (lost_from >= end)
		return true;
	run_find_first(r->conf->log_dir, end, &next);
	log_warn("the log reached its limit: %llu records from %llu on removed",
		 (unsigned long long)(end - lost_from), (unsigned long long)lost_from);
	declare_log_removed(r->emit, end - lost_from, &first, &next);
	if (r->ship)
		ship_skip_to(r->ship, end);
	return true;
}

static void keep_bounded(struct retention *r)
{
	if (r->ship)
		log_release(r->log, ship_acknowledged(r->ship));
	while (remove_oldest(r))
		;
}

/* Acknowledged by Kafka or synced to disk, within the second. */
static void keep_durable(struct retention *r)
{
	uint64_t safe = MAX(r->synced_index, r->ship ? ship_acknowledged(r->ship) : 0);

	if (safe < r->tick_index) {
		if (!log_sync(r->log))
			r->synced_index = log_next_index(r->log);
	}
	r->tick_index = log_next_index(r->log);
}

void retention_tick(struct retention *r)
{
	keep_bounded(r);
	keep_durable(r);
}
