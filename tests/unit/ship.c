/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shipper against librdkafka's mock brokers: what arrives, in which order, and where the cursor
 * stands meanwhile. Includes the module to reach its producer (an injected fatal error).
 */
#include "sensor/ship.c"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <librdkafka/rdkafka_mock.h>
#include <limits.h>

#include "evidence/confluent.h"
#include "evidence/log.h"

#define TOPIC	    "varve.test"
#define PODS	    "varve.pods.test"
#define NODE	    "node-1"
#define RUN_ID	    "11111111-2222-3333-4444-555555555555"
#define API_PRODUCE 0
#define WAIT_MS	    30000

static char dir[64];
static struct log *evidence;
static uint64_t sequence;
static rd_kafka_t *mock_owner;
static rd_kafka_mock_cluster_t *mock;
static struct conf_kafka_property properties[8];
static struct conf conf;

/* What refused() was told. */
static struct {
	int cnt;
	uint64_t index, sequence;
	char run_id[64], reason[128];
} told;

static void property(const char *name, const char *value)
{
	assert_true(conf.kafka_cnt < ARRAY_SIZE(properties));
	properties[conf.kafka_cnt++] =
		(struct conf_kafka_property){.name = (char *)name, .value = (char *)value};
}

static void start_mock(void)
{
	rd_kafka_conf_t *kc = rd_kafka_conf_new();

	mock_owner = rd_kafka_new(RD_KAFKA_PRODUCER, kc, NULL, 0);
	mock = rd_kafka_mock_cluster_new(mock_owner, 1);
	rd_kafka_mock_topic_create(mock, TOPIC, 4, 1);
}

static int setup(void **state)
{
	const struct log_opts opts = {.segment_bytes = 1 << 20, .limit_bytes = 1 << 30};
	struct log_recovery recovery;

	(void)state;
	strcpy(dir, "/tmp/varve-ship-XXXXXX");
	if (!mkdtemp(dir) || log_open(dir, &opts, &evidence, &recovery))
		return -1;
	sequence = 0;
	memset(&told, 0, sizeof(told));
	start_mock();
	conf = (struct conf){
		.log_dir = dir, .kafka_topic = TOPIC, .node_name = NODE, .kafka = properties};
	property("bootstrap.servers", rd_kafka_mock_cluster_bootstraps(mock));
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	log_close(evidence);
	rd_kafka_mock_cluster_destroy(mock);
	rd_kafka_destroy(mock_owner);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* An EXEC of a pod's container for even sequences, a record of no container for odd ones. */
static void append_sized(size_t filler)
{
	_cleanup_free_ char *path = calloc(1, filler + 1);
	Varve__V1__Event event = VARVE__V1__EVENT__INIT;
	Varve__V1__Container container = VARVE__V1__CONTAINER__INIT;
	Varve__V1__Pod pod = VARVE__V1__POD__INIT;
	Varve__V1__ContainerStart start = VARVE__V1__CONTAINER_START__INIT;
	_cleanup_free_ uint8_t *payload = NULL;
	char id[32];

	memset(path, 'x', filler);
	snprintf(id, sizeof(id), "container-%llu", (unsigned long long)sequence);
	container.id = id;
	pod.uid = "pod-uid";
	event.kind = sequence % 2 ? "HEARTBEAT" : "CONTAINER_START";
	event.run_id = RUN_ID;
	event.node_name = NODE;
	event.has_sequence = event.has_time_unix_nano = true;
	event.time_unix_nano = 1700000000000000000LL + (int64_t)sequence * 1000000;
	event.sequence = sequence;
	if (sequence++ % 2 == 0) {
		event.container = &container;
		event.pod = &pod;
	}
	start.cgroup_path = path;
	event.body_case = VARVE__V1__EVENT__BODY_CONTAINER_START;
	event.container_start = &start;
	payload = malloc(varve__v1__event__get_packed_size(&event));
	assert_int_equal(
		log_append(evidence, payload, varve__v1__event__pack(&event, payload), NULL), 0);
}

/* A POD_STATE of pod "uid-N". */
static void append_pod_state(int n)
{
	Varve__V1__Event event = VARVE__V1__EVENT__INIT;
	Varve__V1__Pod pod = VARVE__V1__POD__INIT;
	Varve__V1__PodState state = VARVE__V1__POD_STATE__INIT;
	uint8_t payload[256];
	char uid[16];

	snprintf(uid, sizeof(uid), "uid-%d", n);
	pod.uid = uid;
	pod.name = n < 100 ? "web" : NULL;
	event.kind = "POD_STATE";
	event.run_id = RUN_ID;
	event.node_name = NODE;
	event.has_sequence = event.has_time_unix_nano = true;
	event.time_unix_nano = 1700000000000000000LL + (int64_t)sequence * 1000000;
	event.sequence = sequence++;
	event.pod = &pod;
	event.body_case = VARVE__V1__EVENT__BODY_POD_STATE;
	event.pod_state = &state;
	assert_int_equal(
		log_append(evidence, payload, varve__v1__event__pack(&event, payload), NULL), 0);
	assert_int_equal(log_flush(evidence), 0);
}

static void append(int cnt)
{
	for (int i = 0; i < cnt; i++)
		append_sized(100);
	assert_int_equal(log_flush(evidence), 0);
}

static void on_refused(uint64_t index, const char *run_id, uint64_t seq, int64_t time,
		       const char *reason, void *ctx)
{
	assert_ptr_equal(ctx, &told);
	assert_int_equal(time, 1700000000000000000LL + (int64_t)seq * 1000000);
	told.cnt++;
	told.index = index;
	told.sequence = seq;
	snprintf(told.run_id, sizeof(told.run_id), "%s", run_id);
	snprintf(told.reason, sizeof(told.reason), "%s", reason);
}

static struct ship *open_ship(void)
{
	struct ship *ship = NULL;

	assert_int_equal(ship_open(&conf, &ship), 0);
	return ship;
}

static void run_for(struct ship *ship, uint64_t ms)
{
	uint64_t end = ship_now_ms() + ms;

	while (ship_now_ms() < end) {
		assert_int_equal(ship_run(ship, on_refused, &told), 0);
		usleep(1000);
	}
}

static void run_until(struct ship *ship, uint64_t index)
{
	uint64_t end = ship_now_ms() + WAIT_MS;

	while (ship_acknowledged(ship) < index && ship_now_ms() < end) {
		assert_int_equal(ship_run(ship, on_refused, &told), 0);
		usleep(1000);
	}
	assert_int_equal(ship_acknowledged(ship), index);
}

/* --- what arrived */

static rd_kafka_t *open_consumer(const char *topic)
{
	rd_kafka_conf_t *kc = rd_kafka_conf_new();
	rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(4);
	rd_kafka_t *rk;

	rd_kafka_conf_set(kc, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(mock), NULL, 0);
	rd_kafka_conf_set(kc, "group.id", "test", NULL, 0);
	rd_kafka_conf_set(kc, "enable.partition.eof", "true", NULL, 0);
	rd_kafka_conf_set(kc, "fetch.wait.max.ms", "10", NULL, 0);
	rk = rd_kafka_new(RD_KAFKA_CONSUMER, kc, NULL, 0);
	for (int i = 0; i < 4; i++)
		rd_kafka_topic_partition_list_add(all, topic, i)->offset =
			RD_KAFKA_OFFSET_BEGINNING;
	assert_int_equal(rd_kafka_assign(rk, all), 0);
	rd_kafka_topic_partition_list_destroy(all);
	return rk;
}

static const char *header(const rd_kafka_message_t *msg, const char *name)
{
	rd_kafka_headers_t *headers;
	const void *value;
	size_t size;

	if (rd_kafka_message_headers(msg, &headers) ||
	    rd_kafka_header_get_last(headers, name, &value, &size))
		return NULL;
	assert_int_equal(strlen(value), size);
	return value;
}

/* The event in a message, which is framed as conf says. */
static Varve__V1__Event *event_of(const rd_kafka_message_t *msg)
{
	static const uint8_t prefix[] = {0, 1, 2, 3, 4, 0};
	const uint8_t *value = msg->payload;
	size_t skip = 0;

	if (conf.kafka_framing) {
		skip = CONFLUENT_LEN;
		assert_true(msg->len > skip);
		assert_memory_equal(value, prefix, skip);
		assert_string_equal(header(msg, "framing"), "confluent");
	} else {
		assert_null(header(msg, "framing"));
	}
	return event_decode(value + skip, msg->len - skip);
}

static void check_message(const rd_kafka_message_t *msg, const Varve__V1__Event *event)
{
	rd_kafka_timestamp_type_t type;
	char id[32];

	assert_int_equal(msg->key_len, strlen(NODE));
	assert_memory_equal(msg->key, NODE, msg->key_len);
	assert_int_equal(rd_kafka_message_timestamp(msg, &type), event->time_unix_nano / 1000000);
	assert_string_equal(header(msg, "schema"), "varve.v1.Event/1");
	assert_string_equal(header(msg, "kind"), event->kind);
	if (event->sequence % 2) {
		assert_null(header(msg, "pod_uid"));
		assert_null(header(msg, "container_id"));
		return;
	}
	snprintf(id, sizeof(id), "container-%llu", (unsigned long long)event->sequence);
	assert_string_equal(header(msg, "pod_uid"), "pod-uid");
	assert_string_equal(header(msg, "container_id"), id);
}

struct arrived {
	uint64_t cnt;
	uint64_t sequences[20000];
	int partition;
};

static void take_message(struct arrived *a, const rd_kafka_message_t *msg)
{
	Varve__V1__Event *event = event_of(msg);

	assert_non_null(event);
	assert_true(a->cnt < ARRAY_SIZE(a->sequences));
	assert_true(a->partition < 0 || a->partition == msg->partition);
	a->partition = msg->partition;
	check_message(msg, event);
	a->sequences[a->cnt++] = event->sequence;
	varve__v1__event__free_unpacked(event, NULL);
}

/* All that the mock holds, up to the end of each of the four partitions. */
static struct arrived *consume(void)
{
	static struct arrived a;
	rd_kafka_t *rk = open_consumer(TOPIC);
	uint64_t end = ship_now_ms() + WAIT_MS;
	int ends = 0;

	a.cnt = 0;
	a.partition = -1;
	while (ends < 4 && ship_now_ms() < end) {
		rd_kafka_message_t *msg = rd_kafka_consumer_poll(rk, 100);

		if (!msg)
			continue;
		if (msg->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
			ends++;
		else if (!msg->err)
			take_message(&a, msg);
		rd_kafka_message_destroy(msg);
	}
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	assert_int_equal(ends, 4);
	return &a;
}

/* The keys in the topic of pods, each followed by a space, sorted by partition. */
static char *consume_pods(void)
{
	rd_kafka_t *rk = open_consumer(PODS);
	uint64_t end = ship_now_ms() + WAIT_MS;
	static char keys[1024];
	int ends = 0;

	keys[0] = 0;
	while (ends < 4 && ship_now_ms() < end) {
		rd_kafka_message_t *msg = rd_kafka_consumer_poll(rk, 100);

		if (msg && msg->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
			ends++;
		if (msg && !msg->err) {
			Varve__V1__Event *event = event_of(msg);

			assert_string_equal(event->kind, "POD_STATE");
			assert_int_equal(strlen(event->pod->uid), msg->key_len);
			assert_memory_equal(event->pod->uid, msg->key, msg->key_len);
			assert_string_equal(header(msg, "schema"), "varve.v1.Event/1");
			assert_string_equal(header(msg, "kind"), "POD_STATE");
			assert_string_equal(header(msg, "pod_uid"), event->pod->uid);
			strcat(strcat(keys, event->pod->uid), " ");
			varve__v1__event__free_unpacked(event, NULL);
		}
		if (msg)
			rd_kafka_message_destroy(msg);
	}
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	assert_int_equal(ends, 4);
	return keys;
}

/* Exactly 0 to cnt - 1, in order, once, but for `without`. */
static void assert_arrived(uint64_t cnt, int64_t without)
{
	const struct arrived *a = consume();
	uint64_t expected = 0;

	for (uint64_t i = 0; i < a->cnt; i++, expected++) {
		if ((int64_t)expected == without)
			expected++;
		assert_int_equal(a->sequences[i], expected);
	}
	assert_int_equal(expected, cnt);
}

/* --- tests */

static void test_order_key_headers(void **state)
{
	struct ship *ship = open_ship();

	(void)state;
	append(10000);
	run_until(ship, 10000);
	append(3);
	run_until(ship, 10003);
	ship_close(ship, 0);
	assert_arrived(10003, -1);
}

static void test_cursor_moves_on_delivery_only(void **state)
{
	struct ship *ship = open_ship();

	(void)state;
	append(5);
	run_until(ship, 5);
	rd_kafka_mock_broker_set_down(mock, 1);
	append(100);
	run_for(ship, 500);
	assert_int_equal(ship_acknowledged(ship), 5);
	rd_kafka_mock_broker_set_up(mock, 1);
	run_until(ship, 105);
	ship_close(ship, 0);
	assert_arrived(105, -1);
}

static void test_restart_resumes(void **state)
{
	struct ship *ship = open_ship();

	(void)state;
	append(100);
	run_until(ship, 100);
	ship_close(ship, 0);
	append(50);
	ship = open_ship();
	run_until(ship, 150);
	/* Ended with records in the queue: the next start brings them. */
	rd_kafka_mock_broker_set_down(mock, 1);
	append(50);
	run_for(ship, 100);
	ship_close(ship, 0);
	rd_kafka_mock_broker_set_up(mock, 1);
	ship = open_ship();
	assert_int_equal(ship_acknowledged(ship), 0); /* not checked yet */
	run_until(ship, 200);
	ship_close(ship, 0);
	assert_arrived(200, -1);
}

static void test_close_waits_for_acknowledgement(void **state)
{
	struct ship *ship = open_ship();

	(void)state;
	append(2000);
	ship_close(ship, WAIT_MS);
	assert_arrived(2000, -1);
}

static void test_transient_broker_errors(void **state)
{
	struct ship *ship = open_ship();

	(void)state;
	rd_kafka_mock_push_request_errors(
		mock, API_PRODUCE, 4, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
		RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR__TRANSPORT,
		RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
	append(500);
	run_until(ship, 500);
	ship_close(ship, 0);
	assert_arrived(500, -1);
}

static void test_topic_refused_for_a_while(void **state)
{
	struct ship *ship = open_ship();

	(void)state;
	append(10);
	run_until(ship, 10);
	rd_kafka_mock_push_request_errors(mock, API_PRODUCE, 2,
					  RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
					  RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	append(3000);
	run_for(ship, 300);
	assert_int_equal(ship_acknowledged(ship), 10);
	run_until(ship, 3010);
	ship_close(ship, 0);
	assert_arrived(3010, -1);
}

static void test_fatal_error_makes_a_new_producer(void **state)
{
	struct ship *ship = open_ship();
	rd_kafka_t *before = ship->producer.rk;

	(void)state;
	append(100);
	run_until(ship, 100);
	rd_kafka_test_fatal_error(before, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
				  "injected");
	append(100);
	run_until(ship, 200);
	assert_false(ship->producer.fatal);
	ship_close(ship, 0);
	assert_arrived(200, -1);
}

static void test_queue_full_never_blocks(void **state)
{
	struct ship *ship;
	uint64_t before;

	(void)state;
	property("queue.buffering.max.messages", "10");
	ship = open_ship();
	rd_kafka_mock_broker_set_down(mock, 1);
	append(1000);
	before = ship_now_ms();
	for (int i = 0; i < 50; i++)
		assert_int_equal(ship_run(ship, on_refused, &told), 0);
	assert_true(ship_now_ms() - before < 1000);
	assert_true(rd_kafka_outq_len(ship->producer.rk) <= 10);
	rd_kafka_mock_broker_set_up(mock, 1);
	run_until(ship, 1000);
	ship_close(ship, 0);
	assert_arrived(1000, -1);
}

static void test_too_large_is_refused_and_told(void **state)
{
	struct ship *ship;

	(void)state;
	property("message.max.bytes", "2000");
	ship = open_ship();
	append(10);
	append_sized(5000);
	append(10);
	run_until(ship, 21);
	ship_close(ship, 0);
	assert_int_equal(told.cnt, 1);
	assert_int_equal(told.index, 10);
	assert_int_equal(told.sequence, 10);
	assert_string_equal(told.run_id, RUN_ID);
	assert_non_null(strstr(told.reason, "too large"));
	assert_arrived(21, 10);
}

static void test_refusal_holds_the_cursor_for_a_turn(void **state)
{
	struct ship *ship;

	(void)state;
	property("message.max.bytes", "2000");
	ship = open_ship();
	append_sized(5000);
	append(0);
	ship_run(ship, on_refused, &told);
	assert_int_equal(told.cnt, 1);
	assert_int_equal(ship_acknowledged(ship), 0);
	ship_run(ship, on_refused, &told);
	assert_int_equal(ship_acknowledged(ship), 1);
	ship_close(ship, 0);
}

static void test_refused_batch_is_split_before_a_record_is_blamed(void **state)
{
	struct ship *ship = open_ship();

	(void)state;
	rd_kafka_mock_push_request_errors(mock, API_PRODUCE, 2,
					  RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
					  RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	append(500);
	run_until(ship, 500);
	ship_close(ship, 0);
	assert_int_equal(told.cnt, 0);
	assert_arrived(500, -1);
}

static void test_broker_refuses_a_lone_record(void **state)
{
	struct ship *ship;

	(void)state;
	property("batch.size", "4000");
	ship = open_ship();
	rd_kafka_mock_push_request_errors(mock, API_PRODUCE, 1,
					  RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	append_sized(5000);
	append(20);
	run_until(ship, 21);
	ship_close(ship, 0);
	assert_int_equal(told.cnt, 1);
	assert_int_equal(told.sequence, 0);
	assert_arrived(21, 0);
}

static void frame(void)
{
	conf.kafka_framing = CONF_FRAMING_CONFLUENT;
	conf.kafka_schema_id = 0x01020304;
}

static void test_framed(void **state)
{
	struct ship *ship;

	(void)state;
	frame();
	rd_kafka_mock_topic_create(mock, PODS, 4, 1);
	conf.kafka_pods_topic = PODS;
	ship = open_ship();
	append(100);
	append_pod_state(1);
	run_until(ship, 101);
	ship_close(ship, 0);
	assert_string_equal(consume_pods(), "uid-1 ");
}

/* What is told of a refused record is read from what was framed. */
static void test_framed_and_refused(void **state)
{
	struct ship *ship;

	(void)state;
	frame();
	property("batch.size", "4000");
	ship = open_ship();
	rd_kafka_mock_push_request_errors(mock, API_PRODUCE, 1,
					  RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	append_sized(5000);
	append(20);
	run_until(ship, 21);
	ship_close(ship, 0);
	assert_int_equal(told.cnt, 1);
	assert_int_equal(told.sequence, 0);
	assert_string_equal(told.run_id, RUN_ID);
	assert_arrived(21, 0);
}

static void test_skip_to_goes_on_behind(void **state)
{
	struct ship *ship = open_ship();
	const struct arrived *a;

	(void)state;
	append(100);
	ship_skip_to(ship, 40);
	assert_int_equal(ship_acknowledged(ship), 40);
	run_until(ship, 100);
	ship_skip_to(ship, 50);
	assert_int_equal(ship_acknowledged(ship), 100);
	ship_close(ship, 0);
	a = consume();
	assert_int_equal(a->cnt, 60);
	assert_int_equal(a->sequences[0], 40);
	assert_int_equal(a->sequences[59], 99);
}

static void write_cursor(uint64_t index, uint32_t crc)
{
	struct ship_mark mark = {.index = index, .last_crc = crc, .has_crc = true};
	struct ship_cursor cursor;

	assert_int_equal(ship_cursor_open(dir, &cursor), 0);
	assert_int_equal(ship_cursor_save(&cursor, &mark), 0);
	ship_cursor_close(&cursor);
}

/* After a power cut: the cursor reached the disk and the acknowledged frames did not. */
static void test_cursor_ahead_of_the_log(void **state)
{
	struct ship *ship;

	(void)state;
	write_cursor(1000, 1);
	append(30);
	ship = open_ship();
	run_until(ship, 30);
	ship_close(ship, 0);
	assert_arrived(30, -1);
}

static void test_cursor_of_other_frames(void **state)
{
	struct ship *ship;

	(void)state;
	write_cursor(20, 1);
	append(30);
	ship = open_ship();
	assert_int_equal(ship_acknowledged(ship), 0);
	run_until(ship, 30);
	ship_close(ship, 0);
	assert_arrived(30, -1);
}

/* Breaks one byte in the payload of a frame in the middle of the first segment. */
static void damage(void)
{
	char path[PATH_MAX];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "%s/%020d.seg", dir, 0);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "\xff\xff", 2, 2000), 2);
}

static void test_damaged_log_goes_on(void **state)
{
	struct ship *ship = open_ship();
	const struct arrived *a;

	(void)state;
	append(100);
	damage();
	run_for(ship, 500);
	ship_close(ship, 0);
	a = consume();
	assert_in_range(a->cnt, 98, 99);
	assert_int_equal(a->sequences[0], 0);
	assert_int_equal(a->sequences[a->cnt - 1], 99);
}

static void test_not_an_event_goes_too(void **state)
{
	struct ship *ship = open_ship();

	(void)state;
	assert_int_equal(log_append(evidence, "\xff\xff\xff", 3, NULL), 0);
	assert_int_equal(log_flush(evidence), 0);
	run_until(ship, 1);
	ship_close(ship, 0);
	assert_int_equal(told.cnt, 0);
}

/* --- what is not accepted */

static void assert_refused_property(const char *name, const char *value)
{
	struct ship *ship = NULL;

	property(name, value);
	assert_int_equal(ship_open(&conf, &ship), -EINVAL);
	assert_null(ship);
	conf.kafka_cnt--;
}

static void test_properties_refused(void **state)
{
	(void)state;
	assert_refused_property("acks", "1");
	assert_refused_property("acks", "0");
	assert_refused_property("request.required.acks", "1");
	assert_refused_property("enable.idempotence", "false");
	assert_refused_property("delivery.report.only.error", "true");
	assert_refused_property("transactional.id", "x");
	assert_refused_property("partitioner", "random");
	assert_refused_property("no.such.property", "1");
	assert_refused_property("linger.ms", "soon");
	assert_refused_property("max.in.flight", "100");
	assert_refused_property("security.protocol", "nonsense");
	property("security.protocol", "ssl");
	assert_refused_property("ssl.ca.location", "/nonexistent/ca.pem");
}

static void test_overrides_accepted(void **state)
{
	struct ship *ship;

	(void)state;
	property("acks", "all");
	property("compression.codec", "none");
	property("linger.ms", "1");
	ship = open_ship();
	append(10);
	run_until(ship, 10);
	ship_close(ship, 0);
	assert_arrived(10, -1);
}

static void test_topic_not_authorized_at_start(void **state)
{
	struct ship *ship = NULL;

	(void)state;
	rd_kafka_mock_topic_set_error(mock, TOPIC, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	assert_int_equal(ship_open(&conf, &ship), -EACCES);
	assert_null(ship);
}

static void test_broker_away_at_start(void **state)
{
	struct ship *ship;

	(void)state;
	rd_kafka_mock_broker_set_down(mock, 1);
	ship = open_ship();
	append(20);
	run_for(ship, 100);
	assert_int_equal(ship_acknowledged(ship), 0);
	rd_kafka_mock_broker_set_up(mock, 1);
	run_until(ship, 20);
	ship_close(ship, 0);
	assert_arrived(20, -1);
}

/* --- the topic of pods */

static void make_pods_topic(void)
{
	rd_kafka_mock_topic_create(mock, PODS, 4, 1);
	conf.kafka_pods_topic = PODS;
}

static uint64_t all_arrived(void)
{
	rd_kafka_t *rk = open_consumer(TOPIC);
	uint64_t end = ship_now_ms() + WAIT_MS, cnt = 0;
	int ends = 0;

	while (ends < 4 && ship_now_ms() < end) {
		rd_kafka_message_t *msg = rd_kafka_consumer_poll(rk, 100);

		if (!msg)
			continue;
		ends += msg->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
		cnt += !msg->err;
		rd_kafka_message_destroy(msg);
	}
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	return cnt;
}

static void test_pods_go_to_both_topics(void **state)
{
	struct ship *ship;

	(void)state;
	make_pods_topic();
	ship = open_ship();
	append(10);
	append_pod_state(1);
	append_pod_state(100);
	append(10);
	append_pod_state(1);
	run_until(ship, 23);
	ship_close(ship, 0);
	assert_string_equal(consume_pods(), "uid-1 uid-1 ");
	assert_int_equal(all_arrived(), 23);
}

/* The cursor passes a POD_STATE when both have it; a broker that is away is waited for. */
static void test_pods_hold_the_cursor(void **state)
{
	struct ship *ship;

	(void)state;
	make_pods_topic();
	ship = open_ship();
	append(3);
	append_pod_state(0);
	run_until(ship, 4);
	rd_kafka_mock_broker_set_down(mock, 1);
	append_pod_state(1);
	append(5);
	run_for(ship, 300);
	assert_int_equal(ship_acknowledged(ship), 4);
	rd_kafka_mock_broker_set_up(mock, 1);
	run_until(ship, 10);
	/* Only the topic of pods lacks it. */
	append_pod_state(2);
	append(1);
	run_until(ship, 12);
	append_pod_state(3);
	for (int i = 0; i < 3; i++)
		ship_run(ship, on_refused, &told);
	assert_int_equal(ship->pods_missed_cnt, 0);
	ship_close(ship, WAIT_MS);
	char *keys = consume_pods();

	for (int i = 0; i < 4; i++) {
		char uid[16];

		snprintf(uid, sizeof(uid), "uid-%d ", i);
		assert_non_null(strstr(keys, uid));
	}
}

static void test_pods_refused_do_not_hold_the_records(void **state)
{
	struct ship *ship;

	(void)state;
	make_pods_topic();
	rd_kafka_mock_topic_set_error(mock, PODS, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	ship = open_ship();
	ship->pods_wait_ms = 300;
	append(10);
	append_pod_state(1);
	append(10);
	run_for(ship, 600);
	assert_int_equal(ship_acknowledged(ship), 10); /* until it is known that the rest goes on */
	append(1);
	run_until(ship, 22);
	assert_true(ship->pods_off_until_ms > ship_now_ms());
	assert_int_equal(ship->pods_missed_cnt, 1);
	append_pod_state(2);
	append(1);
	run_until(ship, 24);
	assert_int_equal(ship->pods_missed_cnt, 2);
	/* Granted, and its time has come. */
	rd_kafka_mock_topic_set_error(mock, PODS, RD_KAFKA_RESP_ERR_NO_ERROR);
	ship->pods_off_until_ms = 1;
	append_pod_state(3);
	run_until(ship, 25);
	ship_close(ship, 0);
	assert_int_equal(all_arrived(), 25);
}

/* No answer for that topic alone, whatever the reason. */
static void test_pods_without_an_answer_are_given_up(void **state)
{
	struct ship *ship;

	(void)state;
	make_pods_topic();
	ship = open_ship();
	append(1);
	run_until(ship, 1);
	append_pod_state(1);
	run_until(ship, 2);
	append_pod_state(2);
	assert_int_equal(ship_run(ship, on_refused, &told), 0);
	/* As if the answer for the topic of pods were outstanding for a minute. */
	struct window_entry *e = window_at(&ship->window, ship->window.tail);

	assert_int_equal(e->pods, WINDOW_IN_FLIGHT);
	e->state = WINDOW_SETTLED;
	ship->pods_waiting_ms = 1;
	ship->acknowledged_ms = 1 + PODS_WAIT_MS - 1;
	watch_pods(ship);
	assert_int_equal(ship->pods_missed_cnt, 0);
	ship->acknowledged_ms++;
	watch_pods(ship);
	assert_int_equal(ship->pods_missed_cnt, 1);
	run_until(ship, 3);
	ship_close(ship, 0);
}

static void test_no_pods_topic(void **state)
{
	struct ship *ship;

	(void)state;
	conf.kafka_pods_topic = (char *)"";
	ship = open_ship();
	append_pod_state(1);
	append(1);
	run_until(ship, 2);
	ship_close(ship, 0);
	assert_int_equal(all_arrived(), 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_order_key_headers),
		T(test_cursor_moves_on_delivery_only),
		T(test_restart_resumes),
		T(test_close_waits_for_acknowledgement),
		T(test_transient_broker_errors),
		T(test_topic_refused_for_a_while),
		T(test_fatal_error_makes_a_new_producer),
		T(test_queue_full_never_blocks),
		T(test_too_large_is_refused_and_told),
		T(test_refusal_holds_the_cursor_for_a_turn),
		T(test_refused_batch_is_split_before_a_record_is_blamed),
		T(test_broker_refuses_a_lone_record),
		T(test_framed),
		T(test_framed_and_refused),
		T(test_skip_to_goes_on_behind),
		T(test_cursor_ahead_of_the_log),
		T(test_cursor_of_other_frames),
		T(test_damaged_log_goes_on),
		T(test_not_an_event_goes_too),
		T(test_properties_refused),
		T(test_overrides_accepted),
		T(test_topic_not_authorized_at_start),
		T(test_broker_away_at_start),
		T(test_pods_go_to_both_topics),
		T(test_pods_hold_the_cursor),
		T(test_pods_refused_do_not_hold_the_records),
		T(test_pods_without_an_answer_are_given_up),
		T(test_no_pods_topic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
