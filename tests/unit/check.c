/* SPDX-License-Identifier: Apache-2.0 */
/* --check: what is said of what is not there. */
#include "sensor/check.h"

#include "evidence/base.h"
#include "evidence/diag.h"
#include "sensor/check_net.c"

#include <jansson.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define BIT(cap) (1ULL << (cap))
#define NEEDED	 (BIT(CAP_BPF) | BIT(CAP_PERFMON))

static char dir[64];
static struct conf conf;
static struct check check;

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/varve-check-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	conf = (struct conf){.log_dir = dir,
			     .log_free = "0",
			     .log_limit_bytes = 1 << 20,
			     .seal_key = "",
			     .host_root = dir,
			     .kube_api = "off",
			     .hash = CONF_HASH_ON};
	check = (struct check){.conf = &conf};
	diag_init("varve-sensor", DIAG_ERROR);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

static const struct check_line *line_of(const char *name)
{
	for (size_t i = 0; i < check.cnt; i++)
		if (!strcmp(check.lines[i].name, name))
			return &check.lines[i];
	fail_msg("nothing is said of %s", name);
	return NULL;
}

static void assert_said(const char *name, enum check_state state, const char *text)
{
	const struct check_line *line = line_of(name);

	if (line->state != state || !strstr(line->text, text))
		fail_msg("%s: %d %s", name, line->state, line->text);
	assert_true((state == CHECK_OK) == !line->todo);
}

static void tells_each_capability(void **state)
{
	(void)state;
	check_capabilities(&check, NEEDED);
	assert_said("CAP_BPF", CHECK_OK, "effective");
	assert_said("CAP_NET_ADMIN", CHECK_LIMITED, "UDP_FLOW");
	assert_said("CAP_DAC_READ_SEARCH", CHECK_LIMITED, "pod, name and image");
	assert_said("CAP_SYS_PTRACE", CHECK_LIMITED, "hashed");
	assert_said("CAP_SETUID", CHECK_OK, "not needed");
}

static void takes_sys_admin_for_those_that_were_made_of_it(void **state)
{
	(void)state;
	check_capabilities(&check, BIT(CAP_SYS_ADMIN));
	assert_said("CAP_BPF", CHECK_OK, "effective");
	assert_said("CAP_PERFMON", CHECK_OK, "effective");
	assert_said("CAP_NET_ADMIN", CHECK_OK, "effective");
	assert_said("CAP_DAC_READ_SEARCH", CHECK_LIMITED, "");
}

static void asks_for_what_is_configured_only(void **state)
{
	(void)state;
	conf.hash = CONF_HASH_OFF;
	conf.kube_api = "https://x";
	check_capabilities(&check, 0);
	assert_said("CAP_BPF", CHECK_MISSING, "no BPF program");
	assert_said("CAP_SYS_PTRACE", CHECK_OK, "not needed");
	assert_said("CAP_SYS_CHROOT", CHECK_MISSING, "kubewatch");
}

static void looks_at_the_log_directory(void **state)
{
	char inner[128];

	(void)state;
	snprintf(inner, sizeof(inner), "%s/log", dir);
	conf.log_dir = inner;
	check_log(&check);
	assert_said("log directory", CHECK_OK, "to be made");
	assert_said("log room", CHECK_OK, "MiB");
	check.cnt = 0;
	snprintf(inner, sizeof(inner), "%s/no/log", dir);
	conf.seal_key = "/nonexistent/key";
	conf.log_limit_bytes = 1ULL << 50;
	check_log(&check);
	assert_said("log directory", CHECK_MISSING, "No such file");
	assert_said("seal key", CHECK_MISSING, "No such file");
}

static void tells_that_the_log_finds_no_room(void **state)
{
	(void)state;
	conf.log_limit_bytes = 1ULL << 60;
	check_log(&check);
	assert_said("log room", CHECK_LIMITED, "log-limit");
}

static void looks_for_runtimes(void **state)
{
	char run[128], runtime[160];

	(void)state;
	check_runtimes(&check);
	assert_said("runtimes' files", CHECK_LIMITED, "no runtime");
	check.cnt = 0;
	snprintf(run, sizeof(run), "%s/run", dir);
	snprintf(runtime, sizeof(runtime), "%s/crun", run);
	mkdir(run, 0700);
	mkdir(runtime, 0700);
	check_runtimes(&check);
	rmdir(runtime);
	rmdir(run);
	assert_said("runtimes' files", CHECK_OK, "/run/crun");
}

static const struct {
	const char *text, *host, *port; /* host NULL: refused */
} places[] = {
	{"kafka", "kafka", "9092"},
	{"kafka:1", "kafka", "1"},
	{"SASL_SSL://kafka:9093", "kafka", "9093"},
	{"[::1]:9", "::1", "9"},
	{"[::1]", "::1", "9092"},
	{"https://api.example/x/y", "api.example", "9092"},
	{"https://[fd00::1]:6443/", "fd00::1", "6443"},
	{"", NULL, NULL},
	{":1", NULL, NULL},
	{"[::1", NULL, NULL},
	{"x:12345678901234567890", NULL, NULL},
};

static void parses_hosts_and_ports(void **state)
{
	struct place p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		bool ok = parse_place(places[i].text, strlen(places[i].text), "9092", &p);

		if (ok != !!places[i].host)
			fail_msg("'%s'", places[i].text);
		if (!ok)
			continue;
		assert_string_equal(p.host, places[i].host);
		assert_string_equal(p.port, places[i].port);
	}
}

static void looks_for_brokers(void **state)
{
	struct conf_kafka_property servers = {"bootstrap.servers", "127.0.0.1:1,[::1]"};

	(void)state;
	conf.kafka = &servers;
	conf.kafka_cnt = 1;
	check_kafka(&check);
	assert_said("Kafka properties", CHECK_OK, "");
	assert_said("Kafka brokers", CHECK_OK, "2, ");
	check.cnt = 0;
	servers.value = "127.0.0.1, :9";
	check_kafka(&check);
	assert_said("Kafka brokers", CHECK_LIMITED, "1 of 2");
	check.cnt = 0;
	servers.value = ",";
	check_kafka(&check);
	assert_said("Kafka brokers", CHECK_MISSING, "0 of 0");
}

static void looks_for_the_api_server(void **state)
{
	(void)state;
	conf.kube_api = "https://127.0.0.1:1";
	conf.kube_token_file = "/nonexistent/token";
	conf.kube_ca_file = "";
	check_kube(&check);
	assert_said("API server", CHECK_MISSING, "refused");
	assert_said("API token", CHECK_MISSING, "No such file");
	assert_said("API certificates", CHECK_OK, "none");
}

static void says_all_of_this_node(void **state)
{
	(void)state;
	conf.pin = 1;
	conf.pin_dir = dir;
	check_kernel(&check);
	check_mounts(&check);
	assert_int_equal(line_of("kernel")->state, CHECK_OK);
	assert_said("bpffs", CHECK_MISSING, "is in no BPF file system");
	conf.pin_dir = "/nonexistent/at/all";
	check.cnt = 0;
	check_mounts(&check);
	assert_int_equal(line_of("bpffs")->state, CHECK_MISSING);
}

static void prints_table_and_json(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	json_t *j;

	(void)state;
	check_say(&check, "one", CHECK_OK, "never said", "%s", "fine");
	check_say(&check, "other", CHECK_MISSING, "do it", "%s", "\033[2J\xff");
	assert_int_equal(check_print(&check, false, out), 0);
	fflush(out);
	assert_non_null(strstr(text, "one                  ok       fine\n"));
	assert_non_null(strstr(text, "other                missing  \\x1b[2J\\xff\n"));
	assert_non_null(strstr(text, "-> do it\n"));
	assert_null(strstr(text, "never said"));
	assert_non_null(strstr(text, "1 ok, 0 limited, 1 missing"));
	rewind(out);
	assert_int_equal(check_print(&check, true, out), 0);
	fclose(out);
	j = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
	assert_non_null(j);
	assert_int_equal(json_integer_value(json_object_get(j, "missing")), 1);
	assert_int_equal(json_array_size(json_object_get(j, "requirements")), 2);
	json_decref(j);
	free(text);
}

#define WITH_DIR(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(tells_each_capability),
		WITH_DIR(takes_sys_admin_for_those_that_were_made_of_it),
		WITH_DIR(asks_for_what_is_configured_only),
		WITH_DIR(looks_at_the_log_directory),
		WITH_DIR(tells_that_the_log_finds_no_room),
		WITH_DIR(looks_for_runtimes),
		WITH_DIR(parses_hosts_and_ports),
		WITH_DIR(looks_for_brokers),
		WITH_DIR(looks_for_the_api_server),
		WITH_DIR(says_all_of_this_node),
		WITH_DIR(prints_table_and_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
