/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter lets through what libcurl, OpenSSL and malloc() call on a connection: sockets of the
 * Internet's streams, memory that is not executable, time. Nothing that makes a process, a thread,
 * a file, a namespace or a way into another process. Files are opened for reading, since libraries
 * look for some now and then, and find an empty root.
 */
#include "kubewatch/sandbox.h"

#include "evidence/base.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define NOBODY	   65534
#define MEMORY_MAX (512ull << 20) /* of addresses; for a page of a list and its JSON */
#define FILES_MAX  64
#define TYPE_MASK  0xf /* of socket(): without SOCK_NONBLOCK and SOCK_CLOEXEC */

static int set_capabilities(uint32_t set)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {
		{.effective = set, .permitted = set}};

	return syscall(SYS_capset, &head, caps) ? -errno : 0;
}

static int set_limits(void)
{
	const struct rlimit no_core = {}, memory = {MEMORY_MAX, MEMORY_MAX},
			    files = {FILES_MAX, FILES_MAX};

	return setrlimit(RLIMIT_CORE, &no_core) || setrlimit(RLIMIT_AS, &memory) ||
			       setrlimit(RLIMIT_NOFILE, &files)
		       ? -errno
		       : 0;
}

int sandbox_drop_root(void)
{
	int err = set_limits();

	if (err)
		return err;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -errno;
	if (geteuid() == 0 && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
			       setresuid(NOBODY, NOBODY, NOBODY)))
		return -errno;
	/* Whoever changes his user is asked anew whether he ends with his parent. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		return -errno;
	return set_capabilities(1U << CAP_SYS_CHROOT);
}

static const int allowed[] = {
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	SCMP_SYS(fcntl),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(stat),
	SCMP_SYS(access),
	SCMP_SYS(lseek),
	SCMP_SYS(eventfd2), /* libcurl wakes itself by it, since 8.9, */
	SCMP_SYS(pipe2),    /* or by this */
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(connect),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(getrandom),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(uname),
	SCMP_SYS(sysinfo),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* Those of which only some uses are: an argument, under a mask, has this value. */
static const struct {
	int call;
	struct scmp_arg_cmp args[2];
	unsigned int arg_cnt;
} allowed_so[] = {
#define IS(n, mask, value)                         \
	{                                          \
		n, SCMP_CMP_MASKED_EQ, mask, value \
	}
	{SCMP_SYS(socket), {IS(0, UINT32_MAX, AF_INET), IS(1, TYPE_MASK, SOCK_STREAM)}, 2},
	{SCMP_SYS(socket), {IS(0, UINT32_MAX, AF_INET6), IS(1, TYPE_MASK, SOCK_STREAM)}, 2},
	{SCMP_SYS(socketpair), {IS(0, UINT32_MAX, AF_UNIX)}, 1}, /* libcurl wakes itself up by it */
	{SCMP_SYS(open), {IS(1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)}, 1},
	{SCMP_SYS(openat), {IS(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)}, 1},
	{SCMP_SYS(mmap), {IS(2, PROT_EXEC, 0)}, 1},
	{SCMP_SYS(mprotect), {IS(2, PROT_EXEC, 0)}, 1},
	{SCMP_SYS(prlimit64), {IS(2, UINT64_MAX, 0)}, 1}, /* asks, sets nothing */
	{SCMP_SYS(ioctl), {IS(1, UINT32_MAX, FIONBIO)}, 1},
#undef IS
};

static int add_rules(scmp_filter_ctx filter)
{
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(allowed); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; !err && i < ARRAY_SIZE(allowed_so); i++)
		err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, allowed_so[i].call,
					     allowed_so[i].arg_cnt, allowed_so[i].args);
	return err;
}

int sandbox_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err;

	if (!filter)
		return -ENOMEM;
	err = add_rules(filter);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

int sandbox_enter(void)
{
	int err;

	if (chroot("."))
		return -errno;
	err = set_capabilities(0);
	return err ? err : sandbox_filter();
}
