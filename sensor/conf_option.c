/* SPDX-License-Identifier: Apache-2.0 */
/* The options of varve-sensor, one row each, and the text forms of their values. */
#include "sensor/conf_option.h"

#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/text.h"
#include "sensor/conf.h"
#include "sensor/listen.h"
#include "sensor/policy.h"
#include "sensor/room.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

/* Where kubelet puts them in a pod. */
#define KUBE_SECRETS "/var/run/secrets/kubernetes.io/serviceaccount/"

#define KIB 1024ULL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static bool is_given(const char *text)
{
	return *text;
}

static bool is_topic(const char *text)
{
	size_t len =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return len && !text[len] && len <= 249 && strcmp(text, ".") && strcmp(text, "..");
}

static bool is_topic_or_none(const char *text)
{
	return !*text || is_topic(text);
}

static bool is_root(const char *text)
{
	return !*text || *text == '/';
}

static bool is_absolute(const char *text)
{
	return *text == '/';
}

static bool is_free(const char *text)
{
	uint64_t bytes;

	return room_parse_free(text, 0, &bytes);
}

static bool is_node(const char *text)
{
	return *text && strlen(text) <= 253;
}

/* A token in the clear would be anybody's: without TLS only to this machine (kubectl proxy). */
static bool is_kube_api(const char *text)
{
	static const char *const begins[] = {
		"https://", "http://127.0.0.1:", "http://localhost:", "http://[::1]:"};
	size_t len = strlen(text);

	if (!strcmp(text, "off") || !strcmp(text, "in-cluster"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
		if (len < 1000 && len > strlen(begins[i]) &&
		    !strncmp(text, begins[i], strlen(begins[i])))
			return !strpbrk(text, " @?#\t\r\n");
	return false;
}

static int check_events(const char *text, char *ret_rule, size_t rule_size)
{
	bool off[EV_KINDS_MAX];

	return policy_parse_events(text, off, ret_rule, rule_size);
}

static int check_paths(const char *text, char *ret_rule, size_t rule_size)
{
	struct policy_paths paths;

	return policy_parse_paths(text, &paths, ret_rule, rule_size);
}

static int check_rates(const char *text, char *ret_rule, size_t rule_size)
{
	uint32_t rates[EV_CLASS_CNT];

	return policy_parse_rates(text, rates, ret_rule, rule_size);
}

static bool is_listen(const char *text)
{
	struct listen_address address;

	return !listen_parse(text, &address);
}

static const char *const scopes[] = {"containers", "all", NULL};
static const char *const hierarchies[] = {"auto", "v2", "pids", "memory", NULL};
static const char *const read_opens[] = {"off", "first", "all", NULL};
static const char *const read_opens_host[] = {"off", "first", "all", "same", NULL};
static const char *const hook_sets[] = {"auto", "tracepoint", "trampoline", NULL};
static const char *const switches[] = {"off", "on", NULL};
static const char *const log_full[] = {"auto", "drop-newest", "drop-oldest-shipped-first", NULL};
static const char *const syncs[] = {"lag", "each", "interval", "none", NULL};
static const char *const framings[] = {"none", "confluent", NULL};
static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
_Static_assert(CONF_SCOPE_ALL == 1 && CONF_READ_OPENS_ALL == 2 && CONF_READ_OPENS_SAME == 3 &&
		       DIAG_DEBUG == 3 && CONF_HIERARCHY_MEMORY == 3 &&
		       CONF_HOOKS_TRAMPOLINE == 2 && CONF_HASH_ON == 1 &&
		       CONF_LOG_FULL_OLDEST == 2 && CONF_SYNC_NONE == 3 &&
		       CONF_FRAMING_CONFLUENT == 1 && DIAG_JSON == 1,
	       "in the order of the enums");

#define AT(member) .offset = offsetof(struct conf, member)
const char *conf_sync_name(const struct conf *conf)
{
	return syncs[conf->sync];
}

const struct conf_option conf_options[] = {
	{"log-dir", "DIR", CONF_TEXT, AT(log_dir), .initial = "/var/lib/varve", .valid = is_given,
	 .rule = "a directory", .help = "where the evidence log is kept"},
	{"log-segment-size", "SIZE", CONF_SIZE, AT(log_segment_bytes), .initial = "16M",
	 .min = 64 * KIB, .max = GIB, .help = "a segment of the log is closed at this size"},
	{"log-limit", "SIZE", CONF_SIZE, AT(log_limit_bytes), .initial = "1G", .min = 128 * KIB,
	 .max = 1024 * GIB,
	 .help = "most the log may take; log-full says what goes then, and it is declared lost",
	 .reload = true},
	{"log-free", "SIZE", CONF_TEXT, AT(log_free), .initial = "auto", .valid = is_free,
	 .rule = "auto, a size, or 0% to 99%",
	 .help = "the log is full, too, when less than this is free on its file system; auto: 5%, "
		 "from 256M to 8G, never more than a quarter of it",
	 .reload = true},
	{"log-full", "POLICY", CONF_CHOICE, AT(log_full), .initial = "auto", .choices = log_full,
	 .help = "what goes when the log is full: new records, those of file and network first, or "
		 "the oldest segment; auto: new records with Kafka, else the oldest",
	 .reload = true},
	{"sync", "WHEN", CONF_CHOICE, AT(sync), .initial = "lag", .choices = syncs,
	 .help = "when the log is synced to the disk: what Kafka has not acknowledged within a "
		 "second; after each write; each sync-interval; or when the run ends only",
	 .reload = true},
	{"sync-interval", "TIME", CONF_DURATION, AT(sync_interval_ms), .initial = "5s", .min = 100,
	 .max = 3600000, .help = "for sync = interval",
	 .reload = true},
	{"node-name", "NAME", CONF_TEXT, AT(node_name), .valid = is_node,
	 .rule = "1 to 253 characters", .help = "name of this node in every record"},
	{"scope", "WHAT", CONF_CHOICE, AT(scope), .initial = "containers", .choices = scopes,
	 .help = "whose events are recorded"},
	{"cgroup-hierarchy", "WHICH", CONF_CHOICE, AT(hierarchy), .initial = "auto",
	 .choices = hierarchies,
	 .help = "the cgroups that containers are told apart by: those of v2, or of the v1 "
		 "hierarchy of "
		 "pids or memory; auto: v2 if it is mounted, unless containers are in v1 only"},
	{"read-opens", "WHICH", CONF_CHOICE, AT(read_opens), .initial = "first",
	 .choices = read_opens,
	 .help = "opens for reading: none, once per process and file, or each; opens that write "
		 "are always recorded",
	 .reload = true},
	{"read-opens-host", "WHICH", CONF_CHOICE, AT(read_opens_host), .initial = "same",
	 .choices = read_opens_host,
	 .help = "the same outside of containers, with --scope all; same: as read-opens",
	 .reload = true},
	{"read-opens-always", "PATTERNS", CONF_TEXT, AT(read_opens_always), .initial = "default",
	 .check = check_paths,
	 .help = "files whose every open for reading is recorded: paths with commas between them, "
		 "* "
		 "for any characters; default: those that credentials are usually in"},
	{"events", "LIST", CONF_TEXT, AT(events), .initial = "all", .check = check_events,
	 .help = "all, and kinds or classes that are not recorded, only counted: "
		 "all,-rename,-network",
	 .reload = true},
	{"rate-limits", "LIST", CONF_TEXT, AT(rate_limits), .initial = "off", .check = check_rates,
	 .help = "most events per second, of a container on a CPU, that are recorded: file:20000, "
		 "network:5000, or both with a comma; the rest is counted",
	 .reload = true},
	{"fair-share", "WHETHER", CONF_CHOICE, AT(fair_share), .initial = "on", .choices = switches,
	 .help = "when a kernel buffer fills, a container that fills it is only counted, so that "
		 "others find room",
	 .reload = true},
	{"hooks", "SET", CONF_CHOICE, AT(hooks), .initial = "auto", .choices = hook_sets,
	 .help = "how the kernel is watched: trampolines where it allows them, each hook by "
		 "itself, "
		 "else tracepoints; or tracepoints only; or trampolines, and an end if it has "
		 "none"},
	{"pin", "off|on", CONF_CHOICE, AT(pin), .initial = "off", .choices = switches,
	 .help = "hooks, counters and rings outlive the sensor: events go on being numbered and "
		 "buffered, "
		 "and the next start takes over"},
	{"pin-directory", "DIR", CONF_TEXT, AT(pin_dir), .initial = "/sys/fs/bpf/varve",
	 .valid = is_absolute, .rule = "an absolute path", .help = "where in a BPF file system"},
	{"ring-size", "SIZE", CONF_RING, AT(ring_bytes), .initial = "auto", .min = 4 * KIB,
	 .max = GIB,
	 .help = "kernel buffer of file and network events; auto: 8M to 64M by the node's memory"},
	{"decisive-ring-size", "SIZE", CONF_RING, AT(decisive_ring_bytes), .initial = "auto",
	 .min = 4 * KIB, .max = GIB,
	 .help = "kernel buffer of process, container and kernel events; auto: 4M to 16M"},
	{"container-limit", "COUNT", CONF_COUNT, AT(container_limit), .initial = "8192", .min = 16,
	 .max = 1 << 20, .help = "most containers followed at a time"},
	{"process-limit", "COUNT", CONF_COUNT, AT(process_limit), .initial = "65536", .min = 256,
	 .max = 1 << 22, .help = "most processes followed at a time"},
	{"seal-key", "FILE", CONF_TEXT, AT(seal_key), .initial = "", .valid = is_root,
	 .rule = "an absolute path, or nothing",
	 .help = "first signing key where the log directory has none: Ed25519, PKCS #8 in PEM"},
	{"seal-key-interval", "TIME", CONF_DURATION, AT(seal_key_interval_ms), .initial = "15m",
	 .min = 1000, .max = 86400000, .help = "another key signs from then on",
	 .reload = true},
	{"heartbeat", "TIME", CONF_DURATION, AT(heartbeat_ms), .initial = "10s", .min = 100,
	 .max = 3600000, .help = "interval of heartbeat records",
	 .reload = true},
	{"host-root", "DIR", CONF_TEXT, AT(host_root), .initial = "", .valid = is_root,
	 .rule = "an absolute path, or nothing",
	 .help = "where the node's file system is seen, /host in a pod"},
	{"kafka-topic", "TOPIC", CONF_TEXT, AT(kafka_topic), .initial = "varve.events",
	 .valid = is_topic, .rule = "1 to 249 of a-z A-Z 0-9 . _ -",
	 .help = "topic the records are produced to"},
	{"kafka-pods-topic", "TOPIC", CONF_TEXT, AT(kafka_pods_topic), .initial = "varve.pods",
	 .valid = is_topic_or_none, .rule = "1 to 249 of a-z A-Z 0-9 . _ -, or nothing",
	 .help = "topic of the directory of pods: POD_STATE records, keyed by the pod's UID, are "
		 "produced to it as well; make it compacted; empty: none"},
	{"kafka-framing", "WHICH", CONF_CHOICE, AT(kafka_framing), .initial = "none",
	 .choices = framings,
	 .help = "what stands before the message in a record: nothing, or Confluent's prefix, for "
		 "consumers that ask a schema registry"},
	{"kafka-schema-id", "ID", CONF_COUNT, AT(kafka_schema_id), .initial = "0", .max = INT32_MAX,
	 .help = "for kafka-framing confluent: the id that the registry gave to varve.proto"},
	{"kube-api", "URL", CONF_TEXT, AT(kube_api), .initial = "off", .valid = is_kube_api,
	 .rule = "off, in-cluster, https://HOST[:PORT], or http:// on the loopback",
	 .help = "the Kubernetes API server that is asked for this node's pods: owner, labels, "
		 "service "
		 "account; in-cluster: the one of the pod that the sensor runs in"},
	{"kube-token-file", "FILE", CONF_TEXT, AT(kube_token_file), .initial = KUBE_SECRETS "token",
	 .help = "bearer token for it, read anew for each request"},
	{"kube-ca-file", "FILE", CONF_TEXT, AT(kube_ca_file), .initial = KUBE_SECRETS "ca.crt",
	 .help = "certificates (PEM) that alone vouch for it, read anew for each request"},
	{"kube-labels", "KEYS", CONF_TEXT, AT(kube_labels),
	 .initial = "app,app.kubernetes.io/*,k8s-app",
	 .help = "labels of pods that are recorded: keys with commas between them, * at the end "
		 "for "
		 "all that begin so"},
	{"record", "FILE", CONF_TEXT, AT(record_file), .initial = "",
	 .help = "also write the kernel's raw records to this file, for replay tests"},
	{"hash", "WHETHER", CONF_CHOICE, AT(hash), .initial = "on", .choices = switches,
	 .help = "SHA-256 of what is executed or loaded as a module, once per container and file"},
	{"hash-size-limit", "SIZE", CONF_SIZE, AT(hash_size_bytes), .initial = "64M",
	 .min = 4 * KIB, .max = 64 * GIB, .help = "larger files are not hashed, which is recorded"},
	{"hash-rate", "SIZE", CONF_SIZE, AT(hash_rate_bytes), .initial = "64M", .min = 64 * KIB,
	 .max = 64 * GIB,
	 .help = "most bytes read for hashing in a second; what has to wait for 2 s is not hashed, "
		 "which is recorded"},
	{"drop-privileges", "WHETHER", CONF_CHOICE, AT(drop_privileges), .initial = "on",
	 .choices = switches,
	 .help = "when all is attached each thread gives up the capabilities that it does not need "
		 "any more; no new ones by exec, memory that is not dumped"},
	{"log-level", "LEVEL", CONF_CHOICE, AT(log_level), .initial = "info", .choices = levels,
	 .help = "messages shown on standard error", .reload = true},
	{"log-format", "FORMAT", CONF_CHOICE, AT(log_format), .initial = "text",
	 .choices = log_formats,
	 .help = "of those messages: text, or one JSON object a line with time, level, program and "
		 "message",
	 .reload = true},
	{"listen", "ADDRESS", CONF_TEXT, AT(listen), .initial = "off", .valid = is_listen,
	 .rule = "off, HOST:PORT with an IPv4 address or an IPv6 one in [], or the absolute path of a "
		 "unix socket",
	 .help = "where /metrics, /healthz and /readyz are served by HTTP: 127.0.0.1:9108, [::]:9108 "
		 "or /run/varve/http"},
};
const size_t conf_option_cnt = ARRAY_SIZE(conf_options);

static const char *const command_words[] = {"config",	    "help",	     "version",
					    "print-config", "sample-config", "probe",
					    "check",	    "json",	     "unpin"};

int conf_option_find(const char *name, size_t len)
{
	for (size_t i = 0; i < conf_option_cnt; i++)
		if (strlen(conf_options[i].name) == len && !memcmp(conf_options[i].name, name, len))
			return i;
	return -ENOENT;
}

/* Levenshtein's distance; of b the first 63 characters. */
static size_t distance(const char *a, const char *b)
{
	size_t row[64], len = MIN(strlen(b), ARRAY_SIZE(row) - 1);

	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 1; j <= len; j++) {
			size_t above = row[j];
			size_t change = diagonal + (a[i] != b[j - 1]);

			row[j] = MIN(change, MIN(above, row[j - 1]) + 1);
			diagonal = above;
		}
	}
	return row[len];
}

void conf_nearer(const char *name, const char *candidate, size_t *best, const char **ret_nearest)
{
	size_t d = distance(name, candidate);

	if (d >= *best)
		return;
	*best = d;
	*ret_nearest = candidate;
}

size_t conf_near_enough(const char *name)
{
	return strlen(name) / 2 + 2; /* further away it is no misspelling */
}

const char *conf_option_nearest(const char *name, bool command_line)
{
	const char *nearest = NULL;
	size_t best = conf_near_enough(name);

	if (strlen(name) > 64)
		return NULL;
	for (size_t i = 0; i < conf_option_cnt; i++)
		conf_nearer(name, conf_options[i].name, &best, &nearest);
	for (size_t i = 0; command_line && i < ARRAY_SIZE(command_words); i++)
		conf_nearer(name, command_words[i], &best, &nearest);
	return nearest;
}

struct unit {
	const char *name;
	uint64_t factor;
};
static const struct unit no_units[] = {{"", 1}, {}};
static const struct unit size_units[] = {{"G", GIB}, {"M", MIB}, {"K", KIB}, {"", 1}, {}};
static const struct unit time_units[] = {{"m", 60000}, {"s", 1000}, {"ms", 1}, {}};

static const struct unit *units_of(const struct conf_option *option)
{
	switch (option->type) {
	case CONF_SIZE:
	case CONF_RING:
		return size_units;
	case CONF_DURATION:
		return time_units;
	default:
		return no_units;
	}
}

/* Digits and a unit, nothing else: no sign, no blank, no overflow. */
static int parse_number(const char *text, const struct unit *units, uint64_t *ret_value)
{
	uint64_t value = 0;
	const char *p = text;

	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *p - '0', &value))
			return -ERANGE;
	if (p == text)
		return -EINVAL;
	for (; units->name; units++) {
		if (strcasecmp(p, units->name))
			continue;
		if (__builtin_mul_overflow(value, units->factor, &value))
			return -ERANGE;
		*ret_value = value;
		return 0;
	}
	return -EINVAL;
}

static void format_number(uint64_t value, const struct unit *units, char *text, size_t size)
{
	while (units[1].name && (!value || value % units->factor))
		units++;
	snprintf(text, size, "%llu%s", (unsigned long long)(value / units->factor), units->name);
}

static int set_number(void *member, const struct conf_option *option, const char *text, char *rule,
		      size_t size)
{
	static const char *const what[] = {[CONF_COUNT] = "a number",
					   [CONF_SIZE] = "a size",
					   [CONF_RING] =
						   "auto, or a power of two of at least a page",
					   [CONF_DURATION] = "a time with its unit (ms, s, m)"};
	const struct unit *units = units_of(option);
	uint64_t value, least = option->min;
	char min[32], max[32];

	if (option->type == CONF_RING && !strcmp(text, "auto")) {
		*(uint64_t *)member = 0;
		return 0;
	}
	if (option->type == CONF_RING)
		least = MAX(least, (uint64_t)sysconf(_SC_PAGESIZE));
	if (!parse_number(text, units, &value) && value >= least && value <= option->max &&
	    (option->type != CONF_RING || !(value & (value - 1)))) {
		*(uint64_t *)member = value;
		return 0;
	}
	format_number(least, units, min, sizeof(min));
	format_number(option->max, units, max, sizeof(max));
	snprintf(rule, size, "%s, from %s to %s", what[option->type], min, max);
	return -EINVAL;
}

static int set_choice(int *member, const struct conf_option *option, const char *text, char *rule,
		      size_t size)
{
	size_t len = 0;

	for (int i = 0; option->choices[i]; i++) {
		if (strcmp(text, option->choices[i]))
			continue;
		*member = i;
		return 0;
	}
	for (int i = 0; option->choices[i] && len < size; i++)
		len += snprintf(rule + len, size - len, "%s%s", i ? ", " : "one of ",
				option->choices[i]);
	return -EINVAL;
}

/* Every text may end up in a record, a path or a message: UTF-8 without control characters. */
static bool is_printable(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return text_is_utf8(text, strlen(text));
}

static int set_text(char **member, const struct conf_option *option, const char *text, char *rule,
		    size_t size)
{
	char *copy;

	if (!is_printable(text) || strlen(text) >= PATH_MAX) {
		snprintf(rule, size, "UTF-8 text without control characters, shorter than %d bytes",
			 PATH_MAX);
		return -EINVAL;
	}
	if (option->valid && !option->valid(text)) {
		snprintf(rule, size, "%s", option->rule);
		return -EINVAL;
	}
	if (option->check && option->check(text, rule, size))
		return -EINVAL;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(*member);
	*member = copy;
	return 0;
}

int conf_option_set(struct conf *conf, const struct conf_option *option, const char *text,
		    char *ret_rule, size_t rule_size)
{
	void *member = (char *)conf + option->offset;

	switch (option->type) {
	case CONF_TEXT:
		return set_text(member, option, text, ret_rule, rule_size);
	case CONF_CHOICE:
		return set_choice(member, option, text, ret_rule, rule_size);
	default:
		return set_number(member, option, text, ret_rule, rule_size);
	}
}

void conf_option_format(const struct conf *conf, const struct conf_option *option, char *ret_text,
			size_t size)
{
	const void *member = (const char *)conf + option->offset;

	switch (option->type) {
	case CONF_TEXT:
		snprintf(ret_text, size, "%s",
			 *(char *const *)member ? *(char *const *)member : "");
		break;
	case CONF_CHOICE:
		snprintf(ret_text, size, "%s", option->choices[*(const int *)member]);
		break;
	case CONF_RING:
		if (!*(const uint64_t *)member) {
			snprintf(ret_text, size, "auto");
			break;
		}
		/* fallthrough */
	default:
		format_number(*(const uint64_t *)member, units_of(option), ret_text, size);
	}
}
