/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd ends a connection that is idle, but not one on which a byte comes now and then: so
 * that none can be held for ever, each has a deadline here, and answers one request.
 */
#include "sensor/serve.h"
#include "sensor/privileges.h"

#include "evidence/base.h"
#include "evidence/diag.h"
#include "sensor/board.h"
#include "sensor/emit.h"
#include "sensor/listen.h"
#include "sensor/privileges.h"

#include <microhttpd.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#define CONNECTIONS_MAX	  32
#define PER_ADDRESS_MAX	  8
#define CONNECTION_MEMORY 4096 /* request line and headers; more is an error of the client's */
#define IDLE_S		  3
#ifndef DEADLINE_NS /* a test has less patience */
#define DEADLINE_NS (5 * NSEC_PER_SEC)
#endif
#define WAIT_MS	     500 /* to look for deadlines, and for the end */
#define NICE	     10
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct serve_connection {
	int fd; /* libmicrohttpd's; -1: none */
	uint64_t since_ns;
};

struct serve {
	struct board *board;
	struct listen_address address;
	struct MHD_Daemon *daemon;
	pthread_t thread;
	atomic_bool stop;
	/* The thread's alone. */
	struct serve_connection connection[CONNECTIONS_MAX];
};

/* --- answers */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status,
			      const char *type, char *body, size_t len)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (!response) {
		free(body);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_line(struct MHD_Connection *connection, unsigned int status,
				   const char *line)
{
	char *body = NULL;
	int len = asprintf(&body, "%s\n", line);

	return len < 0 ? MHD_NO
		       : answer(connection, status, "text/plain; charset=utf-8", body, len);
}

static enum MHD_Result get_metrics(struct serve *s, struct MHD_Connection *connection)
{
	struct metrics metrics;
	char *body = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&body, &len);

	if (!out)
		return MHD_NO;
	board_read(s->board, emit_boot_ns(), &metrics);
	metrics_print(&metrics, out);
	if (fclose(out)) {
		free(body);
		return MHD_NO;
	}
	return answer(connection, MHD_HTTP_OK, METRICS_TYPE, body, len);
}

static enum MHD_Result get_state(struct serve *s, struct MHD_Connection *connection,
				 bool (*is_well)(struct board *, uint64_t, char *, size_t))
{
	char line[128];
	bool well = is_well(s->board, emit_boot_ns(), line, sizeof(line));

	return answer_line(connection, well ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, line);
}

static enum MHD_Result get_health(struct serve *s, struct MHD_Connection *connection)
{
	return get_state(s, connection, board_is_alive);
}

static enum MHD_Result get_ready(struct serve *s, struct MHD_Connection *connection)
{
	return get_state(s, connection, board_is_ready);
}

static const struct {
	const char *path;
	enum MHD_Result (*get)(struct serve *s, struct MHD_Connection *connection);
} page_table[] = {
	{"/metrics", get_metrics},
	{"/healthz", get_health},
	{"/readyz", get_ready},
};

static enum MHD_Result handle(void *ctx, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *body,
			      size_t *body_len, void **request)
{
	(void)version;
	(void)body;
	(void)body_len;
	(void)request;
	/* A body is not waited for: libmicrohttpd closes after the answer. */
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return answer_line(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only");
	for (size_t i = 0; i < ARRAY_SIZE(page_table); i++)
		if (!strcmp(path, page_table[i].path))
			return page_table[i].get(ctx, connection);
	return answer_line(connection, MHD_HTTP_NOT_FOUND, "there are /metrics, /healthz, /readyz");
}

/* --- connections */

static void note_connection(void *ctx, struct MHD_Connection *connection, void **slot,
			    enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct serve *s = ctx;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*slot)
			((struct serve_connection *)*slot)->fd = -1;
		return;
	}
	for (size_t i = 0; info && i < CONNECTIONS_MAX; i++) {
		struct serve_connection *c = &s->connection[i];

		if (c->fd >= 0)
			continue;
		*c = (struct serve_connection){info->connect_fd, emit_boot_ns()};
		*slot = c;
		return;
	}
}

/* libmicrohttpd finds it ended, and closes it. */
static void end_overdue(struct serve *s, uint64_t now_ns)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct serve_connection *c = &s->connection[i];

		if (c->fd >= 0 && now_ns - c->since_ns > DEADLINE_NS)
			shutdown(c->fd, SHUT_RDWR);
	}
}

static void *run(void *ctx)
{
	struct serve *s = ctx;

	pthread_setname_np(pthread_self(), "varve-http");
	setpriority(PRIO_PROCESS, gettid(), NICE);
	privileges_keep(0); /* it parses what strangers say */
	privileges_keep(0);
	while (!atomic_load(&s->stop)) {
		MHD_run_wait(s->daemon, WAIT_MS);
		end_overdue(s, emit_boot_ns());
	}
	return NULL;
}

/* --- start and end */

static int start_thread(struct serve *s)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static int start(struct serve *s)
{
	int fd, err = listen_open(&s->address, &fd);

	if (err)
		return err;
	s->daemon =
		MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, handle, s, MHD_OPTION_LISTEN_SOCKET,
				 fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX,
				 MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned int)PER_ADDRESS_MAX,
				 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
				 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_S,
				 MHD_OPTION_NOTIFY_CONNECTION, note_connection, s, MHD_OPTION_END);
	if (!s->daemon) {
		close(fd);
		listen_remove(&s->address);
		return -ENOMEM;
	}
	err = start_thread(s);
	if (err) {
		MHD_stop_daemon(s->daemon);
		listen_remove(&s->address);
	}
	return err;
}

int serve_open(const char *address, struct board *board, struct serve **ret_serve)
{
	struct serve *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->board = board;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		s->connection[i].fd = -1;
	err = listen_parse(address, &s->address);
	if (!err)
		err = start(s);
	if (err) {
		free(s);
		return log_err(err, "cannot serve metrics on %s (option listen)", address);
	}
	log_info("/metrics, /healthz and /readyz are served on %s", address);
	*ret_serve = s;
	return 0;
}

void serve_close(struct serve *s)
{
	if (!s)
		return;
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	MHD_stop_daemon(s->daemon);
	listen_remove(&s->address);
	free(s);
}
