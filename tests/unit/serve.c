/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server over a board: pages, refusals, and clients that mean no good. */
#define DEADLINE_NS (2 * NSEC_PER_SEC)
#include "sensor/serve.c"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

static char dir[64], path[96];
static struct board board;
static struct serve *serve;
static char got[262144];

static int setup(void **state)
{
	(void)state;
	diag_init("test", DIAG_ERROR);
	strcpy(dir, "/tmp/varve-serve-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/http", dir);
	board_init(&board, emit_boot_ns());
	board_enter(&board, BOARD_RUNNING, emit_boot_ns());
	return serve_open(path, &board, &serve);
}

static int teardown(void **state)
{
	(void)state;
	serve_close(serve);
	board_fini(&board);
	return rmdir(dir); /* the socket's file is gone */
}

static int dial(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* All that comes until the other end closes. */
static void read_all(int fd)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, got + len, sizeof(got) - 1 - len)) > 0)
		len += n;
	got[len] = '\0';
	close(fd);
}

static void ask(const char *request)
{
	int fd = dial();

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	read_all(fd);
}

static void get(const char *page)
{
	char request[8192];

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: varve\r\n\r\n", page);
	ask(request);
}

static const char *body(void)
{
	const char *end = strstr(got, "\r\n\r\n");

	return end ? end + 4 : "";
}

static void is_status(const char *status)
{
	assert_memory_equal(got, "HTTP/1.1 ", 9);
	if (strncmp(got + 9, status, 3))
		fail_msg("not %s: %.200s", status, got);
}

static void pages(void **state)
{
	const bool has[BOARD_NEED_CNT] = {true, true, true};
	struct metrics m = {};

	(void)state;
	get("/healthz");
	is_status("200");
	assert_string_equal(body(), "ok: running\n");
	get("/readyz");
	is_status("503");
	*m.containers = 42;
	assert_true(board_publish(&board, &m, has));
	get("/readyz");
	is_status("200");
	assert_string_equal(body(), "ok\n");
	get("/metrics");
	is_status("200");
	assert_non_null(strstr(got, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_non_null(strstr(body(), "\nvarve_sensor_containers 42\n"));
	assert_non_null(strstr(body(), "\nvarve_sensor_ready 1\n"));
}

/* The loop does not turn, and the thread says so. */
static void hangs(void **state)
{
	(void)state;
	board_turned(&board, emit_boot_ns() - 40 * NSEC_PER_SEC);
	get("/healthz");
	is_status("503");
	assert_non_null(strstr(body(), "has not turned for 40 s"));
	get("/readyz");
	is_status("503");
	get("/metrics");
	is_status("200");
	assert_non_null(strstr(body(), "\nvarve_sensor_loop_age_seconds 40."));
}

static void refuses_others(void **state)
{
	static char request[65536];

	(void)state;
	get("/");
	is_status("404");
	get("/metrics/../etc/passwd");
	is_status("404");
	ask("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
	is_status("405");
	ask("DELETE /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
	is_status("405");
	ask("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
	is_status("200");
	assert_string_equal(body(), "");
	/* More headers than there is memory for. */
	strcpy(request, "GET /metrics HTTP/1.1\r\nHost: a\r\nX: ");
	memset(request + strlen(request), 'a', 30000);
	strcat(request, "\r\n\r\n");
	int fd = dial();
	send(fd, request, strlen(request), MSG_NOSIGNAL);
	read_all(fd);
	assert_true(!*got || !strncmp(got, "HTTP/1.1 4", 10));
	get("/healthz");
	is_status("200");
}

static void rubbish(void **state)
{
	static const char *const requests[] = {"\r\n\r\n\r\n", "GET\r\n\r\n",
					       "\x16\x03\x01\x02\xff\xfe\r\n\r\n",
					       "GET /metrics HTTP/9.9\r\nHost: a\r\n\r\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		int fd = dial();

		send(fd, requests[i], strlen(requests[i]), MSG_NOSIGNAL);
		shutdown(fd, SHUT_WR);
		read_all(fd);
	}
	get("/healthz");
	is_status("200");
}

/*
 * Half a request, and a byte each second: libmicrohttpd sees traffic, and would wait for ever. All
 * places are taken so; they are free again when their time is up.
 */
static void slow_ones(void **state)
{
	uint64_t began = emit_boot_ns();
	int fds[CONNECTIONS_MAX + 8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = dial();
		send(fds[i], "GET /metrics HTTP/1.1\r\nX: ", 26, MSG_NOSIGNAL);
	}
	for (int s = 0; s < 4; s++) {
		sleep(1);
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
			send(fds[i], "a", 1, MSG_NOSIGNAL);
	}
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		char c;

		assert_true(recv(fds[i], &c, 1, MSG_DONTWAIT) <= 0);
		assert_true(errno != EAGAIN);
	}
	get("/healthz");
	is_status("200");
	assert_true(emit_boot_ns() - began < 10 * NSEC_PER_SEC);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static void taken(void **state)
{
	struct serve *other;

	(void)state;
	assert_int_equal(serve_open(path, &board, &other), -EADDRINUSE);
	get("/healthz");
	is_status("200");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pages, setup, teardown),
		cmocka_unit_test_setup_teardown(hangs, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_others, setup, teardown),
		cmocka_unit_test_setup_teardown(rubbish, setup, teardown),
		cmocka_unit_test_setup_teardown(slow_ones, setup, teardown),
		cmocka_unit_test_setup_teardown(taken, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
