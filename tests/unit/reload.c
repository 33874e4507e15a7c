/* SPDX-License-Identifier: Apache-2.0 */
/* SIGHUP: what is set anew, what stays, and that a wrong file changes nothing. */
#include "sensor/conf.h"
#include "sensor/conf_option.h"
#include "evidence/base.h"
#include "evidence/diag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static char file[64], said[65536];
static char *argv[] = {"varve-sensor", "--config", file, "--heartbeat", "5s", NULL};
static struct conf conf;

static void write_file(const char *text)
{
	FILE *f = fopen(file, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	int fd;

	(void)state;
	clearenv();
	diag_init("varve-sensor", DIAG_INFO);
	strcpy(file, "/tmp/varve-reload-XXXXXX");
	fd = mkstemp(file);
	if (fd < 0)
		return -1;
	close(fd);
	write_file("log-limit = 2G\nkafka.bootstrap.servers = a:9092\n");
	return conf_load(&conf, ARRAY_SIZE(argv) - 1, argv);
}

static int teardown(void **state)
{
	(void)state;
	conf_fini(&conf);
	return unlink(file);
}

static int reload(const char *text, size_t *ret_taken)
{
	int mem = memfd_create("said", MFD_CLOEXEC), saved = dup(2), err;
	ssize_t n;

	write_file(text);
	fflush(stderr);
	dup2(mem, 2);
	err = conf_reload(&conf, ARRAY_SIZE(argv) - 1, argv, ret_taken);
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	n = pread(mem, said, sizeof(said) - 1, 0);
	said[n < 0 ? 0 : n] = '\0';
	close(mem);
	return err;
}

static void nothing(void **state)
{
	size_t taken = 99;

	(void)state;
	assert_int_equal(reload("log-limit = 2048M\nkafka.bootstrap.servers = a:9092\n", &taken), 0);
	assert_int_equal(taken, 0);
	assert_string_equal(said, "");
}

static void some(void **state)
{
	char before[65], after[65];
	size_t taken = 0;

	(void)state;
	conf_digest(&conf, before);
	assert_int_equal(reload("log-limit = 3G\nlog-free = 10%\nlog-full = drop-newest\nlog-format = json\n"
				"heartbeat = 1s\nkafka.bootstrap.servers = a:9092\n",
				&taken),
			 0);
	assert_int_equal(taken, 4);
	assert_int_equal(conf.log_limit_bytes, 3ULL << 30);
	assert_string_equal(conf.log_free, "10%");
	assert_int_equal(conf.log_full, CONF_LOG_FULL_NEWEST);
	assert_int_equal(conf.log_format, DIAG_JSON);
	assert_int_equal(conf.heartbeat_ms, 5000); /* the command line wins over the file, still */
	assert_non_null(strstr(said, "reload: log-limit = 3G\n"));
	conf_digest(&conf, after);
	assert_string_not_equal(before, after);
}

static void policy(void **state)
{
	size_t taken = 0;

	(void)state;
	assert_int_equal(reload("log-limit = 2G\nrate-limits = file:100\nread-opens = all\n"
				"read-opens-host = off\nevents = all,-rename\nfair-share = off\n"
				"kafka.bootstrap.servers = a:9092\n",
				&taken),
			 0);
	assert_int_equal(taken, 5);
	assert_string_equal(conf.rate_limits, "file:100");
	assert_string_equal(conf.events, "all,-rename");
	assert_int_equal(conf.read_opens, CONF_READ_OPENS_ALL);
	assert_int_equal(conf.read_opens_host, CONF_READ_OPENS_OFF);
	assert_false(conf.fair_share);
}

static void what_needs_a_restart(void **state)
{
	size_t taken = 0;

	(void)state;
	assert_int_equal(reload("log-limit = 3G\nscope = all\nread-opens-always = /a\n"
				"kafka.bootstrap.servers = b:9092\n",
				&taken),
			 0);
	assert_int_equal(taken, 1);
	assert_string_equal(conf.read_opens_always, "default");
	assert_int_equal(conf.scope, CONF_SCOPE_CONTAINERS);
	assert_string_equal(conf_kafka_get(&conf, "bootstrap.servers"), "a:9092");
	assert_non_null(strstr(said, "scope = all needs a restart"));
	assert_non_null(strstr(said, "read-opens-always = /a needs a restart"));
	assert_non_null(strstr(said, "kafka.* needs a restart"));
	assert_null(strstr(said, "b:9092")); /* it may be a secret */
}

static void wrong(void **state)
{
	static const char *const texts[] = {"log-limit = 3G\nlog-limt = 4G\n",
					    "log-limit = 3G\nsync = often\n",
					    "log-limit = 3G\nrubbish\n",
					    "log-limit = 1M\n"}; /* below two segments */
	char before[65], after[65];
	size_t taken = 99;

	(void)state;
	conf_digest(&conf, before);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_true(reload(texts[i], &taken) < 0);
		assert_int_equal(taken, 99);
		conf_digest(&conf, after);
		assert_string_equal(before, after);
		assert_non_null(strstr(said, "nothing is changed"));
	}
	unlink(file);
	assert_true(conf_reload(&conf, ARRAY_SIZE(argv) - 1, argv, &taken) < 0);
	conf_digest(&conf, after);
	assert_string_equal(before, after);
	write_file("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(some, setup, teardown),
		cmocka_unit_test_setup_teardown(policy, setup, teardown),
		cmocka_unit_test_setup_teardown(what_needs_a_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
