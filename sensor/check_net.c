/* SPDX-License-Identifier: Apache-2.0 */
/* --check: what is asked over the network, as far as it can be said without asking it: names are
 * resolved, the API server's port is called. */
#include "sensor/check.h"

#include "evidence/base.h"
#include "sensor/conf.h"
#include "sensor/kube.h"
#include "sensor/ship_properties.h"

#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECT_WAIT_MS 3000
#define HOST_SIZE	256

struct place {
	char host[HOST_SIZE], port[16];
};

/* "[PROTOCOL://]HOST[:PORT][/...]", an address of IPv6 in brackets. False: it is none. */
static bool parse_place(const char *text, size_t len, const char *port, struct place *ret)
{
	char copy[HOST_SIZE + 64], *at, *end;

	if (len >= sizeof(copy))
		return false;
	snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	at = strstr(copy, "://");
	at = at ? at + 3 : copy;
	at[strcspn(at, "/")] = '\0';
	end = *at == '[' ? strchr(at, ']') : at + strcspn(at, ":");
	if (!end)
		return false;
	at += *at == '[';
	if (*end == ']')
		*end++ = '\0';
	if (*end == ':')
		port = end + 1;
	if (snprintf(ret->port, sizeof(ret->port), "%s", port) >= (int)sizeof(ret->port))
		return false;
	*end = '\0';
	return *at && snprintf(ret->host, sizeof(ret->host), "%s", at) < (int)sizeof(ret->host);
}

/* NULL, or why not. */
static const char *resolve(const struct place *p, struct addrinfo **ret_addresses)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	int rc = getaddrinfo(p->host, p->port, &hints, ret_addresses);

	return rc ? gai_strerror(rc) : NULL;
}

static const char *resolve_only(const struct place *p)
{
	struct addrinfo *addresses = NULL;
	const char *why = resolve(p, &addresses);

	if (!why)
		freeaddrinfo(addresses);
	return why;
}

/* --- Kafka */

static void check_properties(struct check *c)
{
	rd_kafka_conf_t *properties = rd_kafka_conf_new();
	int err = properties_set(properties, c->conf);

	rd_kafka_conf_destroy(properties);
	check_say(c, "Kafka properties", err ? CHECK_MISSING : CHECK_OK,
		  "see the line on standard error", "%s",
		  err ? "one of kafka.* is not known or not allowed" : "known and allowed");
}

struct brokers {
	size_t known, unknown;
	char last[HOST_SIZE + 128]; /* of those unknown, and why */
};

static void count_broker(struct brokers *b, const char *text, size_t len)
{
	struct place p;
	const char *why = "is no HOST:PORT";

	if (parse_place(text, len, "9092", &p))
		why = resolve_only(&p);
	if (!why) {
		b->known++;
		return;
	}
	b->unknown++;
	snprintf(b->last, sizeof(b->last), "%.*s: %s", (int)MIN(len, (size_t)HOST_SIZE), text, why);
}

static void check_brokers(struct check *c, const char *list)
{
	struct brokers b = {};

	for (size_t len; *list; list += len + (list[len] == ',')) {
		list += strspn(list, " ,");
		len = strcspn(list, ", ");
		if (len)
			count_broker(&b, list, len);
	}
	if (!b.unknown && b.known)
		check_say(c, "Kafka brokers", CHECK_OK, NULL, "%zu, names are known", b.known);
	else
		check_say(c, "Kafka brokers", b.known ? CHECK_LIMITED : CHECK_MISSING,
			  "see kafka.bootstrap.servers and the node's DNS (in a pod: dnsPolicy)",
			  "%zu of %zu cannot be resolved%s%s; until then the log holds the records",
			  b.unknown, b.known + b.unknown, *b.last ? ", " : "", b.last);
}

void check_kafka(struct check *c)
{
	const char *list = conf_kafka_get(c->conf, "bootstrap.servers");

	if (!list) {
		check_say(c, "Kafka", CHECK_OK, NULL, "not configured: the log is all there is");
		return;
	}
	check_properties(c);
	check_brokers(c, list);
}

/* --- the API server */

/* 0, or a negative errno. */
static int call(const struct addrinfo *a)
{
	_cleanup_close_ int fd =
		socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(int);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (!connect(fd, a->ai_addr, a->ai_addrlen))
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (poll(&pfd, 1, CONNECT_WAIT_MS) <= 0)
		return -ETIMEDOUT;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return -err;
}

static const char *reach(const struct place *p)
{
	struct addrinfo *addresses = NULL;
	const char *why = resolve(p, &addresses);
	int err = -EHOSTUNREACH;

	if (why)
		return why;
	for (const struct addrinfo *a = addresses; err && a; a = a->ai_next)
		err = call(a);
	freeaddrinfo(addresses);
	return err ? strerror(-err) : NULL;
}

static void check_server(struct check *c)
{
	char base[1024];
	struct place p;
	const char *why = "there is no such URL";

	if (!kube_find_base(c->conf->kube_api, base, sizeof(base)) &&
	    parse_place(base, strlen(base), strncmp(base, "https", 5) ? "80" : "443", &p))
		why = reach(&p);
	check_say(c, "API server", why ? CHECK_MISSING : CHECK_OK,
		  "see kube-api, the network policy and the node's DNS", "%s%s%s",
		  c->conf->kube_api, why ? ": " : " can be reached", why ? why : "");
}

static void check_readable(struct check *c, const char *name, const char *path)
{
	int err = *path && faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) ? errno : 0;

	check_say(c, name, err ? CHECK_MISSING : CHECK_OK,
		  "mount the service account's token and ca.crt (the DaemonSet does), or set "
		  "kube-token-file and kube-ca-file",
		  "%s%s%s", *path ? path : "none", err ? ": " : "", err ? strerror(err) : "");
}

void check_kube(struct check *c)
{
	char program[PATH_MAX] = "varve-kubewatch";
	int err;

	if (!strcmp(c->conf->kube_api, "off")) {
		check_say(c, "API server", CHECK_OK, NULL, "not asked (kube-api = off)");
		return;
	}
	err = kube_find_program(program, sizeof(program));
	check_say(c, "varve-kubewatch", err ? CHECK_MISSING : CHECK_OK,
		  "install it beside varve-sensor, or set kube-api = off", "%s%s%s", program,
		  err ? ": " : "", err ? strerror(-err) : "");
	check_server(c);
	check_readable(c, "API token", c->conf->kube_token_file);
	check_readable(c, "API certificates", c->conf->kube_ca_file);
}
