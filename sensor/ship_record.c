/* SPDX-License-Identifier: Apache-2.0 */
/* Payload to Kafka message: see ship_record.h. */
#include "sensor/ship_record.h"

#include <string.h>

#include "evidence/base.h"
#include "evidence/event.h"
#include "evidence/confluent.h"
#include "sensor/conf.h"

#define SCHEMA "varve.v1.Event/1"

static void cleanup_event(Varve__V1__Event **event)
{
	if (*event)
		varve__v1__event__free_unpacked(*event, NULL);
}

static void cleanup_headers(rd_kafka_headers_t **headers)
{
	if (*headers)
		rd_kafka_headers_destroy(*headers);
}

static rd_kafka_resp_err_t add(rd_kafka_headers_t *headers, const char *name, const char *value)
{
	if (!value || !*value)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	return rd_kafka_header_add(headers, name, -1, value, -1);
}

static rd_kafka_resp_err_t add_all(rd_kafka_headers_t *headers, const struct conf *conf,
				   const Varve__V1__Event *event)
{
	rd_kafka_resp_err_t err = add(headers, "schema", SCHEMA);

	if (!err && conf->kafka_framing == CONF_FRAMING_CONFLUENT)
		err = add(headers, CONFLUENT_HEADER, CONFLUENT_NAME);
	if (!err && event)
		err = add(headers, "kind", event->kind);
	if (!err && event && event->pod)
		err = add(headers, "pod_uid", event->pod->uid);
	if (!err && event && event->container)
		err = add(headers, "container_id", event->container->id);
	return err;
}

bool record_is_of_pods(const uint8_t *payload, size_t len)
{
	static const char begin[] = "\x0a\x09POD_STATE"; /* field 1, nine bytes */
	__attribute__((cleanup(cleanup_event))) Varve__V1__Event *event = NULL;

	/* Few are: the others are not decoded for this. */
	if (len < sizeof(begin) - 1 || memcmp(payload, begin, sizeof(begin) - 1) != 0)
		return false;
	event = event_decode(payload, len);
	return event && event->pod && event->pod->uid && *event->pod->uid && event->pod->name;
}

size_t record_prefix_len(const struct conf *conf)
{
	return conf->kafka_framing == CONF_FRAMING_CONFLUENT ? CONFLUENT_LEN : 0;
}

/* librdkafka takes one piece of memory, and frees it. */
static uint8_t *make_value(const struct conf *conf, const uint8_t *payload, size_t len)
{
	size_t prefix_len = record_prefix_len(conf);
	uint8_t *value = malloc(prefix_len + len + 1);

	if (!value)
		return NULL;
	if (prefix_len)
		confluent_put(conf->kafka_schema_id, value);
	memcpy(value + prefix_len, payload, len);
	return value;
}

rd_kafka_resp_err_t record_produce(rd_kafka_t *rk, const struct conf *conf, enum record_topic which,
				   const uint8_t *payload, size_t len, uint64_t serial)
{
	__attribute__((cleanup(cleanup_event))) Varve__V1__Event *event =
		event_decode(payload, len);
	__attribute__((cleanup(cleanup_headers))) rd_kafka_headers_t *headers =
		rd_kafka_headers_new(5);
	_cleanup_free_ uint8_t *value = make_value(conf, payload, len);
	const char *topic = which == RECORD_PODS ? conf->kafka_pods_topic : conf->kafka_topic;
	const char *key = !event		 ? conf->node_name
			  : which == RECORD_PODS ? event->pod->uid
						 : event->node_name;
	int64_t time_ms = event && event->has_time_unix_nano && event->time_unix_nano > 0
				  ? event->time_unix_nano / (int64_t)NSEC_PER_MSEC
				  : 0; /* 0: now */
	rd_kafka_resp_err_t err =
		value ? add_all(headers, conf, event) : RD_KAFKA_RESP_ERR__QUEUE_FULL; /* not now */

	if (err)
		return err;
	err = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key, strlen(key)),
				RD_KAFKA_V_VALUE(value, record_prefix_len(conf) + len),
				RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_FREE),
				RD_KAFKA_V_TIMESTAMP(time_ms), RD_KAFKA_V_HEADERS(headers),
				RD_KAFKA_V_OPAQUE((void *)(uintptr_t)(serial << 1 | which)),
				RD_KAFKA_V_END);
	if (!err) { /* the message owns them now */
		headers = NULL;
		value = NULL;
	}
	return err;
}
