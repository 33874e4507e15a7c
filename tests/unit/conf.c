/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: each source, who wins, and the one line that says what is wrong. */
#include "sensor/conf.h"
#include "sensor/conf_option.h"

#include "evidence/base.h"
#include "evidence/diag.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static char file[64];
static char out[65536], err[65536]; /* what the last load printed */

static int redirect(int fd, int *ret_saved)
{
	int mem = memfd_create("out", MFD_CLOEXEC);

	fflush(NULL);
	*ret_saved = dup(fd);
	dup2(mem, fd);
	return mem;
}

static void restore(int fd, int saved, int mem, char *text)
{
	ssize_t n;

	fflush(NULL);
	dup2(saved, fd);
	close(saved);
	n = pread(mem, text, sizeof(out) - 1, 0);
	text[n < 0 ? 0 : n] = 0;
	close(mem);
}

#define LOAD(conf, ...) load(conf, (char *[]){"varve-sensor", ##__VA_ARGS__, NULL})
static int load(struct conf *conf, char **argv)
{
	int argc = 0, saved_out, saved_err, mem_out, mem_err, ret;

	while (argv[argc])
		argc++;
	mem_out = redirect(1, &saved_out);
	mem_err = redirect(2, &saved_err);
	ret = conf_load(conf, argc, argv);
	restore(2, saved_err, mem_err, err);
	restore(1, saved_out, mem_out, out);
	return ret;
}

static void write_file(const char *text, size_t len)
{
	FILE *f = fopen(file, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
}

/* Each test begins with no variable of ours and an empty file that stands for the default one. */
static int setup(void **state)
{
	int fd;

	(void)state;
	clearenv();
	diag_init("varve-sensor", DIAG_INFO);
	strcpy(file, "/tmp/varve-conf-XXXXXX");
	fd = mkstemp(file);
	if (fd < 0)
		return -1;
	close(fd);
	return setenv("VARVE_CONFIG", file, 1);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(file);
}

/* Fails with exactly one line that holds each of the words. */
static void assert_refused(int ret, const char *const *words)
{
	const char *newline = strchr(err, '\n');

	if (ret >= 0 || !newline || newline[1] || *out)
		fail_msg("%d, printed '%s' '%s'", ret, out, err);
	for (; *words; words++)
		if (!strstr(err, *words))
			fail_msg("'%s' is not in: %s", *words, err);
}
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void has_the_promised_defaults(void **state)
{
	struct conf conf;
	char host[256];

	(void)state;
	assert_int_equal(LOAD(&conf), 0);
	assert_string_equal(out, "");
	assert_string_equal(err, "");
	assert_string_equal(conf.log_dir, "/var/lib/varve");
	assert_int_equal(conf.log_segment_bytes, 16 << 20);
	assert_int_equal(conf.log_limit_bytes, 1 << 30);
	assert_string_equal(conf.log_free, "auto");
	assert_int_equal(conf.log_full, CONF_LOG_FULL_AUTO);
	assert_int_equal(conf.sync, CONF_SYNC_LAG);
	assert_int_equal(conf.sync_interval_ms, 5000);
	gethostname(host, sizeof(host));
	assert_string_equal(conf.node_name, host);
	assert_int_equal(conf.scope, CONF_SCOPE_CONTAINERS);
	assert_int_equal(conf.read_opens, CONF_READ_OPENS_FIRST);
	assert_int_equal(conf_read_opens_host(&conf), CONF_READ_OPENS_FIRST);
	assert_string_equal(conf.read_opens_always, "default");
	assert_string_equal(conf.events, "all");
	assert_string_equal(conf.rate_limits, "off");
	assert_int_equal(conf.fair_share, 1);
	assert_int_equal(conf.ring_bytes, 0); /* auto */
	assert_int_equal(conf.decisive_ring_bytes, 0);
	assert_int_equal(conf.container_limit, 8192);
	assert_int_equal(conf.process_limit, 65536);
	assert_int_equal(conf.heartbeat_ms, 10000);
	assert_string_equal(conf.host_root, "");
	assert_string_equal(conf.kafka_topic, "varve.events");
	assert_string_equal(conf.kafka_pods_topic, "varve.pods");
	assert_int_equal(conf.kafka_framing, CONF_FRAMING_NONE);
	assert_string_equal(conf.record_file, "");
	assert_int_equal(conf.hash, CONF_HASH_ON);
	assert_int_equal(conf.hash_size_bytes, 64 << 20);
	assert_int_equal(conf.hash_rate_bytes, 64 << 20);
	assert_int_equal(conf.log_level, DIAG_INFO);
	assert_int_equal(conf.kafka_cnt, 0);
	assert_null(conf_kafka_get(&conf, "bootstrap.servers"));
	conf_fini(&conf);
	conf_fini(&conf);
}

static void the_stronger_source_wins(void **state)
{
	static const char text[] =
		"# comment\n\n  log-dir =  /from/file  \r\nnode-name=file\nheartbeat = 500ms\n"
		"kafka.bootstrap.servers = f:9092\nkafka.linger.ms = 7\nkafka.sasl.password = a#b "
		"= c\n"
		"kafka.ssl.ca.location = /f.pem";
	struct conf conf;

	(void)state;
	write_file(text, sizeof(text) - 1);
	setenv("VARVE_NODE_NAME", "env", 1);
	setenv("VARVE_LOG_DIR", "/from/env", 1);
	setenv("VARVE_KAFKA_BOOTSTRAP_SERVERS", "e:9092", 1);
	setenv("VARVE_KAFKA_LINGER_MS", "8", 1);
	setenv("VARVE_KAFKA_TOPIC", "t", 1);
	assert_int_equal(LOAD(&conf, "--log-dir", "/from/args", "--kafka.linger.ms=9",
			      "--scope=all", "--read-opens", "off", "--read-opens-host=first",
			      "--read-opens-always=", "--events=all,-network"),
			 0);
	assert_string_equal(conf.log_dir, "/from/args");
	assert_string_equal(conf.node_name, "env");
	assert_int_equal(conf.heartbeat_ms, 500);
	assert_string_equal(conf.kafka_topic, "t");
	assert_int_equal(conf.scope, CONF_SCOPE_ALL);
	assert_int_equal(conf.read_opens, CONF_READ_OPENS_OFF);
	assert_int_equal(conf_read_opens_host(&conf), CONF_READ_OPENS_FIRST);
	assert_string_equal(conf.read_opens_always, "");
	assert_string_equal(conf.events, "all,-network");
	assert_string_equal(conf_kafka_get(&conf, "bootstrap.servers"), "e:9092");
	assert_string_equal(conf_kafka_get(&conf, "linger.ms"), "9");
	assert_string_equal(conf_kafka_get(&conf, "sasl.password"), "a#b = c");
	assert_string_equal(conf_kafka_get(&conf, "ssl.ca.location"), "/f.pem");
	assert_int_equal(conf.kafka_cnt, 4);
	conf_fini(&conf);
}

static void takes_numbers_with_units(void **state)
{
	struct conf conf;

	(void)state;
	assert_int_equal(LOAD(&conf, "--log-segment-size", "64k", "--log-limit=131072",
			      "--ring-size", "1G", "--decisive-ring-size=4K", "--heartbeat", "2m",
			      "--container-limit", "16"),
			 0);
	assert_int_equal(conf.log_segment_bytes, 65536);
	assert_int_equal(conf.log_limit_bytes, 131072);
	assert_int_equal(conf.ring_bytes, 1 << 30);
	assert_int_equal(conf.decisive_ring_bytes, 4096);
	assert_int_equal(conf.heartbeat_ms, 120000);
	assert_int_equal(conf.container_limit, 16);
	conf_fini(&conf);
	assert_int_equal(
		LOAD(&conf, "--kafka-framing=confluent", "--kafka-schema-id", "2147483647"), 0);
	assert_int_equal(conf.kafka_framing, CONF_FRAMING_CONFLUENT);
	assert_int_equal(conf.kafka_schema_id, INT32_MAX);
	conf_fini(&conf);
	/* One topic cannot be both. */
	assert_int_equal(LOAD(&conf, "--kafka-pods-topic", "varve.events"), -EINVAL);
	conf_fini(&conf);
	assert_int_equal(LOAD(&conf, "--kafka-pods-topic", ""), 0);
	assert_string_equal(conf.kafka_pods_topic, "");
	conf_fini(&conf);
}

static const struct {
	char *option, *value;
	const char *said;
} bad_values[] = {
	{"--log-free", "100%", "0% to 99%"},
	{"--log-full", "drop", "drop-newest"},
	{"--sync", "always", "lag, each, interval, none"},
	{"--ring-size", "3M", "power of two"},
	{"--rate-limits", "process:10", "file and network"},
	{"--rate-limits", "file:0", "from 1 to 1000000"},
	{"--fair-share", "1", "off, on"},
	{"--ring-size", "AUTO", "auto, or a power of two"},
	{"--ring-size", "2K", "from 4K to 1G"},
	{"--ring-size", "0", "power of two"},
	{"--ring-size", "2G", "from 4K to 1G"},
	{"--log-segment-size", "99999999999999999999G", "a size"},
	{"--log-segment-size", "17179869185G", "a size"},
	{"--log-segment-size", "-1", "a size"},
	{"--log-segment-size", "+65536", "a size"},
	{"--log-segment-size", "1 M", "a size"},
	{"--log-segment-size", "", "a size"},
	{"--log-segment-size", "1MB", "a size"},
	{"--heartbeat", "10", "a time with its unit"},
	{"--heartbeat", "2h", "a time with its unit"},
	{"--heartbeat", "1ms", "from 100ms to 60m"},
	{"--container-limit", "1K", "a number"},
	{"--container-limit", "15", "from 16 to 1048576"},
	{"--scope", "pods", "one of containers, all"},
	{"--read-opens", "", "one of off, first, all"},
	{"--read-opens-host", "none", "one of off, first, all, same"},
	{"--read-opens-always", "etc/shadow", "begin with / or *"},
	{"--events", "all,-exec", "not '-exec': exec, exit, fork"},
	{"--events", "-rename", "not '-rename': there is no such kind or class"},
	{"--hash", "yes", "one of off, on"},
	{"--hash-size-limit", "1K", "from 4K to 64G"},
	{"--hash-rate", "0", "from 64K to 64G"},
	{"--log-level", "INFO", "one of error, warn, info, debug"},
	{"--log-dir", "", "a directory"},
	{"--host-root", "host", "an absolute path"},
	{"--kafka-topic", "a b", "1 to 249"},
	{"--kafka-topic", "..", "1 to 249"},
	{"--kafka-pods-topic", "a b", "1 to 249"},
	{"--kafka-framing", "avro", "one of none, confluent"},
	{"--kafka-schema-id", "2147483648", "from 0 to 2147483647"},
	{"--kafka-schema-id", "-1", "a number"},
	{"--kube-api", "", "off, in-cluster, https://"},
	{"--kube-api", "http://10.0.0.1:80", "off, in-cluster, https://"},
	{"--kube-api", "https://a@b", "off, in-cluster, https://"},
	{"--kube-api", "https://", "off, in-cluster, https://"},
	{"--node-name", "", "1 to 253"},
	{"--node-name", "a\nb", "control characters"},
	{"--node-name", "a\xff", "UTF-8"},
	{"--kafka.", "x", "no name of a librdkafka property"},
	{"--kafka.a b", "x", "no name of a librdkafka property"},
};

static void refuses_bad_values(void **state)
{
	struct conf conf;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_values); i++) {
		int ret = LOAD(&conf, bad_values[i].option, bad_values[i].value);

		assert_refused(
			ret, WORDS("command line: ", bad_values[i].option + 2, bad_values[i].said));
		conf_fini(&conf);
	}
	assert_refused(LOAD(&conf, "--log-limit", "16M"), WORDS("log-limit", "raise"));
	conf_fini(&conf);
	assert_refused(LOAD(&conf, "--kafka-framing", "confluent"), WORDS("needs kafka-schema-id"));
	conf_fini(&conf);
	assert_refused(LOAD(&conf, "--kafka-schema-id", "7"), WORDS("set both or neither"));
	conf_fini(&conf);
}

static void names_the_nearest_option(void **state)
{
	struct conf conf;
	static const char text[] = "log-dir = /x\n\nlog_limit = 1G\n";

	(void)state;
	assert_refused(LOAD(&conf, "--log-dirr", "/x"),
		       WORDS("unknown option --log-dirr", "did you mean --log-dir?"));
	conf_fini(&conf);
	assert_refused(LOAD(&conf, "--verison"), WORDS("did you mean --version?"));
	conf_fini(&conf);
	assert_refused(LOAD(&conf, "--qqqqqqqqqqqqqqqqqqqq=1"), WORDS("--help lists them"));
	conf_fini(&conf);
	assert_refused(LOAD(&conf, "-v"), WORDS("unexpected argument '-v'", "--help"));
	conf_fini(&conf);
	assert_refused(LOAD(&conf, "--log-dir"), WORDS("--log-dir needs a value"));
	conf_fini(&conf);
	setenv("VARVE_NODENAME", "x", 1);
	assert_refused(LOAD(&conf),
		       WORDS("environment", "unknown option nodename", "did you mean node-name?"));
	conf_fini(&conf);
	unsetenv("VARVE_NODENAME");
	write_file(text, sizeof(text) - 1);
	assert_refused(LOAD(&conf),
		       WORDS(file, ":3: unknown option log_limit", "did you mean log-limit?"));
	conf_fini(&conf);
}

static void file_errors_name_file_and_line(void **state)
{
	struct conf conf;

	(void)state;
	write_file("# x\nscope = nothing\n", 20);
	assert_refused(LOAD(&conf), WORDS(file, ":2: scope", "one of containers, all"));
	conf_fini(&conf);
	/* also where a stronger source hides the value */
	assert_refused(LOAD(&conf, "--scope", "all"), WORDS(":2: scope"));
	conf_fini(&conf);
	write_file("kafka.sasl.password: hunter2\n", 29);
	assert_refused(LOAD(&conf), WORDS(":1: not understood", "name = value"));
	assert_null(strstr(err, "hunter2"));
	conf_fini(&conf);
	write_file("log-dir = /x\0y\n", 15);
	assert_refused(LOAD(&conf), WORDS(":1: a NUL byte"));
	conf_fini(&conf);
	write_file(" = x\n", 5);
	assert_refused(LOAD(&conf), WORDS(":1: not understood"));
	conf_fini(&conf);
	assert_refused(LOAD(&conf, "--config", "/nonexistent/x.conf"),
		       WORDS("/nonexistent/x.conf", "No such file"));
	conf_fini(&conf);
	assert_refused(LOAD(&conf, "--config=/tmp"), WORDS("/tmp", "Is a directory"));
	conf_fini(&conf);
	assert_refused(LOAD(&conf, "--config=/dev/zero"), WORDS("/dev/zero", "cannot be read"));
	conf_fini(&conf);
}

static void leaves_kubernetes_variables_alone(void **state)
{
	struct conf conf;

	(void)state;
	setenv("VARVE_SERVICE_HOST", "10.96.0.1", 1);
	setenv("VARVE_SERVICE_PORT_METRICS", "9090", 1);
	setenv("VARVE_PORT", "tcp://10.96.0.1:9090", 1);
	setenv("VARVE_PORT_9090_TCP_ADDR", "10.96.0.1", 1);
	setenv("VARVE_KAFKA_SERVICE_HOST", "10.96.0.2", 1);
	setenv("VARVE_KAFKA_PORT_9092_TCP", "tcp://10.96.0.2:9092", 1);
	/* by the name, not by the value */
	setenv("VARVE_RECORD", "/x/A_SERVICE_HOST_PORT", 1);
	assert_int_equal(LOAD(&conf), 0);
	assert_int_equal(conf.kafka_cnt, 0);
	assert_string_equal(conf.record_file, "/x/A_SERVICE_HOST_PORT");
	conf_fini(&conf);
}

static void answers_help_and_version(void **state)
{
	struct conf conf;

	(void)state;
	write_file("broken", 6);
	assert_int_equal(LOAD(&conf, "--help"), 1);
	for (size_t i = 0; i < conf_option_cnt; i++) {
		if (!strstr(out, conf_options[i].name) || !strstr(out, conf_options[i].help))
			fail_msg("%s is not in the help", conf_options[i].name);
	}
	assert_non_null(strstr(out, "--read-opens off|first|all\n"));
	assert_string_equal(err, "");
	conf_fini(&conf);
	assert_int_equal(LOAD(&conf, "--version"), 1);
	assert_string_equal(out, "varve-sensor " VARVE_VERSION "\n");
	conf_fini(&conf);
}

static void print_config_is_a_file_that_loads(void **state)
{
	struct conf conf, again;
	char hex[65], hex_again[65];

	(void)state;
	setenv("VARVE_HEARTBEAT", "1500ms", 1);
	write_file("\nring-size = 16384K\nkafka.sasl.password = hunter2\n", 50);
	assert_int_equal(LOAD(&conf, "--log-dir=/x", "--kafka.acks=all", "--print-config"), 1);
	assert_non_null(strstr(out, "# command line\nlog-dir = /x\n"));
	assert_non_null(strstr(out, "# environment\nheartbeat = 1500ms\n"));
	assert_non_null(strstr(out, ":2\nring-size = 16M\n"));
	assert_non_null(strstr(out, "# default\nscope = containers\n"));
	assert_non_null(strstr(out, "# command line\nkafka.acks = all\n"));
	assert_non_null(strstr(out, "# kafka.sasl.password = (set, not shown)\n"));
	assert_null(strstr(out, "hunter2"));
	conf_digest(&conf, hex);
	assert_non_null(strstr(out, hex));
	write_file(out, strlen(out));
	unsetenv("VARVE_HEARTBEAT");
	assert_int_equal(LOAD(&again), 0);
	conf_digest(&again, hex_again);
	assert_string_equal(hex, hex_again);
	conf_fini(&conf);
	conf_fini(&again);
}

static void sample_is_a_file_that_loads(void **state)
{
	struct conf conf, again;
	char hex[65], hex_again[65], *first;

	(void)state;
	assert_int_equal(LOAD(&conf, "--sample-config"), 1);
	conf_fini(&conf);
	for (size_t i = 0; i < conf_option_cnt; i++) {
		char line[128];

		snprintf(line, sizeof(line), "\n#%s = ", conf_options[i].name);
		if (!strstr(out, line))
			fail_msg("%s is not in the sample", conf_options[i].name);
	}
	assert_non_null(strstr(out, "\n#node-name = NAME\n"));
	assert_non_null(strstr(out, "\n#kafka.bootstrap.servers = "));
	for (char *line = out; line; line = strchr(line + 1, '\n'))
		assert_true(strcspn(line + 1, "\n") <= 120);
	setenv("VARVE_KAFKA_SASL_PASSWORD", "hunter2", 1);
	assert_int_equal(LOAD(&conf, "--scope=all", "--kafka.acks=all", "--sample-config"), 1);
	assert_non_null(strstr(out, "\nscope = all\n"));
	assert_non_null(strstr(out, "\nkafka.acks = all\n"));
	assert_null(strstr(out, "hunter2"));
	conf_digest(&conf, hex);
	conf_fini(&conf);
	/* It loads to the same, and made anew it is the same. */
	first = strdup(out);
	write_file(out, strlen(out));
	assert_int_equal(LOAD(&again, "--sample-config"), 1);
	assert_string_equal(out, first);
	conf_digest(&again, hex_again);
	assert_string_equal(hex, hex_again);
	conf_fini(&again);
	free(first);
}

static void takes_one_question_at_a_time(void **state)
{
	struct conf conf;

	(void)state;
	assert_int_equal(LOAD(&conf, "--check", "--json"), 0);
	assert_true(conf.check && conf.json && !conf.probe);
	conf_fini(&conf);
	assert_int_equal(LOAD(&conf, "--probe=json"), 0);
	assert_true(conf.probe && conf.json);
	conf_fini(&conf);
	assert_refused(LOAD(&conf, "--json"), WORDS("--check and --probe"));
	conf_fini(&conf);
	assert_refused(LOAD(&conf, "--check", "--probe"), WORDS("one at a time"));
	conf_fini(&conf);
	assert_refused(LOAD(&conf, "--chek"), WORDS("unknown option", "--check"));
	conf_fini(&conf);
	assert_refused(LOAD(&conf, "--check=xml"), WORDS("unknown option"));
	conf_fini(&conf);
}

static void digest_of(char **argv, char hex[65])
{
	struct conf conf;

	assert_int_equal(load(&conf, argv), 0);
	conf_digest(&conf, hex);
	assert_int_equal(strlen(hex), 64);
	assert_int_equal(strspn(hex, "0123456789abcdef"), 64);
	conf_fini(&conf);
}
#define DIGEST(hex, ...) digest_of((char *[]){"v", "--node-name=n", ##__VA_ARGS__, NULL}, hex)

static void digest_is_of_what_is_in_effect(void **state)
{
	static const char *const secrets[] = {"sasl.password",
					      "ssl.key.password",
					      "ssl.key.pem",
					      "sasl.jaas.config",
					      "sasl.oauthbearer.client.secret",
					      "ssl.keystore.password"};
	char plain[65], other[65], option[128];

	(void)state;
	DIGEST(plain);
	DIGEST(other, "--log-dir=/y");
	assert_string_not_equal(plain, other);
	DIGEST(other, "--heartbeat=10000ms", "--ring-size=auto");
	assert_string_equal(plain, other);
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		snprintf(option, sizeof(option), "--kafka.%s=x", secrets[i]);
		DIGEST(other, option);
		assert_string_equal(plain, other);
	}
	DIGEST(plain, "--kafka.a=1", "--kafka.b=2");
	DIGEST(other, "--kafka.b=2", "--kafka.a=1");
	assert_string_equal(plain, other);
	DIGEST(other, "--kafka.a=1", "--kafka.b=3");
	assert_string_not_equal(plain, other);
}

static void bounds_the_number_of_properties(void **state)
{
	struct conf conf;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	for (int i = 0; i <= CONF_KAFKA_LIMIT; i++)
		fprintf(f, "kafka.p%d = x\n", i);
	fclose(f);
	write_file(text, len);
	assert_refused(LOAD(&conf), WORDS(":257: more than 256 kafka properties"));
	conf_fini(&conf);
	free(text);
}

#define WITH_FILE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FILE(has_the_promised_defaults),
		WITH_FILE(the_stronger_source_wins),
		WITH_FILE(takes_numbers_with_units),
		WITH_FILE(refuses_bad_values),
		WITH_FILE(names_the_nearest_option),
		WITH_FILE(file_errors_name_file_and_line),
		WITH_FILE(leaves_kubernetes_variables_alone),
		WITH_FILE(answers_help_and_version),
		WITH_FILE(print_config_is_a_file_that_loads),
		WITH_FILE(sample_is_a_file_that_loads),
		WITH_FILE(takes_one_question_at_a_time),
		WITH_FILE(digest_is_of_what_is_in_effect),
		WITH_FILE(bounds_the_number_of_properties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
