/* SPDX-License-Identifier: Apache-2.0 */
/* A topic that is followed: read on from its end, or a time, with the partitions that are added to
 * it. */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/complain.h"
#include "responder/memory.h"
#include "responder/source_kafka_impl.h"

#define LOOK_MS 5000 /* how often partitions are counted */

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

	if (kafka_now_ms() - src->looked_ms < LOOK_MS)
		return 0;
	src->looked_ms = kafka_now_ms();
	if (kafka_count_partitions(src, &cnt) || cnt <= known)
		return 0;
	log_warn("kafka://%s: topic \"%s\" has %d partitions now, %d before", src->servers,
		 src->topic_name, cnt, known);
	add_partitions(src, cnt);
	for (int i = known; i < cnt && !err; i++)
		err = kafka_start_partition(src, i);
	return err;
}

/* A broker that is away comes back, or the user ends it. */
static int follow_error(struct source_kafka *src, rd_kafka_resp_err_t err)
{
	if (kafka_is_final(err) || kafka_is_final(src->err))
		return kafka_tell_error(src, err);
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

int kafka_follow_next(struct source *source, struct source_item *ret_item)
{
	struct source_kafka *src = (struct source_kafka *)source;
	rd_kafka_resp_err_t err;
	int told = look_for_partitions(src);

	if (src->msg)
		rd_kafka_message_destroy(TAKE_PTR(src->msg));
	*ret_item = (struct source_item){.what = SOURCE_WAIT};
	if (told)
		return told;
	src->msg = rd_kafka_consume_queue(src->queue, source->no_wait ? 0 : POLL_MS);
	err = src->msg ? src->msg->err : RD_KAFKA_RESP_ERR_NO_ERROR;
	rd_kafka_poll(src->rk, 0);
	if (src->msg && !err) {
		follow_heard(src);
		kafka_give(src->msg, ret_item);
		return 0;
	}
	if (err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		follow_heard(src);
	else if (err || src->err)
		return follow_error(src, err);
	return 0;
}

int kafka_start_following(struct source_kafka *src)
{
	struct source_part part = {
		.is_anywhere = 1, .since_ns = src->opts.follow_since_ns, .until_ns = INT64_MAX};
	int err = 0;

	src->queue = rd_kafka_queue_new(src->rk);
	src->looked_ms = kafka_now_ms();
	for (int i = 0; i < src->partition_cnt && !err; i++) {
		struct partition *p = &src->partitions[i];

		if (part.since_ns == INT64_MIN)
			p->from = p->high;
		else
			err = kafka_find_bounds(src, i, &part);
		/* An offset, even where it is that of the beginning: more may be deleted till then.
		 */
		p->low = p->from - 1;
		p->until = INT64_MAX;
		if (err)
			return complain(err, "kafka://%s: no answer from the broker (%s)",
					src->servers, src->err_text);
		err = kafka_start_partition(src, i);
	}
	return err;
}
