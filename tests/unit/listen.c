/* SPDX-License-Identifier: Apache-2.0 */
/* The option `listen`: what is an address, and what becomes of a unix socket's file. */
#include "sensor/listen.h"
#include "evidence/base.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void addresses(void **state)
{
	struct listen_address a;

	(void)state;
	assert_int_equal(listen_parse("off", &a), 0);
	assert_true(a.off);
	assert_int_equal(listen_parse("127.0.0.1:9108", &a), 0);
	assert_int_equal(a.any.sa_family, AF_INET);
	assert_int_equal(ntohs(a.v4.sin_port), 9108);
	assert_int_equal(ntohl(a.v4.sin_addr.s_addr), INADDR_LOOPBACK);
	assert_int_equal(listen_parse("[::]:65535", &a), 0);
	assert_int_equal(a.any.sa_family, AF_INET6);
	assert_int_equal(ntohs(a.v6.sin6_port), 65535);
	assert_int_equal(listen_parse("/run/varve/http", &a), 0);
	assert_int_equal(a.any.sa_family, AF_UNIX);
	assert_string_equal(a.path.sun_path, "/run/varve/http");
}

static void no_addresses(void **state)
{
	static const char *const texts[] = {
		"",	       "on",		":9108",	"9108",	      "localhost:9108",
		"127.0.0.1",   "127.0.0.1:",	"127.0.0.1:0",	"127.1:9108", "127.0.0.1:65536",
		"127.0.0.1:a", "127.0.0.1:+1",	"127.0.0.1: 1", "[::1]",      "[::1:9108",
		"::1:9108",    "[]:9108",	"[127.0.0.1]:1", "[fe80::1%eth0]:1", "/",
		"run/http",    "127.0.0.1:000080"};
	char text[512];
	struct listen_address a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (listen_parse(texts[i], &a) != -EINVAL)
			fail_msg("'%s' is taken for an address", texts[i]);
	memset(text, 'a', sizeof(text));
	text[0] = '/';
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(listen_parse(text, &a), -EINVAL);
	memset(text, '1', sizeof(text) - 4);
	assert_int_equal(listen_parse(text, &a), -EINVAL);
}

static void unix_socket(void **state)
{
	char dir[] = "/tmp/varve-listen-XXXXXX", path[64];
	struct listen_address a;
	struct stat st;
	int fd, other;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/http", dir);
	assert_int_equal(listen_parse(path, &a), 0);
	assert_int_equal(listen_open(&a, &fd), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	/* Somebody listens there. */
	assert_int_equal(listen_open(&a, &other), -EADDRINUSE);
	/* He was killed: his file is taken away. */
	close(fd);
	assert_int_equal(listen_open(&a, &fd), 0);
	close(fd);
	listen_remove(&a);
	assert_int_equal(access(path, F_OK), -1);
	/* A file that is no socket is left alone. */
	fclose(fopen(path, "we"));
	assert_int_equal(listen_open(&a, &fd), -EADDRINUSE);
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(no_addresses),
		cmocka_unit_test(unix_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
