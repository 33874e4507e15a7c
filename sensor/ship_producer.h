/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shipper's librdkafka producer: its properties, its making and ending, its errors in words.
 * One at a time; after an error that leaves it unusable it is ended and a new one made.
 */
#ifndef VARVE_SHIP_PRODUCER_H
#define VARVE_SHIP_PRODUCER_H

#include "sensor/ship_record.h"
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;

/* A message came to its end; err as librdkafka says, NO_ERROR is acknowledged. */
typedef void (*producer_report_fn)(uint64_t serial, enum record_topic which,
				   rd_kafka_resp_err_t err, const void *payload, size_t len,
				   void *ctx);

struct ship_producer {
	const struct conf *conf;     /* outlives us */
	rd_kafka_conf_t *properties; /* of the next producer */
	rd_kafka_t *rk;		     /* NULL: none now */
	size_t window_cnt;	     /* messages it may hold */
	size_t batch_bytes;	     /* batch.size: a longer message is a batch of its own */
	bool fatal;		     /* librdkafka will take no more */
	rd_kafka_resp_err_t refusal; /* credentials, certificate or topic refused by a broker */
	char reason[512];	     /* last error in words */
	uint64_t told_refusal_ms, told_away_ms;
	bool starting;	 /* errors are told by producer_probe() */
	pthread_t ender; /* destroys the one before, which takes a second */
	bool ending;
	producer_report_fn report;
	void *ctx;
};

/* Checks the properties and starts. Errors are told in one line. The struct must not move
 * afterwards. */
int producer_init(struct ship_producer *p, const struct conf *conf, producer_report_fn report,
		  void *ctx);
void producer_fini(struct ship_producer *p);
/* Ends the current producer (what it still holds is forgotten, unreported) without waiting for its
 * threads. */
void producer_stop(struct ship_producer *p);
int producer_start(struct ship_producer *p);
/* Smaller batches from the next start on, down to one message each. */
void producer_shrink_batch(struct ship_producer *p);
/*
 * Asks for the topic's metadata for up to timeout_ms. 0 also if no broker answers (warned); -EACCES
 * if one refuses us, -EINVAL if it cannot be such a topic: told in one line.
 */
int producer_probe(struct ship_producer *p, int timeout_ms);
/* The record itself is at fault, not the connection, the topic or the permissions. */
bool producer_is_record_error(rd_kafka_resp_err_t err);
/* The topic is not there, or not for us, or does not take such records. */
bool producer_is_topic_error(rd_kafka_resp_err_t err);
/* Tells of a refusal at run time, once a minute. */
void producer_tell_refusal(struct ship_producer *p, rd_kafka_resp_err_t err, const char *reason);

uint64_t ship_now_ms(void);
/* True at the first call and then once a minute. */
bool ship_once_a_minute(uint64_t *told_ms);

#endif
