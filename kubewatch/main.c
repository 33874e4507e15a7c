/* SPDX-License-Identifier: Apache-2.0 */
/*
 * varve-kubewatch: watches the pods of this node at the API server, for varve-sensor, which starts
 * it with a socket as descriptor 3, in an empty directory. It speaks TLS and parses JSON from the
 * network, so it is a process of its own, without privileges, files or the sensor's memory
 * (sandbox.h). If it dies the sensor starts it again.
 */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "kubewatch/client.h"
#include "kubewatch/sandbox.h"
#include "kubewatch/watch.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#define SOCKET_FD     3
#define RESOLVE_TRIES 4 /* to connect, before another process resolves the name anew */
#define RETRY_MIN_S   1u
#define RETRY_DOUBLES 6u
#define HELD_S	      60 /* a watch that held so long was none of the server's failures */
#define ANSWER_S      60 /* the sensor's */

static int tell(enum kube_message_type type, const struct kube_pod *pod, void *ctx)
{
	static struct kube_message m;

	(void)ctx;
	m.type = type;
	if (pod)
		m.pod = *pod;
	return send(SOCKET_FD, &m, kube_message_size(type), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int get_credentials(struct kube_credentials *ret_cred, void *ctx)
{
	int err = tell(KUBE_WANT_CREDENTIALS, NULL, ctx);
	ssize_t n;

	if (err)
		return err;
	n = recv(SOCKET_FD, ret_cred, sizeof(*ret_cred), 0);
	/* Without an answer it is started anew. */
	if (n == 0 || (n < 0 && errno == EAGAIN))
		return -EPIPE;
	if (n < 0)
		return -errno;
	return (size_t)n >= offsetof(struct kube_credentials, data) &&
			       n - offsetof(struct kube_credentials, data) ==
				       (uint64_t)ret_cred->token_len + ret_cred->ca_len
		       ? 0
		       : -EPROTO;
}

/* A state is told once, not each minute that it stays so. why: "" if the server answers. */
static void tell_state(const char *base, const char *why)
{
	static char told[512] = "-";

	if (!strncmp(told, why, sizeof(told) - 1))
		return;
	snprintf(told, sizeof(told), "%s", why);
	if (!*why)
		log_info("the API server at %s answers", base);
	else
		log_warn("the API server at %s: %s; trying on, what it would say of new pods is "
			 "missing "
			 "meanwhile",
			 base, why);
}

static bool has_answered; /* in this round */

static void answered(void *ctx)
{
	has_answered = true;
	tell_state(ctx, "");
}

/* Before try 1, 2, 3 ...: 1, 2, 4 ... 64 s, and up to half of it more: nodes that lost the server
 * at the same time come back at different times. */
static void pause_before(unsigned int try)
{
	uint64_t ms = 1000 * (RETRY_MIN_S << MIN(try - 1, RETRY_DOUBLES));

	usleep(1000 * (ms + (uint64_t)rand() % (ms / 2)));
}

static bool is_unreachable(int err)
{
	return err == -ECONNREFUSED || err == -ETIMEDOUT || err == -EBADMSG;
}

/* Until the sensor has gone, or the server may have another address than this process knows. */
static int run(const struct watch_opts *opts, const char *base, struct client *client)
{
	struct watch *w = NULL;
	unsigned int tries = 0, unreachable = 0;
	const char *why;
	time_t begin;
	int err = watch_new(opts, &w), last = 0;

	while (!err) {
		begin = time(NULL);
		has_answered = false;
		err = watch_round(w, client, &why);
		if (err == -EPIPE || err == -ECONNRESET)
			break;
		if (err)
			tell_state(base, *why ? why : strerror(-err));
		/* Another failure is counted anew, such as 410 of a server that is back. */
		if (!err || err != last || time(NULL) - begin > HELD_S)
			tries = 0;
		last = err;
		/* In a row, of whatever kind: refusals and timeouts take turns. */
		unreachable = is_unreachable(err) && !has_answered ? unreachable + 1 : 0;
		if (unreachable == RESOLVE_TRIES && client_is_by_name(client))
			break;
		pause_before(++tries);
		err = 0;
	}
	watch_free(w);
	return err;
}

/* What needs the machine's files comes before the last step: so the resolver, which parses what a
 * name server answers, runs while CAP_SYS_CHROOT is held, though as nobody and with no other. */
static int confine(const char *base, struct client **ret_client)
{
	int err;

	/* The sensor's are closed at exec; none that was forgotten shall be of use here. */
	close_range(SOCKET_FD + 1, ~0U, 0);
	err = sandbox_drop_root();
	if (err)
		return log_err(err, "cannot give up privileges");
	tzset();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	err = client_new(base, ret_client);
	if (err)
		return log_err(err, "no address for the API server at %s", base);
	err = sandbox_enter();
	return err ? log_err(err, "cannot confine itself") : 0;
}

int main(int argc, char **argv)
{
	struct watch_opts opts = {
		.tell = tell, .get_credentials = get_credentials, .answered = answered};
	struct client *client = NULL;
	int type, err;
	const struct timeval answer = {.tv_sec = ANSWER_S};
	socklen_t len = sizeof(type);

	diag_init("varve-kubewatch", DIAG_INFO);
	setpriority(PRIO_PROCESS, 0, 0); /* the sensor's is another one */
	if (argc == 5 && !strcmp(argv[4], "json"))
		diag_set_format(DIAG_JSON);
	if (argc != 5 || getsockopt(SOCKET_FD, SOL_SOCKET, SO_TYPE, &type, &len) ||
	    type != SOCK_SEQPACKET) {
		log_warn("varve-sensor starts this program (option kube-api); by hand it does "
			 "nothing");
		return EXIT_FAILURE;
	}
	opts.ctx = argv[1];
	opts.node = argv[2];
	opts.allowed_labels = argv[3];
	setsockopt(SOCKET_FD, SOL_SOCKET, SO_RCVTIMEO, &answer, sizeof(answer));
	err = confine(argv[1], &client);
	if (!err) {
		srand(time(NULL) ^ getpid());
		err = run(&opts, argv[1], client);
	}
	client_free(client);
	return err == -EPIPE || err == -ECONNRESET ? EXIT_SUCCESS : EXIT_FAILURE;
}
