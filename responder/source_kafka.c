/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence in a Kafka topic: every partition, one after the other, from its beginning up to the
 * high watermark that it had at open. Partitions are read by number without a consumer group, so
 * that a responder needs no right but to read the topic, and leaves no trace on the broker.
 */
#include "evidence/base.h"
#include "evidence/framing.h"
#include "responder/complain.h"
#include "responder/memory.h"
#include "responder/source.h"
#include <librdkafka/rdkafka.h>
#include <string.h>
#include <time.h>

#define DEFAULT_TOPIC	   "varve.events"
#define DEFAULT_TIMEOUT_MS 10000
#define POLL_MS		   100

struct partition {
	int64_t low, high;   /* first offset, one past the last */
	int64_t from, until; /* of them those that are wanted */
};

struct source_kafka {
	struct source source;
	rd_kafka_t *rk;
	rd_kafka_topic_t *topic;
	char *servers, *topic_name;
	bool directory;
	int timeout_ms;
	struct partition *partitions;
	int partition_cnt;
	int current;		 /* partition being read */
	bool started;		 /* current is being fetched */
	rd_kafka_message_t *msg; /* what the caller has */
	/* The last error that librdkafka told by callback. */
	rd_kafka_resp_err_t err;
	char err_text[512];
};

static int64_t now_ms(void)
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
static bool is_final(rd_kafka_resp_err_t err)
{
	return err == RD_KAFKA_RESP_ERR__AUTHENTICATION || err == RD_KAFKA_RESP_ERR__SSL ||
	       err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
	       err == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED ||
	       err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
	       err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
	       err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || err == RD_KAFKA_RESP_ERR__FATAL;
}

static int tell_error(struct source_kafka *src, rd_kafka_resp_err_t err)
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

static int configure(struct source_kafka *src, const struct source_opts *opts,
		     rd_kafka_conf_t *conf)
{
	static const struct source_property ours[] = {
		{"client.id", "varve"},
		{"enable.partition.eof", "true"},
		{"check.crcs", "true"},
		{"auto.offset.reset", "smallest"},
		{"allow.auto.create.topics", "false"},
		{"socket.nagle.disable", "true"},
		{"fetch.wait.max.ms", "100"},
		{"enable.auto.commit", "false"},
	};
	int err = set_property(conf, "bootstrap.servers", src->servers);

	for (size_t i = 0; !err && i < ARRAY_SIZE(ours); i++)
		err = set_property(conf, ours[i].name, ours[i].value);
	for (size_t i = 0; !err && i < opts->property_cnt; i++)
		err = set_property(conf, opts->properties[i].name, opts->properties[i].value);
	/* The end of a partition is how this source knows that it is done. */
	if (!err)
		err = set_property(conf, "enable.partition.eof", "true");
	rd_kafka_conf_set_opaque(conf, src);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, on_log);
	return err;
}

static int start_client(struct source_kafka *src, const struct source_opts *opts)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[512];
	int err = configure(src, opts, conf);

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

static rd_kafka_resp_err_t count_partitions(struct source_kafka *src)
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
		src->partition_cnt = md->topics[0].partition_cnt;
	rd_kafka_metadata_destroy(md);
	return err;
}

/* Partitions are numbered from 0 without gaps. */
static int find_partitions(struct source_kafka *src, int64_t deadline_ms)
{
	rd_kafka_resp_err_t err;

	while ((err = count_partitions(src))) {
		rd_kafka_poll(src->rk, POLL_MS);
		if (is_final(err) || is_final(src->err) || now_ms() >= deadline_ms)
			return tell_error(src, err);
	}
	src->partitions = memory_zalloc(src->partition_cnt * sizeof(*src->partitions));
	return 0;
}

static int all_wanted(struct source_kafka *src)
{
	for (int i = 0; i < src->partition_cnt; i++) {
		src->partitions[i].from = src->partitions[i].low;
		src->partitions[i].until = src->partitions[i].high;
	}
	return 0;
}

static int find_watermarks(struct source_kafka *src, int64_t deadline_ms)
{
	for (int i = 0; i < src->partition_cnt; i++) {
		struct partition *p = &src->partitions[i];
		rd_kafka_resp_err_t err;

		while ((err = rd_kafka_query_watermark_offsets(src->rk, src->topic_name, i, &p->low,
							       &p->high, 1000))) {
			rd_kafka_poll(src->rk, POLL_MS);
			if (is_final(err) || is_final(src->err) || now_ms() >= deadline_ms)
				return tell_error(src, err);
		}
	}
	src->err = 0;
	return all_wanted(src);
}

static void stop_partition(struct source_kafka *src)
{
	if (src->started)
		rd_kafka_consume_stop(src->topic, src->current);
	src->started = false;
}

/* False at the end of the last partition. */
static bool start_partition(struct source_kafka *src, int *ret_err)
{
	while (src->current < src->partition_cnt &&
	       src->partitions[src->current].from >= src->partitions[src->current].until)
		src->current++;
	if (src->current >= src->partition_cnt)
		return false;
	const struct partition *p = &src->partitions[src->current];
	int64_t offset = p->from > p->low ? p->from : RD_KAFKA_OFFSET_BEGINNING;

	if (rd_kafka_consume_start(src->topic, src->current, offset) < 0)
		*ret_err = tell_error(src, rd_kafka_last_error());
	else
		src->started = true;
	return true;
}

static void next_partition(struct source_kafka *src)
{
	stop_partition(src);
	src->current++;
}

/* Waits for one message; partition ends and passing errors are taken care of. 0 with NULL: go on.
 */
static int fetch(struct source_kafka *src, int64_t deadline_ms)
{
	const struct partition *p = &src->partitions[src->current];
	rd_kafka_message_t *msg = rd_kafka_consume(src->topic, src->current, POLL_MS);
	rd_kafka_resp_err_t err = msg ? msg->err : RD_KAFKA_RESP_ERR__TIMED_OUT;
	int64_t offset = msg ? msg->offset : -1;

	rd_kafka_poll(src->rk, 0);
	if (msg && !err && offset < p->until) {
		/* Who deletes a pod from the directory writes it without a value. */
		if (src->directory && !msg->len)
			rd_kafka_message_destroy(msg);
		else
			src->msg = msg;
		return 0;
	}
	if (msg)
		rd_kafka_message_destroy(msg);
	if (!err || (err == RD_KAFKA_RESP_ERR__PARTITION_EOF && offset >= p->until))
		next_partition(src);
	else if (is_final(err) || is_final(src->err) || now_ms() >= deadline_ms)
		return tell_error(src, err);
	return 0;
}

static void let_go(struct source_kafka *src)
{
	if (!src->msg)
		return;
	/* The last one wanted: no need to wait for the end of the partition. */
	if (src->msg->offset + 1 >= src->partitions[src->current].until)
		next_partition(src);
	rd_kafka_message_destroy(TAKE_PTR(src->msg));
}

/*
 * What stands before the payload: the record's header says so, and where headers did not come along
 * (a mirror that drops them) the first byte, which is none that an Event begins with. A record that
 * is not as its header says is given whole: whoever decodes it finds out.
 */
static size_t prefix_len(const rd_kafka_message_t *msg)
{
	rd_kafka_headers_t *headers;
	const void *value;
	size_t len;

	if (!rd_kafka_message_headers(msg, &headers) &&
	    !rd_kafka_header_get_last(headers, FRAMING_HEADER, &value, &len) &&
	    (len != strlen(FRAMING_CONFLUENT) || !value || memcmp(value, FRAMING_CONFLUENT, len)))
		return 0;
	return framing_confluent_len(msg->payload, msg->len);
}

static int source_kafka_next(struct source *source, struct source_item *ret_item)
{
	struct source_kafka *src = (struct source_kafka *)source;
	int64_t deadline_ms = now_ms() + src->timeout_ms;
	int err = 0;

	let_go(src);
	while (!src->msg) {
		if (!src->started && !start_partition(src, &err)) {
			*ret_item = (struct source_item){.what = SOURCE_END};
			return 0;
		}
		if (!err)
			err = fetch(src, deadline_ms);
		if (err < 0)
			return err;
	}
	size_t skip = prefix_len(src->msg);

	*ret_item = (struct source_item){
		.what = SOURCE_RECORD,
		.payload = (const uint8_t *)src->msg->payload + skip,
		.len = src->msg->len - skip,
		.partition = src->current,
	};
	return 0;
}

static int source_kafka_rewind(struct source *source)
{
	struct source_kafka *src = (struct source_kafka *)source;

	let_go(src);
	stop_partition(src);
	src->current = 0;
	return 0;
}

/* The partition that a producer with a key of its own takes: the sensor's default (murmur2). */
static bool is_of_nodes(const struct source_kafka *src, int i, const struct source_part *part)
{
	for (size_t k = 0; k < part->node_cnt; k++)
		if (rd_kafka_msg_partitioner_murmur2(src->topic, part->nodes[k],
						     strlen(part->nodes[k]), src->partition_cnt,
						     NULL, NULL) == i)
			return true;
	return false;
}

/* Offset of the first record of that time or later, or of the end. */
static int64_t find_offset(struct source_kafka *src, int i, int64_t ns, int64_t end)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(list, src->topic_name, i);
	int64_t offset = -1;

	p->offset = ns / (int64_t)NSEC_PER_MSEC;
	if (!rd_kafka_offsets_for_times(src->rk, list, src->timeout_ms) && !p->err)
		offset = p->offset < 0 ? end : MIN(p->offset, end);
	rd_kafka_topic_partition_list_destroy(list);
	return offset;
}

static int find_bounds(struct source_kafka *src, int i, const struct source_part *part)
{
	struct partition *p = &src->partitions[i];

	if (part->since_ns > 0)
		p->from = find_offset(src, i, part->since_ns, p->high);
	if (part->until_ns < INT64_MAX)
		p->until = find_offset(src, i, part->until_ns, p->high);
	return p->from < 0 || p->until < 0 ? -EIO : 0;
}

static int source_kafka_set_part(struct source *source, const struct source_part *part)
{
	struct source_kafka *src = (struct source_kafka *)source;
	int err = source_kafka_rewind(source);

	all_wanted(src);
	for (int i = 0; part && !err && i < src->partition_cnt; i++) {
		if (is_of_nodes(src, i, part))
			err = find_bounds(src, i, part);
		else
			src->partitions[i].until = src->partitions[i].from;
	}
	if (err)
		all_wanted(src);
	return err;
}

static void source_kafka_close(struct source *source)
{
	struct source_kafka *src = (struct source_kafka *)source;

	if (src->msg)
		rd_kafka_message_destroy(src->msg);
	if (src->topic) {
		stop_partition(src);
		rd_kafka_topic_destroy(src->topic);
	}
	if (src->rk)
		rd_kafka_destroy(src->rk);
	free(src->partitions);
	free(src->servers);
	free(src->topic_name);
	free(src);
}

int source_kafka_open(const char *servers, const struct source_opts *opts, struct source **ret_src)
{
	static const struct source_type type = {
		.next = source_kafka_next,
		.rewind = source_kafka_rewind,
		.part = source_kafka_set_part,
		.close = source_kafka_close,
	};

	if (!*servers || strpbrk(servers, "/ \t\n"))
		return complain(-EINVAL, "kafka://%s: want kafka://host:port[,host:port]", servers);
	struct source_kafka *src = memory_zalloc(sizeof(*src));

	src->source.type = &type;
	src->servers = memory_strdup(servers);
	src->topic_name = memory_strdup(opts->topic ? opts->topic : DEFAULT_TOPIC);
	src->directory = opts->directory;
	src->timeout_ms = opts->timeout_ms > 0 ? opts->timeout_ms : DEFAULT_TIMEOUT_MS;
	int64_t deadline_ms = now_ms() + src->timeout_ms;
	int err = start_client(src, opts);

	if (!err)
		err = find_partitions(src, deadline_ms);
	if (!err)
		err = find_watermarks(src, deadline_ms);
	if (err < 0) {
		source_kafka_close(&src->source);
		return err;
	}
	*ret_src = &src->source;
	return 0;
}
