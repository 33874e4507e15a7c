/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The librdkafka producer: see ship_producer.h. librdkafka's callbacks run inside rd_kafka_poll(),
 * on our thread.
 */
#include "sensor/ship_producer.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "evidence/base.h"
#include "evidence/diag.h"
#include "sensor/conf.h"
#include "sensor/privileges.h"
#include "sensor/ship_properties.h"

#define PROBE_STEP_MS  500
#define PROBE_GRACE_MS 500 /* after a refusal: another broker of the list may take us */
#define SCRAM_FIXED    0x020601ff

uint64_t ship_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / NSEC_PER_MSEC;
}

bool ship_once_a_minute(uint64_t *told_ms)
{
	uint64_t now = ship_now_ms();

	if (*told_ms && now - *told_ms < 60000)
		return false;
	*told_ms = now;
	return true;
}

static const char *brokers(const struct conf *conf)
{
	const char *list = conf_kafka_get(conf, "bootstrap.servers");

	if (!list)
		list = conf_kafka_get(conf, "metadata.broker.list");
	return list ? list : "the broker";
}

static const char *what_to_do(const struct conf *conf, rd_kafka_resp_err_t err)
{
	const char *mechanism = conf_kafka_get(conf, "sasl.mechanism");

	if (!mechanism)
		mechanism = conf_kafka_get(conf, "sasl.mechanisms");
	switch (err) {
	case RD_KAFKA_RESP_ERR__AUTHENTICATION:
		if (mechanism && strncasecmp(mechanism, "SCRAM", 5) == 0 &&
		    rd_kafka_version() < SCRAM_FIXED)
			return "check kafka.sasl.username and kafka.sasl.password; if they are "
			       "right and the broker is "
			       "Kafka 4: librdkafka before 2.6.1 cannot do SCRAM with it, use mTLS "
			       "or SASL PLAIN over TLS";
		return "check kafka.sasl.mechanism, kafka.sasl.username and kafka.sasl.password";
	case RD_KAFKA_RESP_ERR__SSL:
		return "check kafka.ssl.ca.location (the CA of the broker's certificate), the host "
		       "names in "
		       "kafka.bootstrap.servers, kafka.ssl.certificate.location and "
		       "kafka.ssl.key.location";
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
		return "grant the sensor's principal IdempotentWrite on the cluster";
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		return "grant the sensor's principal Write and Describe on the topic";
	default:
		return "create the topic, or set kafka-topic to one that exists";
	}
}

static bool is_refusal(rd_kafka_resp_err_t err)
{
	return err == RD_KAFKA_RESP_ERR__AUTHENTICATION || err == RD_KAFKA_RESP_ERR__SSL ||
	       err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
	       err == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
}

/* A TLS alert after the handshake (no client certificate) comes as a transport error. */
static rd_kafka_resp_err_t refusal_of(rd_kafka_resp_err_t err, const char *reason)
{
	if (err == RD_KAFKA_RESP_ERR__TRANSPORT && strstr(reason, "SSL routines"))
		return RD_KAFKA_RESP_ERR__SSL;
	/* A broker that dies in the middle of a handshake refuses nobody. */
	if (err == RD_KAFKA_RESP_ERR__SSL && strstr(reason, "Disconnected") &&
	    !strstr(reason, "listener"))
		return RD_KAFKA_RESP_ERR__TRANSPORT;
	return err;
}

bool producer_is_record_error(rd_kafka_resp_err_t err)
{
	return err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
	       err == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE ||
	       err == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE ||
	       err == RD_KAFKA_RESP_ERR_INVALID_RECORD ||
	       err == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP;
}

bool producer_is_topic_error(rd_kafka_resp_err_t err)
{
	return err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
	       err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
	       err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
	       err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
	       err == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION ||
	       err == RD_KAFKA_RESP_ERR_POLICY_VIOLATION || producer_is_record_error(err);
}

void producer_tell_refusal(struct ship_producer *p, rd_kafka_resp_err_t err, const char *reason)
{
	if (!ship_once_a_minute(&p->told_refusal_ms))
		return;
	log_warn("Kafka does not take records for topic %s: %s; %s; the log holds them, trying "
		 "again",
		 p->conf->kafka_topic, reason, what_to_do(p->conf, err));
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	rd_kafka_resp_err_t err = refusal_of((rd_kafka_resp_err_t)code, reason);
	struct ship_producer *p = opaque;

	if (err == RD_KAFKA_RESP_ERR__FATAL) {
		p->fatal = true;
		err = rd_kafka_fatal_error(rk, p->reason, sizeof(p->reason));
		/* The delivery report of the record that failed says more. */
		if (err != RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE)
			producer_tell_refusal(p, err, p->reason);
		return;
	}
	log_debug("Kafka: %s", reason);
	/* "All brokers down" says less than what was said of each before. */
	if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
		snprintf(p->reason, sizeof(p->reason), "%s", reason);
	if (is_refusal(err)) {
		p->refusal = err;
		if (!p->starting)
			producer_tell_refusal(p, err, reason);
	} else if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !p->starting) {
		if (ship_once_a_minute(&p->told_away_ms))
			log_warn("no Kafka broker can be reached (%s): the log holds the records",
				 p->reason);
	}
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk;
	(void)level;
	log_debug("librdkafka %s: %s", facility, text);
}

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *msg, void *opaque)
{
	struct ship_producer *p = opaque;
	uintptr_t tag = (uintptr_t)msg->_private;

	(void)rk;
	p->report(tag >> 1, tag & 1 ? RECORD_PODS : RECORD_EVENTS, msg->err, msg->payload, msg->len,
		  p->ctx);
}

static int get_number(const rd_kafka_conf_t *kc, const char *name, size_t *ret_value)
{
	char text[32];
	size_t size = sizeof(text);

	if (rd_kafka_conf_get(kc, name, text, &size) != RD_KAFKA_CONF_OK)
		return log_err(-EINVAL, "librdkafka does not know its property %s", name);
	*ret_value = strtoull(text, NULL, 10);
	return 0;
}

int producer_init(struct ship_producer *p, const struct conf *conf, producer_report_fn report,
		  void *ctx)
{
	int err;

	*p = (struct ship_producer){.conf = conf, .report = report, .ctx = ctx};
	p->properties = rd_kafka_conf_new();
	err = properties_set(p->properties, conf);
	if (!err)
		err = get_number(p->properties, "queue.buffering.max.messages", &p->window_cnt);
	if (!err)
		err = get_number(p->properties, "batch.size", &p->batch_bytes);
	if (err) {
		producer_fini(p);
		return err;
	}
	rd_kafka_conf_set_opaque(p->properties, p);
	rd_kafka_conf_set_error_cb(p->properties, on_error);
	rd_kafka_conf_set_log_cb(p->properties, on_log);
	rd_kafka_conf_set_dr_msg_cb(p->properties, on_report);
	err = producer_start(p);
	if (err)
		producer_fini(p);
	return err;
}

static void join_ender(struct ship_producer *p)
{
	if (p->ending)
		pthread_join(p->ender, NULL);
	p->ending = false;
}

void producer_fini(struct ship_producer *p)
{
	producer_stop(p);
	join_ender(p);
	if (p->properties)
		rd_kafka_conf_destroy(p->properties);
	p->properties = NULL;
}

static void *end_producer(void *rk)
{
	rd_kafka_destroy(rk);
	return NULL;
}

void producer_stop(struct ship_producer *p)
{
	sigset_t all, before;

	if (!p->rk)
		return;
	rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
				      RD_KAFKA_PURGE_F_NON_BLOCKING);
	join_ender(p);
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	p->ending = pthread_create(&p->ender, NULL, end_producer, p->rk) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!p->ending)
		rd_kafka_destroy(p->rk);
	p->rk = NULL;
}

struct making {
	rd_kafka_conf_t *kc;
	char why[512];
	rd_kafka_t *rk; /* NULL: why says why */
};

static void *make(void *ctx)
{
	struct making *m = ctx;

	privileges_keep(0);
	m->rk = rd_kafka_new(RD_KAFKA_PRODUCER, m->kc, m->why, sizeof(m->why));
	return NULL;
}

/*
 * librdkafka's threads speak to the network with what it sends: without any capability. A thread has
 * those of the one that makes it, so one that gave them up makes the first. (With an interceptor,
 * which could do it in each, librdkafka 2.0 frees twice if the producer cannot be made.)
 */
static int make_without_privileges(struct making *m)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, make, m);

	return err ? -err : -pthread_join(thread, NULL);
}

int producer_start(struct ship_producer *p)
{
	rd_kafka_conf_t *kc = rd_kafka_conf_dup(p->properties);
	struct making m = {.kc = kc};
	char value[24];
	int err;

	snprintf(value, sizeof(value), "%zu", p->batch_bytes);
	rd_kafka_conf_set(kc, "batch.size", value, NULL, 0);
	p->fatal = false;
	p->refusal = RD_KAFKA_RESP_ERR_NO_ERROR;
	p->reason[0] = '\0';
	err = make_without_privileges(&m);
	p->rk = m.rk;
	if (!p->rk) {
		rd_kafka_conf_destroy(kc);
		diag(DIAG_ERROR, "cannot start the Kafka producer: %s; check the kafka.* options",
		     err ? strerror(-err) : m.why);
		return err ? err : -EINVAL;
	}
	rd_kafka_set_log_queue(p->rk, NULL);
	return 0;
}

void producer_shrink_batch(struct ship_producer *p)
{
	p->batch_bytes = MAX(p->batch_bytes / 4, (size_t)1);
}

/* One metadata request. What the broker says of the topic, or why there is no answer. */
static rd_kafka_resp_err_t ask(struct ship_producer *p, rd_kafka_topic_t *topic)
{
	const struct rd_kafka_metadata *md = NULL;
	rd_kafka_resp_err_t err = rd_kafka_metadata(p->rk, 0, topic, &md, PROBE_STEP_MS);

	if (!err) {
		err = md->topic_cnt == 1 ? md->topics[0].err
					 : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
		rd_kafka_metadata_destroy(md);
	}
	rd_kafka_poll(p->rk, err ? 50 : 0);
	return err;
}

static bool is_answer(rd_kafka_resp_err_t err)
{
	return err == RD_KAFKA_RESP_ERR_NO_ERROR || err == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION ||
	       is_refusal(err);
}

static rd_kafka_resp_err_t ask_until(struct ship_producer *p, rd_kafka_topic_t *topic,
				     int timeout_ms)
{
	uint64_t end = ship_now_ms() + (uint64_t)timeout_ms;
	bool refused = false;

	for (;;) {
		rd_kafka_resp_err_t err = ask(p, topic);

		if (is_answer(err))
			return err;
		if (p->refusal && !refused) {
			refused = true;
			end = MIN(end, ship_now_ms() + PROBE_GRACE_MS);
		}
		if (ship_now_ms() >= end)
			return p->refusal ? p->refusal : err;
	}
}

static int tell_probe(const struct ship_producer *p, rd_kafka_resp_err_t err)
{
	const char *reason = rd_kafka_err2str(err);

	if (err == RD_KAFKA_RESP_ERR__AUTHENTICATION || err == RD_KAFKA_RESP_ERR__SSL)
		reason = p->reason;
	if (is_refusal(err)) {
		diag(DIAG_ERROR, "Kafka at %s, topic %s, refuses the sensor: %s; %s",
		     brokers(p->conf), p->conf->kafka_topic, reason, what_to_do(p->conf, err));
		return -EACCES;
	}
	if (err == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION) {
		diag(DIAG_ERROR,
		     "Kafka refuses the topic name %s; set kafka-topic to letters, digits, dots, _ "
		     "and -",
		     p->conf->kafka_topic);
		return -EINVAL;
	}
	if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
	    err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
		log_warn("Kafka has no topic %s yet: create it; until then the log holds the "
			 "records",
			 p->conf->kafka_topic);
	else if (err)
		log_warn("Kafka at %s does not answer (%s): the log holds the records, trying on",
			 brokers(p->conf), p->reason[0] ? p->reason : rd_kafka_err2str(err));
	return 0;
}

int producer_probe(struct ship_producer *p, int timeout_ms)
{
	rd_kafka_topic_t *topic = rd_kafka_topic_new(p->rk, p->conf->kafka_topic, NULL);
	rd_kafka_resp_err_t err;

	if (!topic) {
		diag(DIAG_ERROR, "kafka-topic %s cannot be used: %s", p->conf->kafka_topic,
		     rd_kafka_err2str(rd_kafka_last_error()));
		return -EINVAL;
	}
	p->starting = true;
	err = ask_until(p, topic, timeout_ms);
	p->starting = false;
	rd_kafka_topic_destroy(topic);
	return tell_probe(p, err);
}
