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

/*
 * Hands a copy to the producer. A payload that is no Event goes too, under default_key and without
 * the headers that nobody can know: whoever replays must see it. serial and which come back in the
 * delivery report. RECORD_PODS: only what record_is_of_pods() says.
 */
rd_kafka_resp_err_t record_produce(rd_kafka_t *rk, const char *topic, enum record_topic which,
				   const char *default_key, const uint8_t *payload, size_t len,
				   uint64_t serial);
/* A POD_STATE of a pod that has a name: one without would take the place of one that has it. */
bool record_is_of_pods(const uint8_t *payload, size_t len);

#endif
