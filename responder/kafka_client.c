/* SPDX-License-Identifier: Apache-2.0 */
/* librdkafka's client of a Kafka source: what it is set to, and what it says when it cannot. */
#include "evidence/base.h"
#include "responder/complain.h"
#include "responder/source_kafka_impl.h"
#include <string.h>
#include <time.h>

#define QUEUES_KIB    (64 * 1024) /* of what is fetched ahead, over all partitions */
#define QUEUE_MIN_KIB 32
#define FETCH_MAX_KIB 1024 /* librdkafka's default */

int64_t kafka_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
	struct source_kafka *src = opaque;

	(void)rk;
	/* "all brokers down" says less than the error before it */
	if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && src->err)
		return;
	src->err = err;
	snprintf(src->err_text, sizeof(src->err_text), "%s", reason);
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk;
	log_debug("librdkafka %d %s: %s", level, facility, text);
}

/* No use in trying again: the answer will be the same. */
bool kafka_is_final(rd_kafka_resp_err_t err)
{
	return err == RD_KAFKA_RESP_ERR__AUTHENTICATION || err == RD_KAFKA_RESP_ERR__SSL ||
	       err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
	       err == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED ||
	       err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
	       err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
	       err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || err == RD_KAFKA_RESP_ERR__FATAL;
}

int kafka_tell_error(struct source_kafka *src, rd_kafka_resp_err_t err)
{
	if (err == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
	    err == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED ||
	    src->err == RD_KAFKA_RESP_ERR__AUTHENTICATION)
		return complain(
			-EACCES,
			"kafka://%s: the broker refused the credentials (%s); check -X sasl.*",
			src->servers, src->err_text);
	if (err == RD_KAFKA_RESP_ERR__SSL || src->err == RD_KAFKA_RESP_ERR__SSL)
		return complain(-EACCES,
				"kafka://%s: TLS failed (%s); check -X security.protocol and ssl.*",
				src->servers, src->err_text);
	if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
	    err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
		return src->directory ? -ENOENT
				      : complain(-ENOENT,
						 "kafka://%s: there is no topic \"%s\"; name it "
						 "with --topic",
						 src->servers, src->topic_name);
	if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED && src->directory)
		return -ENOENT;
	if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
		return complain(-EACCES, "kafka://%s: no right to read topic \"%s\"", src->servers,
				src->topic_name);
	return complain(-EIO, "kafka://%s: no answer from the broker (%s)", src->servers,
			src->err ? src->err_text : rd_kafka_err2str(err));
}

static int set_property(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char text[256];

	if (rd_kafka_conf_set(conf, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK)
		return 0;
	return complain(-EINVAL, "-X %s=...: %s", name, text);
}

/* The brokers are those that SOURCE names, whatever a file for other tools says. */
static bool is_of_brokers(const struct source_property *p)
{
	return p->where &&
	       (!strcmp(p->name, "bootstrap.servers") || !strcmp(p->name, "metadata.broker.list"));
}

static int set_given(rd_kafka_conf_t *conf, const struct source_property *p)
{
	char text[256];

	if (is_of_brokers(p) ||
	    rd_kafka_conf_set(conf, p->name, p->value, text, sizeof(text)) == RD_KAFKA_CONF_OK)
		return 0;
	if (!p->where)
		return complain(-EINVAL, "-X %s=...: %s", p->name, text);
	return complain(-EINVAL, "%s: %s: %s", p->where, p->name, text);
}

/*
 * So much is fetched ahead of each partition that all of them together stay bounded. A batch that
 * is larger than what is asked for comes all the same, when its partition's turn comes.
 */
static int limit_queues(rd_kafka_conf_t *conf, int active)
{
	int kib = MAX(QUEUES_KIB / MAX(active, 1), QUEUE_MIN_KIB), err;
	char text[32];

	snprintf(text, sizeof(text), "%d", kib);
	err = set_property(conf, "queued.max.messages.kbytes", text);
	snprintf(text, sizeof(text), "%d", MIN(kib, FETCH_MAX_KIB) * 1024);
	if (!err)
		err = set_property(conf, "fetch.message.max.bytes", text);
	/* Where it is known: how soon a partition is asked again whose queue was full. */
	rd_kafka_conf_set(conf, "fetch.queue.backoff.ms", "10", NULL, 0);
	return err;
}

static int configure(struct source_kafka *src, int active, rd_kafka_conf_t *conf)
{
	const struct source_opts *opts = &src->opts;
	static const struct source_property ours[] = {
		{.name = "client.id", .value = "varve"},
		{.name = "enable.partition.eof", .value = "true"},
		{.name = "check.crcs", .value = "true"},
		{.name = "auto.offset.reset", .value = "smallest"},
		{.name = "allow.auto.create.topics", .value = "false"},
		{.name = "socket.nagle.disable", .value = "true"},
		{.name = "fetch.wait.max.ms", .value = "100"},
		{.name = "enable.auto.commit", .value = "false"},
	};
	int err = set_property(conf, "bootstrap.servers", src->servers);

	for (size_t i = 0; !err && i < ARRAY_SIZE(ours); i++)
		err = set_property(conf, ours[i].name, ours[i].value);
	if (!err)
		err = limit_queues(conf, active);
	/* The command line holds against a file. */
	for (size_t i = 0; !err && i < opts->property_cnt; i++)
		err = opts->properties[i].where ? set_given(conf, &opts->properties[i]) : 0;
	for (size_t i = 0; !err && i < opts->property_cnt; i++)
		err = opts->properties[i].where ? 0 : set_given(conf, &opts->properties[i]);
	/* The end of a partition is how this source knows that it is done. */
	if (!err)
		err = set_property(conf, "enable.partition.eof", "true");
	rd_kafka_conf_set_opaque(conf, src);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, on_log);
	return err;
}

/* active: partitions that will be read at the same time. */
int kafka_start_client(struct source_kafka *src, int active)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[512];
	int err = configure(src, active, conf);

	src->active = active;

	if (err < 0) {
		rd_kafka_conf_destroy(conf);
		return err;
	}
	src->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
	if (!src->rk) {
		rd_kafka_conf_destroy(conf);
		return complain(-EINVAL, "kafka://%s: %s", src->servers, text);
	}
	src->topic = rd_kafka_topic_new(src->rk, src->topic_name, NULL);
	if (!src->topic)
		return complain(-EINVAL, "--topic %s: %s", src->topic_name,
				rd_kafka_err2str(rd_kafka_last_error()));
	return 0;
}

void kafka_stop_client(struct source_kafka *src)
{
	if (src->msg)
		rd_kafka_message_destroy(TAKE_PTR(src->msg));
	for (int i = 0; src->topic && i < src->partition_cnt && src->partitions; i++)
		kafka_stop_partition(src, i);
	if (src->queue)
		rd_kafka_queue_destroy(TAKE_PTR(src->queue));
	if (src->topic)
		rd_kafka_topic_destroy(TAKE_PTR(src->topic));
	if (src->rk)
		rd_kafka_destroy(TAKE_PTR(src->rk));
}

rd_kafka_resp_err_t kafka_count_partitions(struct source_kafka *src, int *ret_cnt)
{
	const struct rd_kafka_metadata *md;
	rd_kafka_resp_err_t err = rd_kafka_metadata(src->rk, 0, src->topic, &md, 1000);

	if (err)
		return err;
	if (md->topic_cnt != 1)
		err = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	else
		err = md->topics[0].err;
	if (!err)
		*ret_cnt = md->topics[0].partition_cnt;
	rd_kafka_metadata_destroy(md);
	return err;
}
