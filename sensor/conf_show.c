/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as text for people (--help, --print-config) and as a digest for the evidence.
 */
#include "sensor/conf.h"
#include "sensor/conf_option.h"

#include "evidence/base.h"
#include "evidence/digest.h"
#include "evidence/text.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

bool conf_is_secret(const char *property)
{
	/* sasl.oauthbearer.config and ssl.key.pem carry credentials without a word that says so */
	static const char *const words[] = {"password",	  "secret",   "key.pem",
					    "jaas",	  "token",    "oauthbearer.config",
					    "credential", "assertion"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(property, words[i]))
			return true;
	return false;
}

static void print_choices(const struct conf_option *option)
{
	for (size_t i = 0; option->choices[i]; i++)
		printf("%s%s", i ? "|" : "", option->choices[i]);
}

static void print_option(const struct conf_option *option)
{
	printf("  --%s ", option->name);
	if (option->choices)
		print_choices(option);
	else
		printf("%s", option->value_name);
	printf("\n        %s (", option->help);
	if (!option->initial)
		printf("the host name)\n");
	else
		printf("%s)\n", *option->initial ? option->initial : "none");
}

void conf_show_help(void)
{
	printf("Usage: varve-sensor [OPTION]...\n"
	       "Records what containers on this node do, as evidence. Needs root, or CAP_BPF, "
	       "CAP_PERFMON,\n"
	       "CAP_NET_ADMIN and CAP_DAC_READ_SEARCH.\n\n"
	       "Each option, with its default in parentheses, is also an environment variable "
	       "(VARVE_LOG_DIR) and a line of\n"
	       "the file (log-dir = /var/lib/varve; lines that begin with # are comments). The "
	       "command line wins over the\n"
	       "environment, the environment over the file.\n\n");
	for (size_t i = 0; i < conf_option_cnt; i++)
		print_option(&conf_options[i]);
	printf("  --kafka.PROPERTY VALUE\n"
	       "        any property of librdkafka (VARVE_KAFKA_SASL_USERNAME, kafka.sasl.username "
	       "= ...);\n"
	       "        kafka.bootstrap.servers turns shipping on. Secrets belong into the file or "
	       "the environment.\n"
	       "  --config FILE\n        configuration file (/etc/varve/sensor.conf if it is "
	       "there)\n"
	       "  --print-config\n        show each value and where it came from, in the form of a "
	       "file\n"
	       "  --probe, --probe=json\n        try which hooks this kernel has, tell what is "
	       "seen and what not, and end\n"
	       "  --unpin\n        remove what an earlier sensor left pinned, and end\n"
	       "  --version\n  --help\n\n"
	       "Sizes take K, M or G, times ms, s or m.\n");
}

static void print_escaped(const char *text)
{
	text_print_escaped(stdout, text, strlen(text));
}

void conf_show_values(const struct conf *conf, const char *(*origin)(size_t i, void *ctx),
		      void *ctx)
{
	char text[PATH_MAX];

	for (size_t i = 0; i < conf_option_cnt; i++) {
		conf_option_format(conf, &conf_options[i], text, sizeof(text));
		printf("# ");
		print_escaped(origin(i, ctx));
		printf("\n%s = ", conf_options[i].name);
		print_escaped(text);
		printf("\n");
	}
	for (size_t i = 0; i < conf->kafka_cnt; i++) {
		bool secret = conf_is_secret(conf->kafka[i].name);

		printf("# ");
		print_escaped(origin(conf_option_cnt + i, ctx));
		printf("\n%skafka.%s = ", secret ? "# " : "", conf->kafka[i].name);
		print_escaped(secret ? "(set, not shown)" : conf->kafka[i].value);
		printf("\n");
	}
}

/* The length before the value keeps two configurations from having one text. */
static void digest_pair(EVP_MD_CTX *md, const char *prefix, const char *name, const char *value)
{
	char head[512];
	int len = snprintf(head, sizeof(head), "%s%s=%zu:", prefix, name, strlen(value));

	EVP_DigestUpdate(md, head, MIN((size_t)len, sizeof(head) - 1));
	EVP_DigestUpdate(md, value, strlen(value));
	EVP_DigestUpdate(md, "\n", 1);
}

/* Properties by name, so that the order they were given in does not matter. */
static void digest_kafka(EVP_MD_CTX *md, const struct conf *conf)
{
	const char *last = "";

	for (;;) {
		const struct conf_kafka_property *next = NULL;

		for (size_t i = 0; i < conf->kafka_cnt; i++) {
			const struct conf_kafka_property *p = &conf->kafka[i];

			if (strcmp(p->name, last) > 0 && (!next || strcmp(p->name, next->name) < 0))
				next = p;
		}
		if (!next)
			return;
		last = next->name;
		if (!conf_is_secret(next->name))
			digest_pair(md, "kafka.", next->name, next->value);
	}
}

void conf_digest(const struct conf *conf, char ret_hex[65])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char hash[EVP_MAX_MD_SIZE];
	char text[PATH_MAX];

	/* SHA-256 is there or libcrypto is broken: nothing sensible can follow */
	if (!md || !EVP_DigestInit_ex(md, EVP_sha256(), NULL))
		abort();
	for (size_t i = 0; i < conf_option_cnt; i++) {
		conf_option_format(conf, &conf_options[i], text, sizeof(text));
		digest_pair(md, "", conf_options[i].name, text);
	}
	digest_kafka(md, conf);
	EVP_DigestFinal_ex(md, hash, NULL);
	EVP_MD_CTX_free(md);
	digest_hex(hash, ret_hex);
}
