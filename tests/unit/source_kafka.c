/* SPDX-License-Identifier: Apache-2.0 */
/* A topic as a source, against librdkafka's mock cluster: all partitions, to the watermark, again,
 * and errors. */
#include "tests/unit/responder_sample.h"
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#define TOPIC "varve.events"

struct fixture {
	rd_kafka_t *producer;
	rd_kafka_mock_cluster_t *cluster;
	struct source *src;
	struct source_opts opts;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[256];

	assert_int_equal(rd_kafka_conf_set(conf, "log_level", "2", text, sizeof(text)),
			 RD_KAFKA_CONF_OK);
	/* The mock cluster lives in a client; the same client produces to it. */
	assert_int_equal(rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", text, sizeof(text)),
			 RD_KAFKA_CONF_OK);
	f->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	assert_non_null(f->producer);
	f->cluster = rd_kafka_handle_mock_cluster(f->producer);
	assert_non_null(f->cluster);
	rd_kafka_mock_topic_create(f->cluster, TOPIC, 3, 1);
	f->opts.timeout_ms = 10000;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	source_close(f->src);
	rd_kafka_destroy(f->producer);
	free(f);
	return 0;
}

static void produce(struct fixture *f, const char *topic, int partition, const char *text)
{
	assert_int_equal(rd_kafka_producev(f->producer, RD_KAFKA_V_TOPIC(topic),
					   RD_KAFKA_V_PARTITION(partition),
					   RD_KAFKA_V_VALUE((void *)text, strlen(text)),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
					   RD_KAFKA_V_END),
			 0);
	assert_int_equal(rd_kafka_flush(f->producer, 10000), 0);
}

static void produce_key(struct fixture *f, int partition, const char *key, const char *text)
{
	assert_int_equal(
		rd_kafka_producev(f->producer, RD_KAFKA_V_TOPIC(TOPIC),
				  RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY(key, strlen(key)),
				  RD_KAFKA_V_VALUE((void *)text, strlen(text)),
				  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
		0);
	assert_int_equal(rd_kafka_flush(f->producer, 10000), 0);
}

static void produce_value(struct fixture *f, const char *framing, const void *value, size_t len)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(1);

	assert_int_equal(rd_kafka_header_add(headers, "schema", -1, "varve.v1.Event/1", -1), 0);
	if (framing)
		assert_int_equal(rd_kafka_header_add(headers, "framing", -1, framing, -1), 0);
	assert_int_equal(rd_kafka_producev(f->producer, RD_KAFKA_V_TOPIC(TOPIC),
					   RD_KAFKA_V_PARTITION(0),
					   RD_KAFKA_V_VALUE((void *)value, len),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
					   RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END),
			 0);
	assert_int_equal(rd_kafka_flush(f->producer, 10000), 0);
}

static int open_source(struct fixture *f)
{
	char name[256];

	snprintf(name, sizeof(name), "kafka://%s", rd_kafka_mock_cluster_bootstraps(f->cluster));
	return source_open(name, &f->opts, &f->src);
}

static void expect(struct fixture *f, unsigned int partition, const char *text)
{
	struct source_item item;

	assert_int_equal(source_next(f->src, &item), 0);
	assert_int_equal(item.what, SOURCE_RECORD);
	assert_int_equal(item.partition, partition);
	assert_int_equal(item.len, strlen(text));
	assert_memory_equal(item.payload, text, item.len);
}

static void expect_end(struct fixture *f)
{
	struct source_item item;

	assert_int_equal(source_next(f->src, &item), 0);
	assert_int_equal(item.what, SOURCE_END);
}

static void test_all_partitions_twice(void **state)
{
	struct fixture *f = *state;

	produce(f, TOPIC, 2, "c0");
	produce(f, TOPIC, 0, "a0");
	produce(f, TOPIC, 2, "c1");
	produce(f, TOPIC, 0, "a1");
	assert_int_equal(open_source(f), 0);
	for (int pass = 0; pass < 2; pass++) {
		expect(f, 0, "a0");
		expect(f, 0, "a1");
		expect(f, 2, "c0");
		expect(f, 2, "c1");
		expect_end(f);
		assert_int_equal(source_rewind(f->src), 0);
	}
	/* again, from the middle of a partition */
	expect(f, 0, "a0");
	assert_int_equal(source_rewind(f->src), 0);
	expect(f, 0, "a0");
}

static void expect_bytes(struct fixture *f, const void *bytes, size_t len)
{
	struct source_item item;

	assert_int_equal(source_next(f->src, &item), 0);
	assert_int_equal(item.what, SOURCE_RECORD);
	assert_int_equal(item.len, len);
	assert_memory_equal(item.payload, bytes, len);
}

/* Each value, with its header, and where its payload begins. */
static void test_framings(void **state)
{
	static const struct {
		const char *header;
		const char value[10];
		size_t len, skip;
	} values[] = {
		{NULL,
		 "\x0a\x04"
		 "EXEC",
		 6, 0},
		{"confluent", "\0\0\0\0\7\0\x0a\1X", 9, 6},
		{"confluent", "\0\xff\xff\xff\xff\2\0\x0a", 8, 7}, /* the long form of the path */
		{NULL, "\0\0\0\0\7\0\x0a\1X", 9, 6}, /* headers were lost on the way */
		/* Not as the header says, or not a prefix of ours: as it is. */
		{"confluent",
		 "\x0a\x04"
		 "EXEC",
		 6, 0},
		{"confluent", "\0\0\0\0\7\2\2\x0a", 8, 0}, /* the second message of a file */
		{"confluent", "\0\0\0\0\7", 5, 0},
		{"confluent", "\0\0\0\0\7\2", 6, 0},
		{"confluent", "\0", 1, 0},
		{"confluent", "", 0, 0},
		{"confluent", "\0\0\0\0\7\0", 6, 6}, /* nothing in it */
		{"another", "\0\0\0\0\7\0\x0a\1X", 9, 0},
		{"", "\0\0\0\0\7\0\x0a\1X", 9, 0},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		produce_value(f, values[i].header, values[i].value, values[i].len);
	assert_int_equal(open_source(f), 0);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		expect_bytes(f, values[i].value + values[i].skip, values[i].len - values[i].skip);
	expect_end(f);
}

static void test_ends_at_the_watermark(void **state)
{
	struct fixture *f = *state;

	produce(f, TOPIC, 1, "b0");
	assert_int_equal(open_source(f), 0);
	produce(f, TOPIC, 1, "later");
	produce(f, TOPIC, 0, "later, too");
	expect(f, 1, "b0");
	expect_end(f);
	expect_end(f);
}

/* What a topic that was given more partitions has of a node. */
static void test_one_nodes_records_in_all_partitions(void **state)
{
	struct fixture *f = *state;
	char *node = strdup("n1");
	const char *nodes[] = {node};
	const struct source_part part = {.nodes = nodes,
					 .node_cnt = 1,
					 .is_anywhere = 1,
					 .since_ns = INT64_MIN,
					 .until_ns = INT64_MAX};

	produce_key(f, 0, "n1", "a0");
	produce_key(f, 0, "n2", "a1");
	produce_key(f, 1, "n2", "b0");
	produce_key(f, 2, "n2", "c0");
	produce_key(f, 2, "n1", "c1");
	produce_key(f, 2, "n", "c2");
	assert_int_equal(open_source(f), 0);
	assert_int_equal(source_kafka_part(f->src, &part), 0);
	free(node); /* it is not needed any more */
	for (int pass = 0; pass < 2; pass++) {
		expect(f, 0, "a0");
		expect(f, 2, "c1");
		expect_end(f);
		assert_int_equal(source_rewind(f->src), 0);
	}
	assert_int_equal(source_read_all(f->src), 0);
	expect(f, 0, "a0");
	expect(f, 0, "a1");
}

#define MANY	  100
#define LARGE_LEN (700 << 10)

/* Of so many partitions less is asked for at a time than a record of theirs has. */
static void test_large_records_of_many_partitions(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *text = malloc(LARGE_LEN);
	struct source_item item;
	bool seen[MANY] = {};

	memset(text, 'x', LARGE_LEN);
	rd_kafka_mock_topic_create(f->cluster, "many", MANY, 1);
	f->opts.topic = "many";
	for (int i = 0; i < MANY; i++)
		assert_int_equal(rd_kafka_producev(
					 f->producer, RD_KAFKA_V_TOPIC("many"),
					 RD_KAFKA_V_PARTITION(i), RD_KAFKA_V_VALUE(text, LARGE_LEN),
					 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
				 0);
	assert_int_equal(rd_kafka_flush(f->producer, 20000), 0);
	assert_int_equal(open_source(f), 0);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(source_next(f->src, &item), 0);
		assert_int_equal(item.what, SOURCE_RECORD);
		assert_int_equal(item.len, LARGE_LEN);
		assert_false(seen[item.partition]);
		seen[item.partition] = true;
	}
	expect_end(f);
}

/* By run and number, as a sample has them; the partitions change within a run. */
static void test_order_over_partitions(void **state)
{
	struct fixture *f = *state;
	struct sample s;
	struct source_item item;
	uint64_t cnt = 0;

	sample_init(&s);
	sample_run_start(&s, NULL, 0);
	for (int i = 0; i < 100; i++)
		sample_heartbeat(&s);
	for (size_t i = 0; i < s.cnt; i++) {
		assert_int_equal(
			rd_kafka_producev(f->producer, RD_KAFKA_V_TOPIC(TOPIC),
					  RD_KAFKA_V_PARTITION(i < 50	? 2
							       : i < 80 ? 0
									: 1),
					  RD_KAFKA_V_VALUE(s.items[i].payload, s.items[i].len),
					  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
			0);
	}
	assert_int_equal(rd_kafka_flush(f->producer, 10000), 0);
	assert_int_equal(open_source(f), 0);
	while (!source_next(f->src, &item) && item.what == SOURCE_RECORD) {
		assert_int_equal(item.len, s.items[cnt].len);
		assert_memory_equal(item.payload, s.items[cnt].payload, item.len);
		assert_int_equal(item.partition, cnt < 50 ? 2 : cnt < 80 ? 0 : 1);
		cnt++;
	}
	assert_int_equal(cnt, s.cnt);
	sample_fini(&s);
}

static void expect_later(struct fixture *f, const char *text)
{
	struct source_item item = {.what = SOURCE_WAIT};

	for (int i = 0; i < 100 && item.what == SOURCE_WAIT; i++)
		assert_int_equal(source_next(f->src, &item), 0);
	assert_int_equal(item.what, SOURCE_RECORD);
	assert_int_equal(item.len, strlen(text));
	assert_memory_equal(item.payload, text, item.len);
}

static void test_follow(void **state)
{
	struct fixture *f = *state;
	struct source_item item;

	produce(f, TOPIC, 1, "before");
	f->opts.follow = 1;
	f->opts.follow_since_ns = INT64_MIN;
	assert_int_equal(open_source(f), 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(source_next(f->src, &item), 0);
		assert_int_equal(item.what, SOURCE_WAIT);
	}
	produce(f, TOPIC, 1, "b");
	expect_later(f, "b");
	produce(f, TOPIC, 0, "a");
	expect_later(f, "a");
	produce_value(f, "confluent", "\0\0\0\0\7\0framed", 12);
	expect_later(f, "framed");
	/* A broker that goes away for a while is waited for. */
	rd_kafka_mock_broker_set_down(f->cluster, 1);
	for (int i = 0; i < 15; i++) {
		assert_int_equal(source_next(f->src, &item), 0);
		assert_int_equal(item.what, SOURCE_WAIT);
	}
	rd_kafka_mock_broker_set_up(f->cluster, 1);
	produce(f, TOPIC, 1, "c");
	expect_later(f, "c");
}

static void test_empty_topic(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(open_source(f), 0);
	expect_end(f);
}

static void test_other_topic(void **state)
{
	struct fixture *f = *state;

	rd_kafka_mock_topic_create(f->cluster, "other", 1, 1);
	produce(f, "other", 0, "x");
	f->opts.topic = "other";
	assert_int_equal(open_source(f), 0);
	expect(f, 0, "x");
	expect_end(f);
}

static void test_topic_is_missing(void **state)
{
	struct fixture *f = *state;

	f->opts.topic = "missing";
	rd_kafka_mock_topic_set_error(f->cluster, "missing",
				      RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	assert_int_equal(open_source(f), -ENOENT);
	assert_null(f->src);
}

static void test_topic_is_forbidden(void **state)
{
	struct fixture *f = *state;

	rd_kafka_mock_topic_set_error(f->cluster, TOPIC,
				      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	assert_int_equal(open_source(f), -EACCES);
}

static void test_broker_is_away(void **state)
{
	struct fixture *f = *state;

	f->opts.timeout_ms = 1500;
	rd_kafka_mock_broker_set_down(f->cluster, 1);
	assert_int_equal(open_source(f), -EIO);
}

static void test_broker_goes_away_while_reading(void **state)
{
	/* Not all of it has been fetched by then. */
	const struct source_property properties[] = {
		{.name = "queued.min.messages", .value = "1"},
		{.name = "queued.max.messages.kbytes", .value = "1"},
		{.name = "fetch.message.max.bytes", .value = "1000"},
	};
	struct fixture *f = *state;
	struct source_item item = {};
	char text[2000] = "";
	int err;

	memset(text, 'b', sizeof(text) - 1);
	produce(f, TOPIC, 0, "a0");
	for (int i = 0; i < 20; i++)
		produce(f, TOPIC, 1, text);
	f->opts.properties = properties;
	f->opts.property_cnt = ARRAY_SIZE(properties);
	f->opts.timeout_ms = 1500;
	assert_int_equal(open_source(f), 0);
	expect(f, 0, "a0");
	rd_kafka_mock_broker_set_down(f->cluster, 1);
	while (!(err = source_next(f->src, &item)))
		assert_int_not_equal(item.what, SOURCE_END);
	assert_int_equal(err, -EIO);
}

static void test_bad_property(void **state)
{
	struct fixture *f = *state;
	const struct source_property property = {.name = "no.such.property", .value = "1"};

	f->opts.properties = &property;
	f->opts.property_cnt = 1;
	assert_int_equal(open_source(f), -EINVAL);
}

static void test_bad_address(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(source_open("kafka://", &f->opts, &f->src), -EINVAL);
	assert_int_equal(source_open("kafka://host:1/topic", &f->opts, &f->src), -EINVAL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_all_partitions_twice),
		T(test_ends_at_the_watermark),
		T(test_one_nodes_records_in_all_partitions),
		T(test_large_records_of_many_partitions),
		T(test_order_over_partitions),
		T(test_follow),
		T(test_empty_topic),
		T(test_other_topic),
		T(test_framings),
		T(test_topic_is_missing),
		T(test_topic_is_forbidden),
		T(test_broker_is_away),
		T(test_broker_goes_away_while_reading),
		T(test_bad_property),
		T(test_bad_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
