/* SPDX-License-Identifier: Apache-2.0 */
/* One payload of the log as one Kafka message: key, headers, time, the exact bytes. */
#ifndef VARVE_SHIP_RECORD_H
#define VARVE_SHIP_RECORD_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Hands a copy to the producer. A payload that is no Event goes too, under default_key and without
 * the headers that nobody can know: whoever replays must see it. serial comes back in the delivery
 * report.
 */
rd_kafka_resp_err_t record_produce(rd_kafka_t *rk, const char *topic, const char *default_key,
				   const uint8_t *payload, size_t len, uint64_t serial);

#endif
