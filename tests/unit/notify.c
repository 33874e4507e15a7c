/* SPDX-License-Identifier: Apache-2.0 */
/* What a service manager hears, by sd_notify(3)'s protocol. */
#include "sensor/notify.h"
#include "evidence/base.h"
#include "evidence/diag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static char dir[64], path[96];
static int manager = -1;

static int setup(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	(void)state;
	diag_init("test", DIAG_ERROR);
	strcpy(dir, "/tmp/varve-notify-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/notify", dir);
	strcpy(addr.sun_path, path);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	clearenv();
	return bind(manager, (struct sockaddr *)&addr, sizeof(addr));
}

static int teardown(void **state)
{
	(void)state;
	close(manager);
	unlink(path);
	return rmdir(dir);
}

/* "": nothing. */
static const char *heard(void)
{
	static char text[1024];
	ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void nobody(void **state)
{
	struct notify n;

	(void)state;
	notify_open(&n);
	assert_int_equal(n.fd, -1);
	notify_send(&n, "READY=1");
	notify_turned(&n, 1);
	notify_close(&n);
	setenv("NOTIFY_SOCKET", "relative", 1);
	diag_init("test", -1);
	notify_open(&n);
	assert_int_equal(n.fd, -1);
}

static void says(void **state)
{
	struct notify n;

	(void)state;
	setenv("NOTIFY_SOCKET", path, 1);
	notify_open(&n);
	assert_null(getenv("NOTIFY_SOCKET"));
	notify_send(&n, "READY=1\nSTATUS=%s", "Recording");
	assert_string_equal(heard(), "READY=1\nSTATUS=Recording");
	notify_reloading(&n);
	assert_memory_equal(heard(), "RELOADING=1\nMONOTONIC_USEC=", 27);
	/* No watchdog was asked for. */
	notify_turned(&n, 1);
	assert_string_equal(heard(), "");
	notify_close(&n);
}

static void abstract(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char name[64];
	struct notify n;

	(void)state;
	close(manager);
	snprintf(name, sizeof(name), "@varve-notify-%d", getpid());
	memcpy(addr.sun_path + 1, name + 1, strlen(name) - 1);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&addr,
			      offsetof(struct sockaddr_un, sun_path) + strlen(name)),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	notify_open(&n);
	notify_send(&n, "STOPPING=1");
	assert_string_equal(heard(), "STOPPING=1");
	notify_close(&n);
}

static void watchdog(void **state)
{
	struct notify n;
	char pid[32];
	int cnt = 0;

	(void)state;
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("NOTIFY_SOCKET", path, 1);
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	notify_open(&n);
	/* A minute of turns, ten a second. */
	for (uint64_t ms = 1; ms <= 60000; ms += 100) {
		notify_turned(&n, ms * NSEC_PER_MSEC);
		if (strcmp(heard(), "WATCHDOG=1"))
			continue;
		cnt++;
	}
	assert_int_equal(cnt, 6);
	notify_close(&n);
}

/* It is for another process, or no number. */
static void no_watchdog(void **state)
{
	struct notify n;

	(void)state;
	setenv("NOTIFY_SOCKET", path, 1);
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	notify_open(&n);
	assert_int_equal(n.watchdog_ns, 0);
	notify_close(&n);
	setenv("NOTIFY_SOCKET", path, 1);
	setenv("WATCHDOG_USEC", "soon", 1);
	notify_open(&n);
	assert_int_equal(n.watchdog_ns, 0);
	notify_close(&n);
}

/* Nobody reads: the sensor goes on. */
static void full(void **state)
{
	struct notify n;

	(void)state;
	setenv("NOTIFY_SOCKET", path, 1);
	notify_open(&n);
	for (int i = 0; i < 10000; i++)
		notify_send(&n, "STATUS=%d", i);
	notify_close(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(says, setup, teardown),
		cmocka_unit_test_setup_teardown(abstract, setup, teardown),
		cmocka_unit_test_setup_teardown(watchdog, setup, teardown),
		cmocka_unit_test_setup_teardown(no_watchdog, setup, teardown),
		cmocka_unit_test_setup_teardown(full, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
