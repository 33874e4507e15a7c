/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/notify.h"

#include "evidence/base.h"
#include "evidence/diag.h"

#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define PER_INTERVAL 3

/* A path, or with @ a name in the abstract name space. Not connected: the manager may make it anew.
 */
static int open_socket(const char *name, struct notify *n)
{
	size_t len = strlen(name);

	if ((*name != '/' && *name != '@') || len < 2 || len >= sizeof(n->addr.sun_path))
		return -EINVAL;
	n->addr.sun_family = AF_UNIX;
	memcpy(n->addr.sun_path, name, len);
	if (*name == '@')
		n->addr.sun_path[0] = '\0';
	n->addr_len = offsetof(struct sockaddr_un, sun_path) + len;
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return n->fd < 0 ? -errno : 0;
}

/* Of this process, if it says of which. */
static uint64_t watchdog_interval_ns(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	unsigned long long n;
	char *end;

	if (!usec || (pid && strtoll(pid, NULL, 10) != getpid()))
		return 0;
	n = strtoull(usec, &end, 10);
	return *end || n > UINT64_MAX / 1000 ? 0 : n * 1000;
}

void notify_open(struct notify *n)
{
	const char *name = getenv("NOTIFY_SOCKET");
	int err;

	*n = (struct notify){.fd = -1};
	if (name) {
		err = open_socket(name, n);
		if (err)
			log_err(err, "cannot reach the service manager at %s (NOTIFY_SOCKET)",
				name);
		else
			n->watchdog_ns = watchdog_interval_ns();
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

void notify_send(const struct notify *n, const char *fmt, ...)
{
	char text[512];
	va_list args;
	int len;

	if (n->fd < 0)
		return;
	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (len > 0 && sendto(n->fd, text, MIN((size_t)len, sizeof(text) - 1), MSG_NOSIGNAL,
			      (const struct sockaddr *)&n->addr, n->addr_len) < 0)
		log_debug("the service manager was not told: %s", strerror(errno));
}

void notify_reloading(const struct notify *n)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	notify_send(n, "RELOADING=1\nMONOTONIC_USEC=%llu",
		    (unsigned long long)ts.tv_sec * 1000000 +
			    (unsigned long long)ts.tv_nsec / 1000);
}

void notify_turned(struct notify *n, uint64_t now_ns)
{
	if (!n->watchdog_ns || now_ns < n->next_watchdog_ns)
		return;
	n->next_watchdog_ns = now_ns + n->watchdog_ns / PER_INTERVAL;
	notify_send(n, "WATCHDOG=1");
}
