/* SPDX-License-Identifier: Apache-2.0 */
/* varve-kubewatch's filter of system calls: each attempt in a process of its own, which it kills.
 */
#include "kubewatch/client.h"
#include "kubewatch/sandbox.h"

#include "evidence/base.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

struct attempt {
	const char *name;
	long number, args[6];
};

/* By the bare call, so that no library and no sanitizer is in it. */
static int run_filtered(const struct attempt *a)
{
	const struct rlimit no_core = {};
	int status;
	pid_t pid = fork();

	if (!pid) {
		setrlimit(RLIMIT_CORE, &no_core);
		if (sandbox_filter())
			syscall(SYS_exit_group, 99);
		syscall(a->number, a->args[0], a->args[1], a->args[2], a->args[3], a->args[4],
			a->args[5]);
		syscall(SYS_exit_group, 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static const char none[] = "/nonexistent", null[] = "/dev/null";

static void test_what_kills(void **state)
{
	static const struct rlimit limit = {64, 64};
	const struct attempt attempts[] = {
		{"execve", SYS_execve, {(long)none}},
		{"execveat", SYS_execveat, {AT_FDCWD, (long)none}},
		{"fork", SYS_fork, {}},
		{"clone", SYS_clone, {SIGCHLD}},
		{"clone3", SYS_clone3, {}},
		{"open for writing", SYS_open, {(long)null, O_WRONLY}},
		{"openat for both", SYS_openat, {AT_FDCWD, (long)null, O_RDWR}},
		{"openat that makes", SYS_openat, {AT_FDCWD, (long)none, O_CREAT}},
		{"openat2", SYS_openat2, {AT_FDCWD, (long)null}},
		{"mkdir", SYS_mkdir, {(long)none, 0700}},
		{"unlink", SYS_unlink, {(long)none}},
		{"chroot", SYS_chroot, {(long)none}},
		{"mount", SYS_mount, {(long)none, (long)none, (long)"tmpfs"}},
		{"ptrace", SYS_ptrace, {PTRACE_TRACEME}},
		{"process_vm_readv", SYS_process_vm_readv, {1}},
		{"pidfd_open", SYS_pidfd_open, {1}},
		{"kill", SYS_kill, {1, 0}},
		{"unshare", SYS_unshare, {CLONE_NEWUSER}},
		{"setns", SYS_setns, {0}},
		{"bpf", SYS_bpf, {}},
		{"io_uring", SYS_io_uring_setup, {1}},
		{"keyctl", SYS_keyctl, {}},
		{"packet socket", SYS_socket, {AF_PACKET, SOCK_DGRAM}},
		{"raw socket", SYS_socket, {AF_INET, SOCK_RAW}},
		{"netlink socket", SYS_socket, {AF_NETLINK, SOCK_RAW}},
		{"local socket", SYS_socket, {AF_UNIX, SOCK_STREAM}},
		{"listen", SYS_listen, {0, 1}},
		{"executable memory",
		 SYS_mmap,
		 {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1}},
		{"memory made executable", SYS_mprotect, {0, 4096, PROT_EXEC}},
		{"limits", SYS_prlimit64, {0, RLIMIT_NOFILE, (long)&limit}},
		{"terminal input", SYS_ioctl, {0, 0x5412 /* TIOCSTI */}},
		{"by a number of x32", 0x40000000 + SYS_getpid, {}},
	};
	int status;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		status = run_filtered(&attempts[i]);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status %#x", attempts[i].name, status);
	}
}

static void test_what_does_not(void **state)
{
	const struct attempt attempts[] = {
		{"open for reading", SYS_openat, {AT_FDCWD, (long)null, O_RDONLY | O_CLOEXEC}},
		{"stream", SYS_socket, {AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK}},
		{"stream of version 6", SYS_socket, {AF_INET6, SOCK_STREAM}},
		{"memory",
		 SYS_mmap,
		 {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1}},
	};
	int status;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		status = run_filtered(&attempts[i]);
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			fail_msg("%s: status %#x", attempts[i].name, status);
	}
}

/* --- a whole request, with whatever libcurl here calls for it */

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

static int serve(uint16_t *ret_port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval limit = {.tv_sec = 30}; /* who was killed never comes */
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	assert_int_equal(bind(fd, (void *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (void *)&addr, &len), 0);
	*ret_port = ntohs(addr.sin_port);
	return fd;
}

static int count_body(const char *data, size_t len, void *ctx)
{
	(void)data;
	*(size_t *)ctx += len;
	return 0;
}

/* The status of who asks. */
static pid_t ask(uint16_t port)
{
	static const struct kube_credentials nothing;
	struct client *client;
	const char *why;
	char base[64];
	size_t got = 0;
	pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(base, sizeof(base), "http://127.0.0.1:%u", port);
	if (client_new(base, &client) || sandbox_filter())
		syscall(SYS_exit_group, 99);
	if (client_get(client, &nothing, "/", 30, count_body, &got, &why))
		syscall(SYS_exit_group, 98);
	syscall(SYS_exit_group, got == 5 ? 0 : 97);
	return -1;
}

static void test_request(void **state)
{
	char request[4096];
	uint16_t port;
	int server = serve(&port), fd, status;
	pid_t pid = ask(port);

	(void)state;
	fd = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0 && read(fd, request, sizeof(request)) > 0)
		assert_int_equal(send(fd, answer, strlen(answer), MSG_NOSIGNAL), strlen(answer));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fd);
	close(server);
	if (status)
		fail_msg("who asked ended with status %#x", status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_kills),
		cmocka_unit_test(test_what_does_not),
		cmocka_unit_test(test_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
