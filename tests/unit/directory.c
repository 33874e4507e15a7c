/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of pods in a topic of its own, against librdkafka's mock cluster: what is listed by
 * it, and that a replay that goes by it says the same as one that reads everything, also if it is
 * wrong, or not there.
 */
#include "tests/unit/responder_sample.h"
#include "evidence/diag.h"
#include "responder/commands.h"
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <sys/mman.h>
#include <unistd.h>

#define EVENTS	   "varve.events"
#define PODS	   "varve.pods"
#define PARTITIONS 4
#define OTHER	   "bbbbbbbb-0000-4000-8000-000000000002"

struct fixture {
	struct sample s;
	struct sample_container sandbox, app, noise;
	rd_kafka_t *producer;
	rd_kafka_mock_cluster_t *cluster;
	char url[256], err[8192];
	char *out;
	size_t out_len;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[256];

	rd_kafka_conf_set(conf, "log_level", "2", text, sizeof(text));
	rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", text, sizeof(text));
	rd_kafka_conf_set(conf, "partitioner", "murmur2_random", text, sizeof(text));
	f->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	assert_non_null(f->producer);
	f->cluster = rd_kafka_handle_mock_cluster(f->producer);
	rd_kafka_mock_topic_create(f->cluster, EVENTS, PARTITIONS, 1);
	rd_kafka_mock_topic_create(f->cluster, PODS, PARTITIONS, 1);
	snprintf(f->url, sizeof(f->url), "kafka://%s",
		 rd_kafka_mock_cluster_bootstraps(f->cluster));
	sample_init(&f->s);
	f->sandbox = (struct sample_container){
		.id = SAMPLE_ID2, .name = "x", .in_pod = true, .is_sandbox = true};
	f->app = (struct sample_container){.id = SAMPLE_ID, .name = "app", .in_pod = true};
	f->noise = (struct sample_container){.id = "noise"};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sample_fini(&f->s);
	rd_kafka_destroy(f->producer);
	free(f->out);
	free(f);
	return 0;
}

static void produce(struct fixture *f, const char *topic, const char *key, const void *value,
		    size_t len)
{
	assert_int_equal(rd_kafka_producev(f->producer, RD_KAFKA_V_TOPIC(topic),
					   RD_KAFKA_V_KEY((void *)key, strlen(key)),
					   RD_KAFKA_V_VALUE((void *)value, len),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
					   RD_KAFKA_V_END),
			 0);
}

/* As the shipper does. */
static void ship(struct fixture *f, bool to_pods)
{
	for (size_t i = 0; i < f->s.cnt; i++) {
		const struct sample_item *item = &f->s.items[i];
		Varve__V1__Event *ev = event_decode(item->payload, item->len);

		produce(f, EVENTS, ev->node_name, item->payload, item->len);
		if (to_pods && ev->pod_state && ev->body_case == VARVE__V1__EVENT__BODY_POD_STATE)
			produce(f, PODS, ev->pod->uid, item->payload, item->len);
		varve__v1__event__free_unpacked(ev, NULL);
	}
	assert_int_equal(rd_kafka_flush(f->producer, 10000), 0);
}

static int varve(struct fixture *f, const char *args)
{
	_cleanup_free_ char *copy = strdup(args);
	char *argv[24] = {(char *)"varve"};
	int argc = 1, fd = memfd_create("stderr", 0), old = dup(2);

	for (char *p = strtok(copy, "|"); p && argc < 23; p = strtok(NULL, "|"))
		argv[argc++] = strcmp(p, "URL") ? p : f->url;
	free(f->out);
	FILE *out = open_memstream(&f->out, &f->out_len);

	dup2(fd, 2);
	int status = commands_run(argc, argv, out);

	dup2(old, 2);
	ssize_t len = pread(fd, f->err, sizeof(f->err) - 1, 0);

	f->err[len < 0 ? 0 : len] = 0;
	close(fd);
	close(old);
	fclose(out);
	return status;
}

static void story(struct fixture *f)
{
	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->noise, false);
	f->s.now_ns += 600 * SAMPLE_SEC;
	sample_start(&f->s, &f->sandbox, false);
	sample_pod_state(&f->s, &f->sandbox, false, NULL);
	sample_life(&f->s, &f->app);
	sample_stop(&f->s, &f->sandbox);
	sample_account(&f->s, &f->sandbox, true, 0, 0);
	sample_pod_state(&f->s, &f->sandbox, true, "web");
	sample_heartbeat(&f->s);
	sample_heartbeat(&f->s);
	f->s.now_ns += 3600 * SAMPLE_SEC;
	sample_open_file(&f->s, &f->noise, 77, "/x", SAMPLE_READ);
}

#define assert_in(text, words)                                          \
	do {                                                            \
		if (!strstr(text, words))                               \
			fail_msg("\"%s\" is not in:\n%s", words, text); \
	} while (0)

static void assert_same(struct fixture *f, const char *pod, int status)
{
	_cleanup_free_ char *args = NULL, *first = NULL;

	assert_true(asprintf(&args, "replay|URL|--pod|%s|--format|timeline|--read-all", pod) > 0);
	assert_int_equal(varve(f, args), status);
	first = strdup(f->out);
	args[strlen(args) - strlen("|--read-all")] = 0;
	assert_int_equal(varve(f, args), status);
	assert_string_equal(f->out, first);
}

static void test_pods_by_topic(void **state)
{
	struct fixture *f = *state;

	story(f);
	ship(f, true);
	produce(f, PODS, OTHER, "", 0); /* deleted by hand */
	rd_kafka_flush(f->producer, 10000);
	assert_int_equal(varve(f, "pods|URL"), 0);
	assert_in(f->out, "default/web-7f9  uid " SAMPLE_POD "  node worker-1  Deployment web\n");
	assert_in(f->out, "  ended\n1 pods by topic varve.pods; --read-all shows");
	assert_null(strstr(f->out, SAMPLE_ID));
	assert_int_equal(varve(f, "pods|URL|--pod|default/web-7f9"), 0);
	assert_in(f->out, SAMPLE_POD);
	assert_int_equal(varve(f, "pods|URL|--pod|default/web"), 2);
	assert_in(f->err, "no pod matches \"default/web\"; nearest: ");
	assert_in(f->err, "that is what topic \"varve.pods\" says; --read-all looks at all events");
	assert_int_equal(varve(f, "pods|URL|--read-all"), 0);
	assert_in(f->out, SAMPLE_ID);
	assert_in(f->out, "(in no pod)");
}

static void test_no_directory(void **state)
{
	struct fixture *f = *state;

	story(f);
	ship(f, false);
	assert_int_equal(varve(f, "pods|URL"), 0);
	assert_in(f->err, "there is no directory in topic \"varve.pods\" (--pods-topic): reading "
			  "all events");
	assert_in(f->out, SAMPLE_ID);
	assert_same(f, "default/web-7f9", 0);
}

static void test_replay_by_topic(void **state)
{
	struct fixture *f = *state;

	story(f);
	ship(f, true);
	assert_same(f, "default/web-7f9", 0);
	assert_in(f->out, "COMPLETE: 2 containers");
	assert_same(f, SAMPLE_POD, 0);
	assert_same(f, "default/web", 2);
}

/* What is not complete is looked for everywhere. */
static void test_replay_incomplete(void **state)
{
	struct fixture *f = *state;

	story(f);
	free(f->s.items[6].payload);
	memmove(&f->s.items[6], &f->s.items[7], (f->s.cnt - 7) * sizeof(f->s.items[0]));
	f->s.cnt--;
	ship(f, true);
	assert_same(f, "default/web-7f9", 3);
}

/* A directory that names another node, and so another partition. */
static void test_directory_that_lies(void **state)
{
	struct fixture *f = *state;
	Varve__V1__Event *ev;
	uint8_t buf[1024];

	story(f);
	ship(f, false);
	for (size_t i = 0; i < f->s.cnt; i++) {
		ev = event_decode(f->s.items[i].payload, f->s.items[i].len);
		if (ev->body_case == VARVE__V1__EVENT__BODY_POD_STATE) {
			free(ev->node_name);
			ev->node_name = strdup("elsewhere");
			produce(f, PODS, SAMPLE_POD, buf, varve__v1__event__pack(ev, buf));
		}
		varve__v1__event__free_unpacked(ev, NULL);
	}
	rd_kafka_flush(f->producer, 10000);
	assert_same(f, "default/web-7f9", 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_pods_by_topic),	   T(test_no_directory),	T(test_replay_by_topic),
		T(test_replay_incomplete), T(test_directory_that_lies),
	};

	diag_init("varve", DIAG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
