/* SPDX-License-Identifier: Apache-2.0 */
/* The producer's properties: see ship_properties.h. */
#include "sensor/ship_properties.h"

#include <string.h>

#include "evidence/base.h"
#include "evidence/diag.h"
#include "sensor/conf.h"
#include "sensor/conf_option.h"

static const struct conf_kafka_property defaults[] = {
	{"client.id", "varve-sensor"},
	{"enable.idempotence", "true"},
	{"acks", "all"},
	/*
	 * Nothing may overtake a record that the broker turned down: one request at a time, and the
	 * producer stops at a failed batch instead of numbering the rest anew. (ship.c then goes on
	 * in order.)
	 */
	{"max.in.flight.requests.per.connection", "1"},
	{"enable.gapless.guarantee", "true"},
	{"compression.codec", "zstd"},
	/* TLS with idempotence and Nagle stalls and spins: 5,400 records a second instead of
	   200,000. */
	{"socket.nagle.disable", "true"},
	/* Java's default for keyed records, so that every client maps a node to the same partition.
	 */
	{"partitioner", "murmur2_random"},
	/* Never give a record up: the log holds it, and the cursor waits. */
	{"message.timeout.ms", "0"},
	{"linger.ms", "5"},
	{"queue.buffering.max.kbytes", "16384"},
	{"queue.buffering.max.messages", "100000"},
	/* LOG_FRAME_MAX with headers and framing. */
	{"message.max.bytes", "2097152"},
	{"statistics.interval.ms", "0"},
	/* Messages of librdkafka's threads come through rd_kafka_poll() too. */
	{"log.queue", "true"},
};

/* What would make the cursor lie. */
static const struct {
	const char *name, *value, *why;
} required[] = {
	{"acks", "-1", "evidence counts as shipped when all in-sync replicas have it; use all"},
	{"enable.idempotence", "true",
	 "without it a retry duplicates and reorders records; use true"},
	{"delivery.report.only.error", "false",
	 "the cursor moves on delivery reports; leave it out"},
	{"log.queue", "true", "the shipper serves it; leave it out"},
};

/*
 * The name nearest to this one in librdkafka's own list, which is text for people: lines of "NAME
 * | ...". (What rd_kafka_conf_dump() gives lacks those that are not set.)
 */
static void find_nearest(const char *name, char *ret_nearest, size_t size)
{
	size_t best = conf_near_enough(name), len;
	const char *nearest = NULL;
	_cleanup_free_ char *list = NULL;
	FILE *out = open_memstream(&list, &len);
	char *rest = NULL;

	if (!out)
		return;
	rd_kafka_conf_properties_show(out);
	if (fclose(out))
		return;
	for (char *line = strtok_r(list, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		/* Its head names columns. */
		if (!strchr(line, '|') || *line < 'a')
			continue;
		line[strcspn(line, " |")] = '\0';
		conf_nearer(name, line, &best, &nearest);
	}
	if (nearest)
		snprintf(ret_nearest, size, "%s", nearest);
}

static int refuse_unknown(const char *name)
{
	char nearest[128] = "";

	find_nearest(name, nearest, sizeof(nearest));
	diag(DIAG_ERROR, "kafka.%s is no property of librdkafka%s%s%s", name,
	     *nearest ? ": did you mean kafka." : "; see its CONFIGURATION.md", nearest,
	     *nearest ? "?" : "");
	return -EINVAL;
}

static int set_property(rd_kafka_conf_t *kc, const char *name, const char *value)
{
	rd_kafka_conf_res_t res;
	char why[512];

	res = rd_kafka_conf_set(kc, name, value, why, sizeof(why));
	if (res == RD_KAFKA_CONF_OK)
		return 0;
	if (res == RD_KAFKA_CONF_UNKNOWN)
		return refuse_unknown(name);
	/* librdkafka's line may name the property by another of its names. */
	diag(DIAG_ERROR, "kafka.%s cannot be set: %s; see librdkafka's CONFIGURATION.md", name,
	     why);
	return -EINVAL;
}

static int check_required(const rd_kafka_conf_t *kc)
{
	for (size_t i = 0; i < ARRAY_SIZE(required); i++) {
		char value[64] = "";
		size_t size = sizeof(value);

		rd_kafka_conf_get(kc, required[i].name, value, &size);
		if (strcmp(value, required[i].value) == 0)
			continue;
		diag(DIAG_ERROR, "kafka.%s=%s is refused: %s", required[i].name, value,
		     required[i].why);
		return -EINVAL;
	}
	return 0;
}

static int check_supported(const struct conf *conf)
{
	const char *partitioner = conf_kafka_get(conf, "partitioner");

	if (conf_kafka_get(conf, "transactional.id")) {
		diag(DIAG_ERROR,
		     "kafka.transactional.id is refused: the sensor uses no transactions; "
		     "leave it out");
		return -EINVAL;
	}
	if (partitioner && strcmp(partitioner, "random") == 0) {
		diag(DIAG_ERROR,
		     "kafka.partitioner=random is refused: a node's records belong into one "
		     "partition; use murmur2_random");
		return -EINVAL;
	}
	return 0;
}

int properties_set(rd_kafka_conf_t *kc, const struct conf *conf)
{
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		err = set_property(kc, defaults[i].name, defaults[i].value);
		if (err)
			return err;
	}
	for (size_t i = 0; i < conf->kafka_cnt; i++) {
		err = set_property(kc, conf->kafka[i].name, conf->kafka[i].value);
		if (err)
			return err;
	}
	err = check_required(kc);
	return err ? err : check_supported(conf);
}
