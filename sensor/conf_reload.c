/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGHUP: the sources are read again, and of what differs that is taken which can be set while the
 * sensor runs. What is built into the programs (`const volatile` there, which the kernel freezes
 * and the verifier has reckoned with) needs others: a restart, which with `pin` has no gap either.
 */
#include "sensor/conf.h"
#include "sensor/conf_option.h"

#include "evidence/base.h"
#include "evidence/diag.h"

#include <limits.h>
#include <string.h>

#define SWAP(type, a, b)                     \
	do {                                 \
		type _a = *(type *)(a);      \
		*(type *)(a) = *(type *)(b); \
		*(type *)(b) = _a;           \
	} while (0)

static bool is_same(const struct conf *a, const struct conf *b, const struct conf_option *option)
{
	char text_a[PATH_MAX], text_b[PATH_MAX];

	conf_option_format(a, option, text_a, sizeof(text_a));
	conf_option_format(b, option, text_b, sizeof(text_b));
	return !strcmp(text_a, text_b);
}

/* The old value is freed with the rest of `fresh`. */
static void take(struct conf *conf, struct conf *fresh, const struct conf_option *option)
{
	void *old = (char *)conf + option->offset, *new = (char *)fresh + option->offset;

	switch (option->type) {
	case CONF_TEXT:
		SWAP(char *, old, new);
		break;
	case CONF_CHOICE:
		SWAP(int, old, new);
		break;
	default:
		SWAP(uint64_t, old, new);
	}
}

static bool is_same_kafka(const struct conf *a, const struct conf *b)
{
	for (size_t i = 0; i < a->kafka_cnt; i++) {
		const char *value = conf_kafka_get(b, a->kafka[i].name);

		if (!value || strcmp(value, a->kafka[i].value))
			return false;
	}
	return a->kafka_cnt == b->kafka_cnt;
}

static size_t take_all(struct conf *conf, struct conf *fresh)
{
	size_t taken = 0;
	char text[PATH_MAX];

	for (size_t i = 0; i < conf_option_cnt; i++) {
		const struct conf_option *option = &conf_options[i];

		if (is_same(conf, fresh, option))
			continue;
		conf_option_format(fresh, option, text, sizeof(text));
		if (!option->reload) {
			log_warn("reload: %s = %s needs a restart: it stays as it is (with pin = "
				 "on a "
				 "restart has no gap)",
				 option->name, text);
			continue;
		}
		take(conf, fresh, option);
		taken++;
		log_info("reload: %s = %s", option->name, text);
	}
	if (!is_same_kafka(conf, fresh))
		log_warn("reload: kafka.* needs a restart: it stays as it is");
	return taken;
}

int conf_reload(struct conf *conf, int argc, char **argv, size_t *ret_taken)
{
	struct conf fresh;
	int err = conf_load(&fresh, argc, argv);

	if (err)
		err = log_err(err < 0 ? err : -EINVAL,
			      "reload: the configuration is wrong: nothing is changed");
	else
		*ret_taken = take_all(conf, &fresh);
	conf_fini(&fresh);
	return err;
}
