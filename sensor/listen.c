/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/listen.h"

#include "evidence/base.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#define BACKLOG 16

/* 1 to 65535, digits only. */
static bool parse_port(const char *text, in_port_t *ret_port)
{
	unsigned long port = 0;
	size_t len = strlen(text);

	if (!len || len > 5)
		return false;
	for (const char *p = text; *p; p++) {
		if (!isdigit((unsigned char)*p))
			return false;
		port = 10 * port + (*p - '0');
	}
	*ret_port = htons(port);
	return port && port <= 65535;
}

static int parse_path(const char *text, struct listen_address *a)
{
	if (strlen(text) >= sizeof(a->path.sun_path) || !text[1])
		return -EINVAL;
	a->path.sun_family = AF_UNIX;
	strcpy(a->path.sun_path, text);
	a->len = sizeof(a->path);
	return 0;
}

static int parse_v4(const char *host, in_port_t port, struct listen_address *a)
{
	a->v4.sin_family = AF_INET;
	a->v4.sin_port = port;
	a->len = sizeof(a->v4);
	return inet_pton(AF_INET, host, &a->v4.sin_addr) == 1 ? 0 : -EINVAL;
}

/* In brackets. */
static int parse_v6(char *host, in_port_t port, struct listen_address *a)
{
	size_t len = strlen(host);

	if (len < 2 || host[len - 1] != ']')
		return -EINVAL;
	host[len - 1] = '\0';
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_port = port;
	a->len = sizeof(a->v6);
	return inet_pton(AF_INET6, host + 1, &a->v6.sin6_addr) == 1 ? 0 : -EINVAL;
}

int listen_parse(const char *text, struct listen_address *ret_address)
{
	struct listen_address a = {};
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	in_port_t port;
	int err = 0;

	if (!strcmp(text, "off"))
		a.off = true;
	else if (*text == '/')
		err = parse_path(text, &a);
	else if (!colon || (size_t)(colon - text) >= sizeof(host) || !parse_port(colon + 1, &port))
		err = -EINVAL;
	else {
		memcpy(host, text, colon - text);
		host[colon - text] = '\0';
		err = *host == '[' ? parse_v6(host, port, &a) : parse_v4(host, port, &a);
	}
	if (!err)
		*ret_address = a;
	return err;
}

/* What a sensor left that was killed: a socket that refuses. */
static void remove_stale(const struct listen_address *a)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0 || lstat(a->path.sun_path, &st) || !S_ISSOCK(st.st_mode))
		return;
	if (connect(fd, &a->any, a->len) && errno == ECONNREFUSED)
		unlink(a->path.sun_path);
}

static int bind_to(int fd, const struct listen_address *a)
{
	int on = 1, off = 0;
	mode_t mask;
	int err;

	if (a->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (a->any.sa_family != AF_UNIX) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		return bind(fd, &a->any, a->len) ? -errno : 0;
	}
	remove_stale(a);
	mask = umask(0117);
	err = bind(fd, &a->any, a->len) ? -errno : 0;
	umask(mask);
	return err;
}

int listen_open(const struct listen_address *a, int *ret_fd)
{
	_cleanup_close_ int fd =
		socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = bind_to(fd, a);
	if (err)
		return err;
	if (listen(fd, BACKLOG)) {
		err = -errno;
		listen_remove(a);
		return err;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

void listen_remove(const struct listen_address *a)
{
	if (!a->off && a->any.sa_family == AF_UNIX)
		unlink(a->path.sun_path);
}
