/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads the configuration. The sources are read from the strongest to the weakest, and a value once
 * set is not set again: so --help works with a broken file, and an error is reported in the order a
 * person would look. Every value is checked, also one that a stronger source hides.
 */
#include "sensor/conf.h"

#include "evidence/base.h"
#include "evidence/diag.h"
#include "sensor/conf_loader.h"

#include <assert.h>
#include <string.h>

static const char *origin_of(size_t i, void *ctx)
{
	struct conf_loader *l = ctx;

	return conf_place(
		l, l->origins[i < conf_option_cnt ? i : i - conf_option_cnt + CONF_OPTION_LIMIT]);
}

static bool is_set(size_t i, void *ctx)
{
	const struct conf_loader *l = ctx;

	return l->origins[i].source != CONF_DEFAULT;
}

static int load_defaults(struct conf_loader *l)
{
	char host[HOST_NAME_MAX + 1] = "";

	if (gethostname(host, sizeof(host) - 1))
		*host = 0;
	for (size_t i = 0; i < conf_option_cnt; i++) {
		const char *initial = conf_options[i].initial ? conf_options[i].initial : host;
		int err = l->origins[i].source
				  ? 0
				  : conf_set_option(l, i, initial, (struct conf_origin){});

		if (err)
			return err;
	}
	return 0;
}

static int check(const struct conf *conf)
{
	const char *wrong = NULL;

	if (conf->log_limit_bytes < 2 * conf->log_segment_bytes)
		wrong = "log-limit is below two log segments: raise log-limit or lower "
			"log-segment-size";
	else if (!strcmp(conf->kafka_topic, conf->kafka_pods_topic))
		wrong = "kafka-topic and kafka-pods-topic are the same: the second is compacted, "
			"use another";
	else if (conf->kafka_framing == CONF_FRAMING_CONFLUENT && !conf->kafka_schema_id)
		wrong = "kafka-framing confluent needs kafka-schema-id: the id that the schema "
			"registry gave to varve.proto";
	else if (conf->kafka_framing != CONF_FRAMING_CONFLUENT && conf->kafka_schema_id)
		wrong = "kafka-schema-id is for kafka-framing confluent: set both or neither";
	else if (conf->json && !conf->probe && !conf->check)
		wrong = "--json is for --check and --probe: give one of them";
	else if (conf->probe && conf->check)
		wrong = "--check and --probe are two questions: ask one at a time";
	if (!wrong)
		return 0;
	diag(DIAG_ERROR, "%s", wrong);
	return -EINVAL;
}

int conf_load(struct conf *conf, int argc, char **argv)
{
	struct conf_loader l = {.conf = conf};
	int err;

	*conf = (struct conf){};
	assert(conf_option_cnt <= CONF_OPTION_LIMIT);
	err = conf_read_command(&l, argc, argv);
	if (!err)
		err = conf_read_environment(&l);
	if (!err)
		err = conf_read_file(&l);
	if (!err)
		err = load_defaults(&l);
	if (!err)
		err = check(conf);
	if (!err && l.print) {
		conf_show_values(conf, origin_of, &l);
		err = 1;
	} else if (!err && l.sample) {
		conf_show_sample(conf, is_set, &l);
		err = 1;
	}
	return err;
}

void conf_fini(struct conf *conf)
{
	for (size_t i = 0; i < conf->kafka_cnt; i++) {
		free(conf->kafka[i].name);
		free(conf->kafka[i].value);
	}
	free(conf->kafka);
	free(conf->log_dir);
	free(conf->pin_dir);
	free(conf->log_free);
	free(conf->node_name);
	free(conf->host_root);
	free(conf->kafka_topic);
	free(conf->kafka_pods_topic);
	free(conf->kube_api);
	free(conf->kube_token_file);
	free(conf->kube_ca_file);
	free(conf->kube_labels);
	free(conf->seal_key);
	free(conf->record_file);
	free(conf->read_opens_always);
	free(conf->events);
	free(conf->rate_limits);
	free(conf->listen);
	*conf = (struct conf){};
}

enum conf_read_opens conf_read_opens_host(const struct conf *conf)
{
	return conf->read_opens_host == CONF_READ_OPENS_SAME ? conf->read_opens
							     : conf->read_opens_host;
}

enum conf_log_full conf_log_full(const struct conf *conf)
{
	if (conf->log_full != CONF_LOG_FULL_AUTO)
		return conf->log_full;
	return conf_kafka_get(conf, "bootstrap.servers") ? CONF_LOG_FULL_NEWEST
							 : CONF_LOG_FULL_OLDEST;
}

const char *conf_log_full_name(const struct conf *conf)
{
	return conf_log_full(conf) == CONF_LOG_FULL_NEWEST ? "drop-newest"
							   : "drop-oldest-shipped-first";
}

const char *conf_kafka_get(const struct conf *conf, const char *property)
{
	for (size_t i = 0; i < conf->kafka_cnt; i++)
		if (!strcmp(conf->kafka[i].name, property))
			return conf->kafka[i].value;
	return NULL;
}
