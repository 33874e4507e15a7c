/* SPDX-License-Identifier: Apache-2.0 */
/*
 * varve-kubewatch: watches the pods of this node at the API server, for varve-sensor, which starts
 * it with a socket as descriptor 3. It speaks TLS and parses JSON from the network, so it is a
 * process of its own, without privileges, files or the sensor's memory. If it dies the sensor
 * starts it again.
 */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "kubewatch/client.h"
#include "kubewatch/watch.h"

#include <curl/curl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#define SOCKET_FD     3
#define NOBODY	      65534
#define MEMORY_MAX    (512ull << 20) /* of addresses; for a page of a list and its JSON */
#define RETRY_MIN_S   1u
#define RETRY_DOUBLES 6u
#define HELD_S	      60 /* a watch that held so long was none of the server's failures */
#define ANSWER_S      60 /* the sensor's */

/* Whatever happens in here, it happens to nobody's process, without capabilities, with one socket.
 */
static int drop_privileges(void)
{
	struct __user_cap_header_struct caps = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
	const struct rlimit no_core = {}, memory = {MEMORY_MAX, MEMORY_MAX}, files = {64, 64};

	/* The sensor's are closed at exec; none that was forgotten shall be of use here. */
	close_range(SOCKET_FD + 1, ~0U, 0);
	if (setrlimit(RLIMIT_CORE, &no_core) || setrlimit(RLIMIT_AS, &memory) ||
	    setrlimit(RLIMIT_NOFILE, &files))
		return -errno;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -errno;
	if (geteuid() == 0 && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
			       setresuid(NOBODY, NOBODY, NOBODY)))
		return -errno;
	if (syscall(SYS_capset, &caps, none))
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL))
		return -errno;
	return 0;
}

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

static void answered(void *ctx)
{
	tell_state(ctx, "");
}

/* Before try 1, 2, 3 ...: 1, 2, 4 ... 64 s, and up to half of it more: nodes that lost the server
 * at the same time come back at different times. */
static void pause_before(unsigned int try)
{
	uint64_t ms = 1000 * (RETRY_MIN_S << MIN(try - 1, RETRY_DOUBLES));

	usleep(1000 * (ms + (uint64_t)rand() % (ms / 2)));
}

static int run(const struct watch_opts *opts, const char *base)
{
	struct client *client = NULL;
	struct watch *w = NULL;
	unsigned int tries = 0;
	const char *why;
	time_t begin;
	int err = client_new(base, &client), last = 0;

	if (!err)
		err = watch_new(opts, &w);
	while (!err) {
		begin = time(NULL);
		err = watch_round(w, client, &why);
		/* The sensor has gone. */
		if (err == -EPIPE || err == -ECONNRESET)
			break;
		if (err)
			tell_state(base, *why ? why : strerror(-err));
		/* Another failure is counted anew, such as 410 of a server that is back. */
		if (!err || err != last || time(NULL) - begin > HELD_S)
			tries = 0;
		last = err;
		pause_before(++tries);
		err = 0;
	}
	watch_free(w);
	client_free(client);
	return err;
}

int main(int argc, char **argv)
{
	struct watch_opts opts = {
		.tell = tell, .get_credentials = get_credentials, .answered = answered};
	int type, err;
	const struct timeval answer = {.tv_sec = ANSWER_S};
	socklen_t len = sizeof(type);

	diag_init("varve-kubewatch", DIAG_INFO);
	if (argc != 4 || getsockopt(SOCKET_FD, SOL_SOCKET, SO_TYPE, &type, &len) ||
	    type != SOCK_SEQPACKET) {
		log_warn("varve-sensor starts this program (option kube-api); by hand it does "
			 "nothing");
		return EXIT_FAILURE;
	}
	opts.ctx = argv[1];
	opts.node = argv[2];
	opts.allowed_labels = argv[3];
	setsockopt(SOCKET_FD, SOL_SOCKET, SO_RCVTIMEO, &answer, sizeof(answer));
	err = drop_privileges();
	if (err) {
		log_err(err, "cannot give up privileges");
		return EXIT_FAILURE;
	}
	srand(time(NULL) ^ getpid());
	curl_global_init(CURL_GLOBAL_DEFAULT);
	err = run(&opts, argv[1]);
	curl_global_cleanup();
	return err == -EPIPE || err == -ECONNRESET ? EXIT_SUCCESS : EXIT_FAILURE;
}
