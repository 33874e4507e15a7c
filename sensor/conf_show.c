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

#define COLUMNS 100 /* of a sample's comments */

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
	       "  --sample-config\n        show a file with each option explained and what is "
	       "given "
	       "set in it\n"
	       "  --check\n        tell what this node lacks of what the sensor needs, and end: "
	       "with "
	       "3 if something is missing\n"
	       "  --probe\n        try which hooks this kernel has, tell what is "
	       "seen and what not, and end\n"
	       "  --json\n        the answer of --check or --probe as JSON\n"
	       "  --unpin\n        remove what an earlier sensor left pinned, and end\n"
	       "  --version\n  --help\n\n"
	       "Sizes take K, M or G, times ms, s or m.\n");
}

static void print_escaped(const char *text)
{
	text_print_escaped(stdout, text, strlen(text));
}

/* Properties by name, so that the order they were given in does not matter. NULL: the first; the
 * last. */
static const struct conf_kafka_property *next_property(const struct conf *conf,
						       const struct conf_kafka_property *last)
{
	const struct conf_kafka_property *next = NULL;

	for (size_t i = 0; i < conf->kafka_cnt; i++) {
		const struct conf_kafka_property *p = &conf->kafka[i];

		if ((!last || strcmp(p->name, last->name) > 0) &&
		    (!next || strcmp(p->name, next->name) < 0))
			next = p;
	}
	return next;
}

static void print_property(const struct conf_kafka_property *p)
{
	bool secret = conf_is_secret(p->name);

	printf("%skafka.%s = ", secret ? "# " : "", p->name);
	print_escaped(secret ? "(set, not shown)" : p->value);
	printf("\n");
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
		printf("# ");
		print_escaped(origin(conf_option_cnt + i, ctx));
		printf("\n");
		print_property(&conf->kafka[i]);
	}
	conf_digest(conf, text);
	printf("# config_sha256 in COVERAGE: %s\n", text);
}

/* Words from the column that `at` is in up to COLUMNS, then a line anew. */
static void print_wrapped(const char *text, size_t at)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (at + 1 + len > COLUMNS) {
			printf("\n#");
			at = 1;
		}
		printf(" %.*s", (int)len, text);
		at += 1 + len;
		text += len + strspn(text + len, " ");
	}
	printf("\n");
}

static void print_explained(const struct conf_option *option)
{
	char takes[256] = "";
	size_t len = 0;

	for (size_t i = 0; option->choices && option->choices[i] && len < sizeof(takes); i++)
		len += snprintf(takes + len, sizeof(takes) - len, "%s%s", i ? "|" : "",
				option->choices[i]);
	printf("\n# %s:", len ? takes : option->value_name);
	print_wrapped(option->help, strlen("# :") + (len ? len : strlen(option->value_name)));
}

static void print_sample(const struct conf *conf, const struct conf_option *option, bool is_set)
{
	char text[PATH_MAX];

	print_explained(option);
	conf_option_format(conf, option, text, sizeof(text));
	printf("%s%s = ", is_set ? "" : "#", option->name);
	/* The host name is of the node, and not of all that get this file. */
	print_escaped(is_set ? text : option->initial ? option->initial : option->value_name);
	printf("\n");
}

void conf_show_sample(const struct conf *conf, bool (*is_set)(size_t i, void *ctx), void *ctx)
{
	printf("# Configuration of varve-sensor. Lines of the form #name = value show the "
	       "defaults; "
	       "remove the # to set\n"
	       "# another value. Environment (VARVE_LOG_DIR) and command line win over the file.\n"
	       "# varve-sensor(8) says more of each; varve-sensor --sample-config makes this file "
	       "anew from what is set in it.\n");
	for (size_t i = 0; i < conf_option_cnt; i++)
		print_sample(conf, &conf_options[i], is_set(i, ctx));
	printf("\n# Any property of librdkafka; kafka.bootstrap.servers turns shipping on. "
	       "Passwords "
	       "are better given by the\n"
	       "# environment (VARVE_KAFKA_SASL_PASSWORD) or in a file that only root can read.\n");
	if (!conf_kafka_get(conf, "bootstrap.servers"))
		printf("#kafka.bootstrap.servers = HOST:PORT,HOST:PORT\n");
	for (const struct conf_kafka_property *p = NULL; (p = next_property(conf, p));)
		print_property(p);
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

static void digest_kafka(EVP_MD_CTX *md, const struct conf *conf)
{
	for (const struct conf_kafka_property *p = NULL; (p = next_property(conf, p));)
		if (!conf_is_secret(p->name))
			digest_pair(md, "kafka.", p->name, p->value);
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
