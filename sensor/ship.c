/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shipper: log to window to producer, delivery reports to window to cursor. See ship.h.
 *
 * A delivery that fails for any reason but the record itself ends the producer: what it still
 * queues is taken back, so that nothing overtakes the failed record, and after a pause a new
 * producer goes on from the oldest record not acknowledged, leaving out those that are. (librdkafka
 * keeps a topic's authorization error, and a fatal error for good: a new producer is the one way
 * out of all of them.)
 */
#include "sensor/ship.h"

#include <inttypes.h>
#include <string.h>

#include "evidence/base.h"
#include "evidence/crc32c.h"
#include "evidence/diag.h"
#include "evidence/event.h"
#include "sensor/conf.h"
#include "sensor/ship_producer.h"
#include "sensor/ship_record.h"
#include "sensor/ship_source.h"
#include "sensor/ship_window.h"

#define PROBE_MS     5000
#define RUN_FRAMES   4096 /* read in one turn, so that the caller's loop goes on */
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 30000
#define DRAIN_MS     5000 /* for answers to what is on the wire, once a delivery failed */
/* The topic of pods holds the cursor for so long, and is then left alone for so long. */
#define PODS_WAIT_MS  60000
#define PODS_RETRY_MS 300000

struct ship {
	const struct conf *conf;
	struct ship_producer producer;
	struct ship_source source;
	struct ship_window window;
	struct ship_cursor cursor;
	struct ship_mark mark; /* settled; cursor.mark is what the disk has of it */
	uint64_t next;	       /* serial of the next frame to produce */
	uint64_t draining_ms;  /* since when; 0: not */
	uint64_t restart_ms;   /* when the next producer may start */
	uint64_t retry_ms;     /* pause before it */
	uint64_t told_cursor_ms;
	/* The topic of pods */
	uint64_t pods_off_until_ms; /* nothing is produced to it; 0: it works */
	uint64_t acknowledged_ms;   /* when a record last was */
	uint64_t pods_wait_ms;	    /* how long it may hold the cursor */
	uint64_t pods_waiting_ms;   /* since when the cursor waits for it alone; 0: it does not */
	uint64_t pods_missed_cnt;   /* records that it lacks */
	uint64_t told_pods_ms;
	uint64_t failed_cnt; /* deliveries */
	bool shrunk;	     /* batches, since the producer started */
	bool refused_now;    /* a record was refused in this turn */
	ship_refused_fn refused;
	void *ctx;
};

static void drain(struct ship *ship, uint64_t retry_ms)
{
	if (ship->draining_ms)
		return;
	ship->draining_ms = ship_now_ms();
	ship->restart_ms = ship->draining_ms + retry_ms;
}

static void drain_for_retry(struct ship *ship)
{
	if (ship->draining_ms)
		return;
	drain(ship, ship->retry_ms);
	ship->retry_ms = MIN(ship->retry_ms * 2, (uint64_t)RETRY_MAX_MS);
}

/* --- records that Kafka will not take */

static void refuse(struct ship *ship, struct window_entry *e, const void *payload, size_t len,
		   rd_kafka_resp_err_t err)
{
	Varve__V1__Event *event = event_decode(payload, len);

	e->state = WINDOW_SETTLED;
	ship->refused_now = true;
	ship->refused(e->index, event ? event->run_id : "", event ? event->sequence : 0,
		      event && event->has_time_unix_nano ? event->time_unix_nano : 0,
		      rd_kafka_err2str(err), ship->ctx);
	if (event)
		varve__v1__event__free_unpacked(event, NULL);
}

/*
 * The broker judges a batch. Only of a message that was alone in its batch do we know that it was
 * meant; otherwise the records go again in smaller batches, until it is alone.
 */
static void take_record_error(struct ship *ship, struct window_entry *e, const uint8_t *value,
			      size_t len, rd_kafka_resp_err_t err)
{
	size_t prefix_len = record_prefix_len(ship->conf);

	e->state = WINDOW_WAITING;
	if (len >= ship->producer.batch_bytes && ship->refused) {
		refuse(ship, e, value + prefix_len, len - prefix_len, err);
		return;
	}
	if (ship->shrunk)
		return;
	ship->shrunk = true;
	producer_shrink_batch(&ship->producer);
	log_warn("Kafka refuses a batch of records (%s): trying again with batches of %zu bytes; "
		 "compare "
		 "kafka.batch.size with the topic's max.message.bytes",
		 rd_kafka_err2str(err), ship->producer.batch_bytes);
	drain(ship, 0);
}

/* --- the topic of pods: it must not hold the records */

static void give_up_pods(struct ship *ship, const char *why)
{
	ship->pods_missed_cnt += window_give_up_pods(&ship->window);
	ship->pods_off_until_ms = ship_now_ms() + PODS_RETRY_MS;
	ship->pods_waiting_ms = 0;
	if (ship_once_a_minute(&ship->told_pods_ms))
		log_warn("Kafka does not take the directory of pods, topic %s: %s; create it "
			 "(cleanup.policy=compact), grant Write and Describe, or set "
			 "kafka-pods-topic; it lacks %" PRIu64
			 " records, which are in topic %s; trying again in %d minutes",
			 ship->conf->kafka_pods_topic, why, ship->pods_missed_cnt,
			 ship->conf->kafka_topic, PODS_RETRY_MS / 60000);
}

static bool are_pods_wanted(struct ship *ship)
{
	const char *topic = ship->conf->kafka_pods_topic;

	if (!topic || !*topic)
		return false;
	if (ship->pods_off_until_ms && ship_now_ms() >= ship->pods_off_until_ms)
		ship->pods_off_until_ms = 0;
	return true;
}

static void on_pods_report(struct ship *ship, struct window_entry *e, rd_kafka_resp_err_t err)
{
	if (e->pods != WINDOW_IN_FLIGHT)
		return;
	e->pods = err ? WINDOW_WAITING : WINDOW_SETTLED;
	if (!err)
		return;
	if (producer_is_topic_error(err)) {
		give_up_pods(ship, rd_kafka_err2str(err));
		return;
	}
	if (err != RD_KAFKA_RESP_ERR__PURGE_QUEUE && err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
		producer_tell_refusal(&ship->producer, err, rd_kafka_err2str(err));
	drain_for_retry(ship);
}

/* True if the record is with the producer, or need not be. */
static bool send_to_pods(struct ship *ship, struct window_entry *e, const struct ship_frame *frame)
{
	rd_kafka_resp_err_t err;

	if (e->pods != WINDOW_WAITING)
		return true;
	if (ship->pods_off_until_ms) {
		e->pods = WINDOW_SETTLED;
		ship->pods_missed_cnt++;
		return true;
	}
	err = record_produce(ship->producer.rk, ship->conf, RECORD_PODS, frame->payload, frame->len,
			     ship->next);
	if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		return false;
	if (err)
		give_up_pods(ship, rd_kafka_err2str(err));
	else
		e->pods = WINDOW_IN_FLIGHT;
	return true;
}

/*
 * What takes no records for other reasons, such as too few replicas, is not waited for either. It
 * is while the broker is away: then the records wait, too.
 */
static void watch_pods(struct ship *ship)
{
	const struct window_entry *e = window_at(&ship->window, ship->window.tail);

	if (!e || e->state != WINDOW_SETTLED || e->pods == WINDOW_SETTLED)
		ship->pods_waiting_ms = 0;
	else if (!ship->pods_waiting_ms)
		ship->pods_waiting_ms = ship_now_ms();
	else if (ship->acknowledged_ms >= ship->pods_waiting_ms + ship->pods_wait_ms)
		give_up_pods(ship, "no answer");
}

static void on_report(uint64_t serial, enum record_topic which, rd_kafka_resp_err_t err,
		      const void *value, size_t len, void *ctx)
{
	struct ship *ship = ctx;
	struct window_entry *e = window_at(&ship->window, serial);

	if (!e)
		return;
	/* What is taken back failed by another's failure. */
	if (err && err != RD_KAFKA_RESP_ERR__PURGE_QUEUE &&
	    err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
		ship->failed_cnt++;
	if (which == RECORD_PODS) {
		on_pods_report(ship, e, err);
		return;
	}
	if (!err) {
		e->state = WINDOW_SETTLED;
		ship->acknowledged_ms = ship_now_ms();
		ship->retry_ms = RETRY_MIN_MS;
		return;
	}
	if (producer_is_record_error(err)) {
		take_record_error(ship, e, value, len, err);
		return;
	}
	e->state = WINDOW_WAITING;
	if (err != RD_KAFKA_RESP_ERR__PURGE_QUEUE && err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
		producer_tell_refusal(&ship->producer, err, rd_kafka_err2str(err));
	drain_for_retry(ship);
}

/* --- from one producer to the next */

/* All reports are in, or have been waited for long enough: go back to the oldest record not
 * settled. */
static void end_drain(struct ship *ship)
{
	uint64_t now = ship_now_ms();

	rd_kafka_purge(ship->producer.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
	if (rd_kafka_outq_len(ship->producer.rk) > 0 && now - ship->draining_ms < DRAIN_MS)
		return;
	producer_stop(&ship->producer);
	window_settle(&ship->window, &ship->mark);
	window_rewind(&ship->window);
	ship->draining_ms = 0;
}

static int restart(struct ship *ship)
{
	const struct window_entry *oldest = window_at(&ship->window, ship->window.tail);
	int err;

	if (ship_now_ms() < ship->restart_ms)
		return 0;
	/* Still checking: nothing was produced, the source is where it should be. */
	err = ship->source.checking
		      ? 0
		      : ship_source_seek(&ship->source, oldest ? oldest->index : ship->mark.index);
	if (!err)
		err = producer_start(&ship->producer);
	if (err) {
		ship->restart_ms = ship_now_ms() + RETRY_MAX_MS;
		return err;
	}
	ship->next = ship->window.tail;
	ship->shrunk = false;
	return 0;
}

/* --- log to producer */

/* The window's entry for the frame; NULL: the frame is not to be produced, or (*ret_full) not now.
 */
static struct window_entry *entry_of(struct ship *ship, const struct ship_frame *frame,
				     bool *ret_full)
{
	struct window_entry *e;

	/* Settled ones behind the oldest leave the window with it. */
	ship->next = MAX(ship->next, ship->window.tail);
	while ((e = window_at(&ship->window, ship->next)) && e->index < frame->index) {
		e->state = e->pods = WINDOW_SETTLED; /* gone from the log since it was first read */
		ship->next++;
	}
	if (e)
		return e->index == frame->index ? e : NULL;
	if (frame->index < ship->mark.index)
		return NULL;
	if (window_push(&ship->window, frame->index, crc32c(0, frame->payload, frame->len))) {
		*ret_full = true;
		return NULL;
	}
	e = window_at(&ship->window, ship->next);
	if (are_pods_wanted(ship) && record_is_of_pods(frame->payload, frame->len))
		e->pods = WINDOW_WAITING;
	return e;
}

/* True if the frame is done with and the next may come. */
static bool send_frame(struct ship *ship, struct window_entry *e, const struct ship_frame *frame)
{
	rd_kafka_resp_err_t err = record_produce(ship->producer.rk, ship->conf, RECORD_EVENTS,
						 frame->payload, frame->len, ship->next);

	if (!err) {
		e->state = WINDOW_IN_FLIGHT;
		return true;
	}
	if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		return false;
	if (producer_is_record_error(err) && ship->refused) {
		refuse(ship, e, frame->payload, frame->len, err);
		return true;
	}
	producer_tell_refusal(&ship->producer, err, rd_kafka_err2str(err));
	drain_for_retry(ship);
	return false;
}

static bool produce_frame(struct ship *ship)
{
	struct ship_source *src = &ship->source;
	bool full = false;
	struct window_entry *e = entry_of(ship, &src->frame, &full);

	if (full || (e && e->state == WINDOW_WAITING && !send_frame(ship, e, &src->frame)))
		return false;
	if (e && !send_to_pods(ship, e, &src->frame))
		return false;
	ship_source_take(src);
	if (e)
		ship->next++;
	return true;
}

/* The log is not the one the cursor is of: ship all of it. */
static int start_over(struct ship *ship)
{
	log_warn("the shipper's cursor (record %" PRIu64
		 ") does not fit the evidence log in %s, as after a power cut: "
		 "shipping it from its beginning, expect duplicates in Kafka",
		 ship->mark.index, ship->conf->log_dir);
	ship->mark = (struct ship_mark){0};
	ship->source.checking = false;
	return ship_source_seek(&ship->source, 0);
}

static int step(struct ship *ship, bool *ret_more)
{
	int got;

	if (ship->source.checking) {
		got = ship_source_check(&ship->source, &ship->mark);
		if (got == -ESTALE)
			got = start_over(ship) ?: 1;
	} else {
		got = ship_source_peek(&ship->source);
		if (got > 0)
			got = produce_frame(ship);
	}
	*ret_more = got > 0 || got == -EBADMSG;
	return got < 0 && got != -EBADMSG ? got : 0;
}

static int produce(struct ship *ship)
{
	bool more = true;
	int err = 0;

	for (int i = 0; i < RUN_FRAMES && more && !err; i++)
		err = step(ship, &more);
	return err;
}

/* --- the cursor */

static int save_cursor(struct ship *ship)
{
	int err;

	window_settle(&ship->window, &ship->mark);
	if (ship->source.checking || ship->mark.index == ship->cursor.mark.index)
		return 0;
	err = ship_cursor_save(&ship->cursor, &ship->mark);
	if (err && ship_once_a_minute(&ship->told_cursor_ms))
		log_err(err, "cannot write the shipper's cursor in %s; make room",
			ship->conf->log_dir);
	return err;
}

/* --- the interface */

static int turn(struct ship *ship)
{
	struct ship_producer *p = &ship->producer;
	int err = 0;

	if (p->rk)
		rd_kafka_poll(p->rk, 0);
	watch_pods(ship);
	if (p->rk && p->fatal)
		drain_for_retry(ship);
	if (p->rk && ship->draining_ms)
		end_drain(ship);
	if (!p->rk)
		err = restart(ship);
	if (p->rk && !ship->draining_ms && !err)
		err = produce(ship);
	return err;
}

int ship_run(struct ship *ship, ship_refused_fn refused, void *ctx)
{
	int err, save_err = 0;

	/* A refusal's declaration reaches the log with the caller's next flush: only then may the
	 * cursor pass it. */
	if (ship->refused_now)
		save_err = save_cursor(ship);
	ship->refused_now = false;
	ship->refused = refused;
	ship->ctx = ctx;
	err = turn(ship);
	if (!ship->refused_now && !save_err)
		save_err = save_cursor(ship);
	return err ? err : save_err;
}

uint64_t ship_acknowledged(const struct ship *ship)
{
	/* Before the check nothing may be removed on the cursor's word. */
	return ship->source.checking ? 0 : ship->cursor.mark.index;
}

struct ship_cost ship_cost(const struct ship *ship)
{
	return (struct ship_cost){.acknowledged_ms = ship->acknowledged_ms,
				  .failed = ship->failed_cnt,
				  .pods_missed = ship->pods_missed_cnt};
}

void ship_skip_to(struct ship *ship, uint64_t index)
{
	if (index <= ship->mark.index)
		return;
	window_drop_below(&ship->window, index);
	ship->mark = (struct ship_mark){.index = index};
	ship->source.checking = false;
	save_cursor(ship);
	/* What is with the producer already is read again, and not produced twice (produce_frame).
	 */
	if (ship_source_seek(&ship->source, ship->mark.index) == 0)
		ship->next = ship->window.tail;
}

static void cleanup_ship(struct ship **ship)
{
	if (!*ship)
		return;
	producer_fini(&(*ship)->producer);
	ship_source_close(&(*ship)->source);
	window_fini(&(*ship)->window);
	ship_cursor_close(&(*ship)->cursor);
	free(*ship);
}

int ship_open(const struct conf *conf, struct ship **ret_ship)
{
	__attribute__((cleanup(cleanup_ship))) struct ship *ship = calloc(1, sizeof(*ship));
	int err;

	if (!ship)
		return log_err(-ENOMEM, "cannot start shipping to Kafka");
	ship->conf = conf;
	ship->retry_ms = RETRY_MIN_MS;
	ship->pods_wait_ms = PODS_WAIT_MS;
	ship->cursor.fd = -1;
	err = producer_init(&ship->producer, conf, on_report, ship);
	if (!err)
		err = ship_cursor_open(conf->log_dir, &ship->cursor);
	if (err)
		return err;
	ship->mark = ship->cursor.mark;
	err = window_init(&ship->window, ship->producer.window_cnt);
	if (!err)
		err = ship_source_open(&ship->source, conf->log_dir, &ship->mark);
	if (err)
		return log_err(err, "cannot ship the evidence log %s", conf->log_dir);
	err = producer_probe(&ship->producer, PROBE_MS);
	if (err)
		return err;
	*ret_ship = TAKE_PTR(ship);
	return 0;
}

static bool all_acknowledged(const struct ship *ship)
{
	return ship->source.at_end && ship->window.tail == ship->window.head;
}

void ship_close(struct ship *ship, int timeout_ms)
{
	uint64_t end = ship_now_ms() + (uint64_t)MAX(timeout_ms, 0);

	if (!ship)
		return;
	/* Nobody is there to declare a refused record: it stays behind the cursor for the next run.
	 */
	while (ship_run(ship, NULL, NULL) == 0 && !all_acknowledged(ship) && ship_now_ms() < end) {
		if (ship->producer.rk)
			rd_kafka_poll(ship->producer.rk, 5);
		else
			usleep(5000);
	}
	save_cursor(ship);
	cleanup_ship(&ship);
}
