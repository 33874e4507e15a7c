/* SPDX-License-Identifier: Apache-2.0 */
/* Sets one value of the configuration, whichever source it comes from, and says in one line why
 * not. */
#include "sensor/conf_loader.h"

#include "evidence/base.h"
#include "evidence/diag.h"

#include <string.h>

#define PROPERTY_LIMIT 200 /* bytes of a property's name */

const char *conf_place(struct conf_loader *l, struct conf_origin o)
{
	static const char *const names[] = {[CONF_DEFAULT] = "default",
					    [CONF_ENVIRONMENT] = "environment",
					    [CONF_COMMAND] = "command line"};

	if (o.source != CONF_FILE)
		return names[o.source];
	snprintf(l->text, sizeof(l->text), "%s:%u", l->file, o.line);
	return l->text;
}

int conf_no_memory(void)
{
	diag(DIAG_ERROR, "out of memory while reading the configuration");
	return -ENOMEM;
}

int conf_refuse_unknown(struct conf_loader *l, struct conf_origin o, const char *name)
{
	const char *prefix = o.source == CONF_COMMAND ? "--" : "";
	const char *nearest = conf_option_nearest(name, o.source == CONF_COMMAND);

	if (nearest)
		diag(DIAG_ERROR, "%s: unknown option %s%.80s: did you mean %s%s?", conf_place(l, o),
		     prefix, name, prefix, nearest);
	else
		diag(DIAG_ERROR, "%s: unknown option %s%.80s: --help lists them", conf_place(l, o),
		     prefix, name);
	return -EINVAL;
}

int conf_set_option(struct conf_loader *l, size_t index, const char *value, struct conf_origin o)
{
	struct conf scratch = {};
	bool hidden = l->origins[index].source > o.source;
	char rule[256] = "";
	int err;

	err = conf_option_set(hidden ? &scratch : l->conf, &conf_options[index], value, rule,
			      sizeof(rule));
	conf_fini(&scratch);
	if (err == -ENOMEM)
		return conf_no_memory();
	if (err) {
		diag(DIAG_ERROR, "%s: %s cannot be '%.80s': give %s", conf_place(l, o),
		     conf_options[index].name, value, rule);
		return err;
	}
	if (!hidden)
		l->origins[index] = o;
	return 0;
}

static bool is_property(const char *name)
{
	size_t len =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return len && !name[len] && len <= PROPERTY_LIMIT;
}

static int add_property(struct conf *conf, const char *name, size_t *ret_index)
{
	struct conf_kafka_property *grown;

	if (conf->kafka_cnt == CONF_KAFKA_LIMIT)
		return -ENOSPC;
	grown = reallocarray(conf->kafka, conf->kafka_cnt + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	conf->kafka = grown;
	grown[conf->kafka_cnt] = (struct conf_kafka_property){strdup(name), strdup("")};
	*ret_index = conf->kafka_cnt++;
	return grown[*ret_index].name && grown[*ret_index].value ? 0 : -ENOMEM;
}

static int set_kafka(struct conf_loader *l, const char *name, const char *value,
		     struct conf_origin o)
{
	struct conf *conf = l->conf;
	size_t i = 0;
	char *copy;
	int err = 0;

	if (!is_property(name)) {
		diag(DIAG_ERROR,
		     "%s: kafka.%.80s is no name of a librdkafka property: give letters, digits "
		     "and dots",
		     conf_place(l, o), name);
		return -EINVAL;
	}
	while (i < conf->kafka_cnt && strcmp(conf->kafka[i].name, name))
		i++;
	if (i == conf->kafka_cnt)
		err = add_property(conf, name, &i);
	if (err == -ENOSPC) {
		diag(DIAG_ERROR, "%s: more than %d kafka properties", conf_place(l, o),
		     CONF_KAFKA_LIMIT);
		return err;
	}
	if (!err && l->origins[CONF_OPTION_LIMIT + i].source > o.source)
		return 0;
	copy = err ? NULL : strdup(value);
	if (!copy)
		return conf_no_memory();
	free(conf->kafka[i].value);
	conf->kafka[i].value = copy;
	l->origins[CONF_OPTION_LIMIT + i] = o;
	return 0;
}

int conf_set(struct conf_loader *l, const char *name, const char *value, struct conf_origin o)
{
	int index = conf_option_find(name, strlen(name));

	if (index >= 0)
		return conf_set_option(l, index, value, o);
	if (!strncmp(name, "kafka.", 6))
		return set_kafka(l, name + 6, value, o);
	return conf_refuse_unknown(l, o, name);
}
