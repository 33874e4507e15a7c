/* SPDX-License-Identifier: Apache-2.0 */
/* One payload of the log as one Kafka message: key, headers, time, the exact bytes. */
#ifndef VARVE_SHIP_RECORD_H
#define VARVE_SHIP_RECORD_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a record goes. */
enum record_topic {
	RECORD_EVENTS, /* keyed by the node's name */
	RECORD_PODS,   /* keyed by the pod's UID */
};

struct conf;

/*
 * Hands a copy to the producer, framed as conf says. A payload that is no Event goes too, under the
 * node's name and without the headers that nobody can know: whoever replays must see it. serial and
 * which come back in the delivery report. RECORD_PODS: only what record_is_of_pods() says.
 */
rd_kafka_resp_err_t record_produce(rd_kafka_t *rk, const struct conf *conf, enum record_topic which,
				   const uint8_t *payload, size_t len, uint64_t serial);
/* Of what record_produce() made the value of: how much stands before the payload. */
size_t record_prefix_len(const struct conf *conf);
/* A POD_STATE of a pod that has a name: one without would take the place of one that has it. */
bool record_is_of_pods(const uint8_t *payload, size_t len);

#endif
