/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confluent's wire format: what stands before the payload in a Kafka record's value, for consumers
 * that take the schema from a registry. A zero byte, the schema's id (four bytes, big endian), and
 * the path of the message in its file: a count and so many indexes, zig-zag varints; the path to
 * the first message, [0], is the single byte 0. The payload is not touched, and seals are over the
 * payload alone.
 */
#ifndef VARVE_CONFLUENT_H
#define VARVE_CONFLUENT_H

#include <stddef.h>
#include <stdint.h>

#define CONFLUENT_HEADER "framing" /* of a Kafka record; absent: none */
#define CONFLUENT_NAME	 "confluent"
#define CONFLUENT_LEN	 6 /* for varve.v1.Event, the first message of varve.proto */

void confluent_put(uint32_t schema_id, uint8_t ret_prefix[CONFLUENT_LEN]);
/*
 * Length of the prefix that stands before an Event. 0: none does; a bare Event begins with another
 * byte, and a path to another message is not ours to cut off.
 */
size_t confluent_len(const void *value, size_t len);

#endif
