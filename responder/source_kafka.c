/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence in a Kafka topic: its partitions from their beginnings up to the high watermarks that
 * they had at open, all at once, put in order. Partitions are read by number without a consumer
 * group, so that a responder needs no right but to read the topic, and leaves no trace on the
 * broker. Followed, they are read on from there, and partitions that are added as well.
 */
#include "evidence/base.h"
#include "evidence/confluent.h"
#include "responder/complain.h"
#include "responder/memory.h"
#include "responder/merge.h"
#include "responder/source.h"
#include <librdkafka/rdkafka.h>
#include <string.h>
#include <time.h>

#define DEFAULT_TOPIC	   "varve.events"
#define DEFAULT_TIMEOUT_MS 10000
#define POLL_MS		   100
#define LOOK_MS		   5000	       /* following: how often partitions are counted */
#define QUEUES_KIB	   (64 * 1024) /* of what is fetched ahead, over all partitions */
#define QUEUE_MIN_KIB	   256

struct partition {
	int64_t low, high;   /* first offset, one past the last */
	int64_t from, until; /* of them those that are wanted */
	bool started, done;
	rd_kafka_message_t *msg; /* that the caller has */
};

struct source_kafka {
	struct source source;
	rd_kafka_t *rk;
	rd_kafka_topic_t *topic;
	char *servers, *topic_name;
	bool directory;
	int timeout_ms;
	struct source_opts opts;
	struct partition *partitions;
	int partition_cnt;
	struct merge merge;
	int active;   /* partitions that the client was started for */
	char **nodes; /* only their records; none: all */
	size_t node_cnt;
	/* Following: */
	rd_kafka_queue_t *queue; /* of all partitions; NULL: not followed */
	rd_kafka_message_t *msg;
	int64_t looked_ms;
	bool is_away; /* the broker, and it has been said */
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

/* So much is fetched ahead of each partition that all of them together stay bounded. */
static int limit_queues(rd_kafka_conf_t *conf, int active)
{
	char kib[32];
	int err;

	snprintf(kib, sizeof(kib), "%d", MAX(QUEUES_KIB / MAX(active, 1), QUEUE_MIN_KIB));
	err = set_property(conf, "queued.max.messages.kbytes", kib);
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
static int start_client(struct source_kafka *src, int active)
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

static rd_kafka_resp_err_t count_partitions(struct source_kafka *src, int *ret_cnt)
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

/* Partitions are numbered from 0 without gaps. */
static int find_partitions(struct source_kafka *src, int64_t deadline_ms)
{
	rd_kafka_resp_err_t err;

	while ((err = count_partitions(src, &src->partition_cnt))) {
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

static void stop_partition(struct source_kafka *src, int i)
{
	struct partition *p = &src->partitions[i];

	if (p->msg)
		rd_kafka_message_destroy(TAKE_PTR(p->msg));
	if (p->started)
		rd_kafka_consume_stop(src->topic, i);
	p->started = false;
}

static int start_partition(struct source_kafka *src, int i)
{
	struct partition *p = &src->partitions[i];
	int64_t offset = p->from > p->low ? p->from : RD_KAFKA_OFFSET_BEGINNING;
	int got = src->queue ? rd_kafka_consume_start_queue(src->topic, i, offset, src->queue)
			     : rd_kafka_consume_start(src->topic, i, offset);

	if (got < 0)
		return tell_error(src, rd_kafka_last_error());
	p->started = true;
	return 0;
}

/*
 * The key of a record is its node's name: others' need not be decoded. A key is not sealed; what is
 * left out because of a wrong one is missing in the numbers.
 */
static bool is_passed_over(const struct source_kafka *src, const rd_kafka_message_t *msg)
{
	/* Who deletes a pod from the directory writes it without a value. */
	if (src->directory && !msg->len)
		return true;
	if (!src->node_cnt || !msg->key)
		return false;
	for (size_t i = 0; i < src->node_cnt; i++)
		if (strlen(src->nodes[i]) == msg->key_len &&
		    !memcmp(src->nodes[i], msg->key, msg->key_len))
			return false;
	return true;
}

/* Waits for one message; partition ends and passing errors are taken care of. 0 without one: go on.
 */
static int fetch(struct source_kafka *src, int i, int64_t *deadline_ms)
{
	struct partition *p = &src->partitions[i];
	rd_kafka_message_t *msg = rd_kafka_consume(src->topic, i, POLL_MS);
	rd_kafka_resp_err_t err = msg ? msg->err : RD_KAFKA_RESP_ERR__TIMED_OUT;
	int64_t offset = msg ? msg->offset : -1;

	rd_kafka_poll(src->rk, 0);
	/* The last one wanted: no need to wait for the end of the partition. */
	p->done = (!err && offset + 1 >= p->until) ||
		  (err == RD_KAFKA_RESP_ERR__PARTITION_EOF && offset >= p->until);
	if (!err)
		*deadline_ms = now_ms() + src->timeout_ms;
	if (!err && offset < p->until && !is_passed_over(src, msg))
		p->msg = TAKE_PTR(msg);
	if (msg)
		rd_kafka_message_destroy(msg);
	if (!err || p->done)
		return 0;
	return is_final(err) || is_final(src->err) || now_ms() >= *deadline_ms
		       ? tell_error(src, err)
		       : 0;
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
	    !rd_kafka_header_get_last(headers, CONFLUENT_HEADER, &value, &len) &&
	    (len != strlen(CONFLUENT_NAME) || !value || memcmp(value, CONFLUENT_NAME, len)))
		return 0;
	return confluent_len(msg->payload, msg->len);
}

static void give(const rd_kafka_message_t *msg, struct source_item *ret_item)
{
	size_t skip = prefix_len(msg);

	*ret_item = (struct source_item){
		.what = SOURCE_RECORD,
		.payload = (const uint8_t *)msg->payload + skip,
		.len = msg->len - skip,
		.partition = msg->partition,
	};
}

static int next_of_partition(void *ctx, size_t i, struct source_item *ret_item)
{
	struct source_kafka *src = ctx;
	struct partition *p = &src->partitions[i];
	int64_t deadline_ms = now_ms() + src->timeout_ms;
	int err = 0;

	if (p->msg)
		rd_kafka_message_destroy(TAKE_PTR(p->msg));
	p->done |= p->from >= p->until;
	if (!p->done && !p->started)
		err = start_partition(src, i);
	while (!err && !p->done && !p->msg)
		err = fetch(src, i, &deadline_ms);
	if (err)
		return err;
	if (p->msg) {
		give(p->msg, ret_item);
		return 0;
	}
	stop_partition(src, i);
	*ret_item = (struct source_item){.what = SOURCE_END};
	return 0;
}

static int source_kafka_next(struct source *source, struct source_item *ret_item)
{
	struct source_kafka *src = (struct source_kafka *)source;
	size_t strand;

	return merge_next(&src->merge, ret_item, &strand);
}

static int source_kafka_rewind(struct source *source)
{
	struct source_kafka *src = (struct source_kafka *)source;

	for (int i = 0; i < src->partition_cnt; i++) {
		stop_partition(src, i);
		src->partitions[i].done = false;
	}
	merge_rewind(&src->merge);
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
	return part->is_anywhere;
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

static void stop_client(struct source_kafka *src)
{
	if (src->msg)
		rd_kafka_message_destroy(TAKE_PTR(src->msg));
	for (int i = 0; src->topic && i < src->partition_cnt && src->partitions; i++)
		stop_partition(src, i);
	if (src->queue)
		rd_kafka_queue_destroy(TAKE_PTR(src->queue));
	if (src->topic)
		rd_kafka_topic_destroy(TAKE_PTR(src->topic));
	if (src->rk)
		rd_kafka_destroy(TAKE_PTR(src->rk));
}

/* How much is fetched ahead of each partition can be said at the start of a client only. */
static int fit_client(struct source_kafka *src)
{
	int active = 0;

	for (int i = 0; i < src->partition_cnt; i++)
		active += src->partitions[i].from < src->partitions[i].until || src->opts.follow;
	if (MAX(active, 1) == src->active)
		return 0;
	stop_client(src);
	return start_client(src, MAX(active, 1));
}

static void forget_nodes(struct source_kafka *src)
{
	for (size_t i = 0; i < src->node_cnt; i++)
		free(src->nodes[i]);
	free(src->nodes);
	src->nodes = NULL;
	src->node_cnt = 0;
}

static void keep_nodes(struct source_kafka *src, const struct source_part *part)
{
	forget_nodes(src);
	src->nodes = memory_zalloc(part->node_cnt * sizeof(*src->nodes));
	for (; src->node_cnt < part->node_cnt; src->node_cnt++)
		src->nodes[src->node_cnt] = memory_strdup(part->nodes[src->node_cnt]);
}

static int source_kafka_set_part(struct source *source, const struct source_part *part)
{
	struct source_kafka *src = (struct source_kafka *)source;
	int err = source_kafka_rewind(source);

	all_wanted(src);
	forget_nodes(src);
	for (int i = 0; part && !err && i < src->partition_cnt; i++) {
		if (is_of_nodes(src, i, part))
			err = find_bounds(src, i, part);
		else
			src->partitions[i].until = src->partitions[i].from;
	}
	if (err)
		all_wanted(src);
	else if (part)
		keep_nodes(src, part);
	return err ? err : fit_client(src);
}

/* --- following */

static void add_partitions(struct source_kafka *src, int cnt)
{
	src->partitions = reallocarray(src->partitions, cnt, sizeof(*src->partitions));
	if (!src->partitions)
		memory_exhausted();
	for (; src->partition_cnt < cnt; src->partition_cnt++)
		src->partitions[src->partition_cnt] = (struct partition){.until = INT64_MAX};
	src->source.partition_cnt = cnt;
}

/* A topic can be given more partitions: a node's next records may be in one of those. */
static int look_for_partitions(struct source_kafka *src)
{
	int cnt = src->partition_cnt, known = src->partition_cnt, err = 0;

	if (now_ms() - src->looked_ms < LOOK_MS)
		return 0;
	src->looked_ms = now_ms();
	if (count_partitions(src, &cnt) || cnt <= known)
		return 0;
	log_warn("kafka://%s: topic \"%s\" has %d partitions now, %d before", src->servers,
		 src->topic_name, cnt, known);
	add_partitions(src, cnt);
	for (int i = known; i < cnt && !err; i++)
		err = start_partition(src, i);
	return err;
}

/* A broker that is away comes back, or the user ends it. */
static int follow_error(struct source_kafka *src, rd_kafka_resp_err_t err)
{
	if (is_final(err) || is_final(src->err))
		return tell_error(src, err);
	if (!src->is_away && src->err)
		log_warn("kafka://%s: no answer from the broker (%s); waiting for it", src->servers,
			 src->err_text);
	src->is_away |= src->err != 0;
	return 0;
}

static void follow_heard(struct source_kafka *src)
{
	if (src->is_away)
		log_warn("kafka://%s: the broker is there again", src->servers);
	src->is_away = false;
	src->err = 0;
}

static int source_kafka_follow_next(struct source *source, struct source_item *ret_item)
{
	struct source_kafka *src = (struct source_kafka *)source;
	rd_kafka_resp_err_t err;
	int told = look_for_partitions(src);

	if (src->msg)
		rd_kafka_message_destroy(TAKE_PTR(src->msg));
	*ret_item = (struct source_item){.what = SOURCE_WAIT};
	if (told)
		return told;
	src->msg = rd_kafka_consume_queue(src->queue, POLL_MS);
	err = src->msg ? src->msg->err : RD_KAFKA_RESP_ERR_NO_ERROR;
	rd_kafka_poll(src->rk, 0);
	if (src->msg && !err) {
		follow_heard(src);
		give(src->msg, ret_item);
		return 0;
	}
	if (err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		follow_heard(src);
	else if (err || src->err)
		return follow_error(src, err);
	return 0;
}

static int start_following(struct source_kafka *src)
{
	struct source_part part = {
		.is_anywhere = 1, .since_ns = src->opts.follow_since_ns, .until_ns = INT64_MAX};
	int err = 0;

	src->queue = rd_kafka_queue_new(src->rk);
	src->looked_ms = now_ms();
	for (int i = 0; i < src->partition_cnt && !err; i++) {
		struct partition *p = &src->partitions[i];

		if (part.since_ns == INT64_MIN)
			p->from = p->high;
		else
			err = find_bounds(src, i, &part);
		/* An offset, even where it is that of the beginning: more may be deleted till then.
		 */
		p->low = p->from - 1;
		p->until = INT64_MAX;
		if (err)
			return complain(err, "kafka://%s: no answer from the broker (%s)",
					src->servers, src->err_text);
		err = start_partition(src, i);
	}
	return err;
}

/* --- open and close */

static void source_kafka_close(struct source *source)
{
	struct source_kafka *src = (struct source_kafka *)source;

	stop_client(src);
	forget_nodes(src);
	merge_fini(&src->merge);
	free(src->partitions);
	free(src->servers);
	free(src->topic_name);
	free(src);
}

static int connect_to_topic(struct source_kafka *src)
{
	int64_t deadline_ms = now_ms() + src->timeout_ms;
	int err = start_client(src, 1);

	if (!err)
		err = find_partitions(src, deadline_ms);
	if (!err)
		err = find_watermarks(src, deadline_ms);
	return err ? err : fit_client(src);
}

int source_kafka_open(const char *servers, const struct source_opts *opts, struct source **ret_src)
{
	static const struct source_type type = {
		.next = source_kafka_next,
		.rewind = source_kafka_rewind,
		.part = source_kafka_set_part,
		.close = source_kafka_close,
	};
	static const struct source_type following = {
		.next = source_kafka_follow_next,
		.close = source_kafka_close,
	};

	if (!*servers || strpbrk(servers, "/ \t\n"))
		return complain(-EINVAL, "kafka://%s: want kafka://host:port[,host:port]", servers);
	struct source_kafka *src = memory_zalloc(sizeof(*src));

	src->source.type = opts->follow ? &following : &type;
	src->servers = memory_strdup(servers);
	src->topic_name = memory_strdup(opts->topic ? opts->topic : DEFAULT_TOPIC);
	src->opts = *opts;
	src->directory = opts->directory;
	src->timeout_ms = opts->timeout_ms > 0 ? opts->timeout_ms : DEFAULT_TIMEOUT_MS;
	int err = connect_to_topic(src);

	if (!err) {
		src->source.partition_cnt = src->partition_cnt;
		merge_init(&src->merge, src->partition_cnt, next_of_partition, src);
	}
	if (!err && opts->follow)
		err = start_following(src);
	if (err < 0) {
		source_kafka_close(&src->source);
		return err;
	}
	*ret_src = &src->source;
	return 0;
}
