/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence in a Kafka topic: its partitions from their beginnings up to the high watermarks that
 * they had at open, all at once, put in order. Partitions are read by number without a consumer
 * group, so that a responder needs no right but to read the topic, and leaves no trace on the
 * broker.
 */
#include "evidence/base.h"
#include "evidence/confluent.h"
#include "responder/complain.h"
#include "responder/memory.h"
#include "responder/source_kafka_impl.h"
#include <string.h>

#define DEFAULT_TOPIC	   "varve.events"
#define DEFAULT_TIMEOUT_MS 10000

/* Partitions are numbered from 0 without gaps. */
static int find_partitions(struct source_kafka *src, int64_t deadline_ms)
{
	rd_kafka_resp_err_t err;

	while ((err = kafka_count_partitions(src, &src->partition_cnt))) {
		rd_kafka_poll(src->rk, POLL_MS);
		if (kafka_is_final(err) || kafka_is_final(src->err) ||
		    kafka_now_ms() >= deadline_ms)
			return kafka_tell_error(src, err);
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
			if (kafka_is_final(err) || kafka_is_final(src->err) ||
			    kafka_now_ms() >= deadline_ms)
				return kafka_tell_error(src, err);
		}
	}
	src->err = 0;
	return all_wanted(src);
}

void kafka_stop_partition(struct source_kafka *src, int i)
{
	struct partition *p = &src->partitions[i];

	if (p->msg)
		rd_kafka_message_destroy(TAKE_PTR(p->msg));
	if (p->started)
		rd_kafka_consume_stop(src->topic, i);
	p->started = false;
}

int kafka_start_partition(struct source_kafka *src, int i)
{
	struct partition *p = &src->partitions[i];
	int64_t offset = p->from > p->low ? p->from : RD_KAFKA_OFFSET_BEGINNING;
	int got = src->queue ? rd_kafka_consume_start_queue(src->topic, i, offset, src->queue)
			     : rd_kafka_consume_start(src->topic, i, offset);

	if (got < 0)
		return kafka_tell_error(src, rd_kafka_last_error());
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
		*deadline_ms = kafka_now_ms() + src->timeout_ms;
	if (!err && offset < p->until && !is_passed_over(src, msg))
		p->msg = TAKE_PTR(msg);
	if (msg)
		rd_kafka_message_destroy(msg);
	if (!err || p->done)
		return 0;
	return kafka_is_final(err) || kafka_is_final(src->err) || kafka_now_ms() >= *deadline_ms
		       ? kafka_tell_error(src, err)
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

void kafka_give(const rd_kafka_message_t *msg, struct source_item *ret_item)
{
	size_t skip = prefix_len(msg);

	*ret_item = (struct source_item){
		.what = SOURCE_RECORD,
		.payload = (const uint8_t *)msg->payload + skip,
		.len = msg->len - skip,
		.partition = msg->partition,
	};
}

/* All at once: each waits for the answer that the broker owes for those before it. */
static int start_all(struct source_kafka *src)
{
	int err = 0;

	for (int i = 0; i < src->partition_cnt && !err; i++) {
		const struct partition *p = &src->partitions[i];

		if (!p->started && !p->done && p->from < p->until)
			err = kafka_start_partition(src, i);
	}
	return err;
}

static int next_of_partition(void *ctx, size_t i, struct source_item *ret_item)
{
	struct source_kafka *src = ctx;
	struct partition *p = &src->partitions[i];
	int64_t deadline_ms = kafka_now_ms() + src->timeout_ms;
	int err = 0;

	if (p->msg)
		rd_kafka_message_destroy(TAKE_PTR(p->msg));
	p->done |= p->from >= p->until;
	if (!p->done && !p->started)
		err = start_all(src);
	while (!err && !p->done && !p->msg)
		err = fetch(src, i, &deadline_ms);
	if (err)
		return err;
	if (p->msg) {
		kafka_give(p->msg, ret_item);
		return 0;
	}
	kafka_stop_partition(src, i);
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
		kafka_stop_partition(src, i);
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

int kafka_find_bounds(struct source_kafka *src, int i, const struct source_part *part)
{
	struct partition *p = &src->partitions[i];

	if (part->since_ns > 0)
		p->from = find_offset(src, i, part->since_ns, p->high);
	if (part->until_ns < INT64_MAX)
		p->until = find_offset(src, i, part->until_ns, p->high);
	return p->from < 0 || p->until < 0 ? -EIO : 0;
}

/* How much is fetched ahead of each partition can be said at the start of a client only. */
static int fit_client(struct source_kafka *src)
{
	int active = 0;

	for (int i = 0; i < src->partition_cnt; i++)
		active += src->partitions[i].from < src->partitions[i].until || src->opts.follow;
	if (MAX(active, 1) == src->active)
		return 0;
	kafka_stop_client(src);
	return kafka_start_client(src, MAX(active, 1));
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
			err = kafka_find_bounds(src, i, part);
		else
			src->partitions[i].until = src->partitions[i].from;
	}
	if (err)
		all_wanted(src);
	else if (part)
		keep_nodes(src, part);
	return err ? err : fit_client(src);
}

/* --- open and close */

static void source_kafka_close(struct source *source)
{
	struct source_kafka *src = (struct source_kafka *)source;

	kafka_stop_client(src);
	forget_nodes(src);
	merge_fini(&src->merge);
	free(src->partitions);
	free(src->servers);
	free(src->topic_name);
	free(src);
}

static int connect_to_topic(struct source_kafka *src)
{
	int64_t deadline_ms = kafka_now_ms() + src->timeout_ms;
	int err = kafka_start_client(src, 1);

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
		.next = kafka_follow_next,
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
		err = kafka_start_following(src);
	if (err < 0) {
		source_kafka_close(&src->source);
		return err;
	}
	*ret_src = &src->source;
	return 0;
}
