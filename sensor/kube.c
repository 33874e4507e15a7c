/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/kube.h"

#include "evidence/base.h"
#include "evidence/diag.h"
#include "sensor/conf.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PROGRAM	     "varve-kubewatch"
#define SOCKET_FD    3		 /* the child's */
#define ROOT_DIR     "kubewatch" /* in the log directory, for a moment */
#define SECOND_MAX   200	 /* messages */
#define RETRY_MIN_NS NSEC_PER_SEC
#define RETRY_MAX_NS (60 * NSEC_PER_SEC)

struct kube {
	const struct conf *conf;
	char program[PATH_MAX];
	char base[1024];
	pid_t pid; /* 0: it does not run */
	int fd;	   /* -1: so */
	uint64_t started_ns, restart_ns, retry_ns;
	int status; /* that it ended with last */
	uint64_t restarts, invalid;
	uint64_t second_ns; /* that `taken` is of */
	uint32_t taken;
	struct kube_message message; /* just received */
	struct kube_credentials cred;
};

/* Beside the sensor. */
int kube_find_program(char *ret_path, size_t size)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		return -errno;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash ||
	    snprintf(ret_path, size, "%.*s/%s", (int)(slash - self), self, PROGRAM) >= (int)size)
		return -ENAMETOOLONG;
	return access(ret_path, X_OK) ? -errno : 0;
}

/* As client-go's InClusterConfig() does it. */
int kube_find_base(const char *api, char *ret_base, size_t size)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST"),
		   *port = getenv("KUBERNETES_SERVICE_PORT");
	bool is_v6 = host && strchr(host, ':');

	if (strcmp(api, "in-cluster")) {
		snprintf(ret_base, size, "%.*s", (int)(strlen(api) - (api[strlen(api) - 1] == '/')),
			 api);
		return 0;
	}
	if (!host || !*host || !port || !*port)
		return log_err(-ENOENT,
			       "kube-api is in-cluster, but KUBERNETES_SERVICE_HOST and "
			       "KUBERNETES_SERVICE_PORT are not set: this is no pod; give a URL");
	snprintf(ret_base, size, "https://%s%s%s:%s", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
		 port);
	return 0;
}

/* Its socket is its descriptor 3, its environment is empty, it is in that directory; it closes what
 * else it may have got. */
static int spawn(const struct kube *kube, int fd, const char *dir, pid_t *ret_pid)
{
	char *argv[] = {(char *)PROGRAM,
			(char *)kube->base,
			kube->conf->node_name,
			kube->conf->kube_labels,
			(char *)(kube->conf->log_format == DIAG_JSON ? "json" : "text"),
			NULL};
	char *envp[] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int err;

	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&actions);
	err = posix_spawn_file_actions_adddup2(&actions, fd, SOCKET_FD);
	if (!err)
		err = posix_spawn_file_actions_addchdir_np(&actions, dir);
	if (!err)
		err = posix_spawn(ret_pid, kube->program, &actions, &attr, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -err;
}

/* In a directory of which there is nothing when it has started: where nothing is, and nothing can
 * be made, it has its root. */
static int spawn_apart(const struct kube *kube, int fd, pid_t *ret_pid)
{
	char dir[PATH_MAX];
	int err;

	if (snprintf(dir, sizeof(dir), "%s/" ROOT_DIR, kube->conf->log_dir) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	/* What an earlier sensor left, if it is empty. */
	rmdir(dir);
	if (mkdir(dir, 0755))
		return -errno;
	/* Nobody is to enter it, whatever the umask. */
	err = chmod(dir, 0755) ? -errno : spawn(kube, fd, dir, ret_pid);
	rmdir(dir);
	return err;
}

static int start(struct kube *kube, uint64_t now_ns)
{
	int fds[2], size = 2 * sizeof(struct kube_credentials), err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	err = spawn_apart(kube, fds[1], &kube->pid);
	close(fds[1]);
	if (err) {
		kube->pid = 0;
		close(fds[0]);
		return log_err(err, "cannot start %s", kube->program);
	}
	kube->fd = fds[0];
	kube->started_ns = now_ns;
	return 0;
}

int kube_open(const struct conf *conf, struct kube **ret_kube)
{
	_cleanup_free_ struct kube *kube = NULL;
	int err;

	*ret_kube = NULL;
	if (!strcmp(conf->kube_api, "off"))
		return 0;
	kube = calloc(1, sizeof(*kube));
	if (!kube)
		return -ENOMEM;
	kube->conf = conf;
	kube->fd = -1;
	kube->retry_ns = RETRY_MIN_NS;
	err = kube_find_base(conf->kube_api, kube->base, sizeof(kube->base));
	if (err)
		return err;
	err = kube_find_program(kube->program, sizeof(kube->program));
	if (err)
		return log_err(err, "kube-api needs %s beside varve-sensor", PROGRAM);
	*ret_kube = TAKE_PTR(kube);
	return 0;
}

/* 0: nothing to read, or too much. */
static uint32_t read_file(const char *path, char *dst, size_t size)
{
	_cleanup_close_ int fd =
		*path ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
	ssize_t n = fd < 0 ? 0 : read(fd, dst, size);

	return n <= 0 || (size_t)n == size ? 0 : n;
}

/* The status of wait(2): of one that had ended by itself, its own. */
static int end(struct kube *kube)
{
	int status = 0;

	if (kube->fd >= 0)
		close(kube->fd);
	kube->fd = -1;
	if (!kube->pid)
		return 0;
	kill(kube->pid, SIGKILL);
	waitpid(kube->pid, &status, 0);
	kube->pid = 0;
	return status;
}

static void tell_end(int status)
{
	char how[64] = "ended";

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		strcpy(how, "was killed by its system-call filter (SIGSYS)");
	else if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "was killed by signal %d", WTERMSIG(status));
	log_warn("%s %s: starting it again, after 1 s, then 2, 4 ... 60 s", PROGRAM, how);
}

static void ended(struct kube *kube, uint64_t now_ns)
{
	int status = end(kube);

	if (now_ns - kube->started_ns > RETRY_MAX_NS)
		kube->retry_ns = RETRY_MIN_NS;
	/* Not each minute that it stays so. */
	if (kube->retry_ns == RETRY_MIN_NS || status != kube->status)
		tell_end(status);
	kube->status = status;
	kube->restarts++;
	kube->restart_ns = now_ns + kube->retry_ns;
	kube->retry_ns = MIN(kube->retry_ns * 2, RETRY_MAX_NS);
}

/* The child waits for the answer, so the socket has room for it. */
static void send_credentials(struct kube *kube, uint64_t now_ns)
{
	struct kube_credentials *c = &kube->cred;
	ssize_t n;

	c->token_len = read_file(kube->conf->kube_token_file, c->data, sizeof(c->data) / 2);
	c->ca_len = read_file(kube->conf->kube_ca_file, c->data + c->token_len,
			      sizeof(c->data) - c->token_len);
	n = send(kube->fd, c, offsetof(struct kube_credentials, data) + c->token_len + c->ca_len,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	explicit_bzero(c->data, c->token_len);
	if (n < 0)
		ended(kube, now_ns);
}

static void take(struct kube *kube, size_t len, uint64_t now_ns, kube_fn fn, void *ctx)
{
	kube->taken++;
	if (!kube_message_check(&kube->message, len)) {
		kube->invalid++;
	} else if (kube->message.type == KUBE_WANT_CREDENTIALS) {
		send_credentials(kube, now_ns);
	} else {
		fn(&kube->message, ctx);
	}
}

/* Each message may make a record: whoever took the child over shall not fill the log. It waits
 * then. */
static bool is_within_budget(struct kube *kube, uint64_t now_ns)
{
	if (now_ns - kube->second_ns >= NSEC_PER_SEC) {
		kube->second_ns = now_ns;
		kube->taken = 0;
	}
	return kube->taken < SECOND_MAX;
}

void kube_turn(struct kube *kube, uint64_t now_ns, kube_fn fn, void *ctx)
{
	ssize_t n;

	if (!kube)
		return;
	if (!kube->pid && now_ns >= kube->restart_ns && start(kube, now_ns))
		kube->restart_ns = now_ns + RETRY_MAX_NS;
	while (kube->pid && is_within_budget(kube, now_ns)) {
		/* MSG_TRUNC: the length of what was sent, however much of it there is room for. */
		n = recv(kube->fd, &kube->message, sizeof(kube->message), MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0)
			ended(kube, now_ns);
		else
			take(kube, n, now_ns, fn, ctx);
	}
}

uint64_t kube_restarts(const struct kube *kube)
{
	return kube ? kube->restarts : 0;
}

uint64_t kube_invalid(const struct kube *kube)
{
	return kube ? kube->invalid : 0;
}

void kube_close(struct kube *kube)
{
	if (!kube)
		return;
	end(kube);
	free(kube);
}
