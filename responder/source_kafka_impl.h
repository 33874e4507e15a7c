/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the Kafka source share; nobody else includes it. */
#ifndef VARVE_RESPONDER_SOURCE_KAFKA_IMPL_H
#define VARVE_RESPONDER_SOURCE_KAFKA_IMPL_H

#include "responder/merge.h"
#include "responder/source.h"
#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#define POLL_MS 100

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

int64_t kafka_now_ms(void);
/* No use in trying again: the answer will be the same. */
bool kafka_is_final(rd_kafka_resp_err_t err);
/* Tells in one line what is wrong, and gives the errno of it. */
int kafka_tell_error(struct source_kafka *src, rd_kafka_resp_err_t err);
/* active: partitions that will be read at the same time. */
int kafka_start_client(struct source_kafka *src, int active);
void kafka_stop_client(struct source_kafka *src);
rd_kafka_resp_err_t kafka_count_partitions(struct source_kafka *src, int *ret_cnt);
int kafka_start_partition(struct source_kafka *src, int i);
void kafka_stop_partition(struct source_kafka *src, int i);
/* The offsets of this time. */
int kafka_find_bounds(struct source_kafka *src, int i, const struct source_part *part);
/* The message as an item. */
void kafka_give(const rd_kafka_message_t *msg, struct source_item *ret_item);

/* Instead of reading to the end; as source_next(). */
int kafka_start_following(struct source_kafka *src);
int kafka_follow_next(struct source *source, struct source_item *ret_item);

#endif
