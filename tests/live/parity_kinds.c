/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each call returned does not matter here, as long as it is the same in both runs; the kinds'
 * own tests say what has to be recorded of it. So a call that this kernel refuses is one more
 * failure to compare. Nothing is opened below /proc, whose paths have pids in them.
 */
#include "tests/live/parity.h"
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <net/ethernet.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define NO_SUCH_PID 0x3ffffff

/* The value is of no interest; a call that glibc wants to have checked. */
#define TRY(call)                  \
	do {                       \
		if ((call) == -1)  \
			errno = 0; \
	} while (0)

static void names(void)
{
	int fd = MUST(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));

	TRY(mkdir("dir", 0751));
	TRY(mkdir("dir", 0751));
	TRY(mkdirat(fd, "dir/sub", 0700));
	TRY(rmdir("dir"));
	TRY(unlinkat(fd, "dir/sub", AT_REMOVEDIR));
	TRY(mknod("dir/fifo", S_IFIFO | 0640, 0));
	TRY(mknodat(fd, "dir/null", S_IFCHR | 0600, 0x103));
	TRY(mknod("none/x", S_IFREG, 0));
	TRY(link("dir/fifo", "dir/other"));
	TRY(link("dir/fifo", "dir/other"));
	TRY(linkat(fd, "none", fd, "x", 0));
	TRY(symlink("where/to", "dir/link"));
	TRY(symlinkat("where/to", fd, "dir/link"));
	TRY(mkdir((const char *)8, 0));
	TRY(rmdir((const char *)8));
}

static void attributes(struct scenario *s)
{
	char path[400];
	int fd;

	snprintf(path, sizeof(path), "%s/kinds/file", s->dir);
	fd = MUST(open(path, O_RDWR | O_CREAT | O_EXCL, 0644));
	TRY(write(fd, "twelve bytes", 12));
	TRY(pwrite(fd, "x", 1, 100));
	TRY(chmod(path, 0604));
	TRY(fchmod(fd, 0640));
	TRY(chmod("none", 0640));
	TRY(fchmod(-1, 0640));
	TRY(chown(path, 11, 22));
	TRY(lchown(path, 33, -1));
	TRY(fchown(fd, -1, 44));
	TRY(chown("none", 1, 1));
	TRY(truncate(path, 7));
	TRY(ftruncate(fd, 9));
	TRY(truncate("none", 7));
	TRY(ftruncate(-1, 7));
	TRY(setxattr(path, "trusted.a", "value", 5, 0));
	TRY(fsetxattr(fd, "trusted.b", "\0\1", 2, XATTR_CREATE));
	TRY(fsetxattr(fd, "trusted.b", "\0\1", 2, XATTR_CREATE));
	TRY(removexattr(path, "trusted.a"));
	TRY(fremovexattr(fd, "trusted.none"));
	TRY(setxattr("none", "trusted.a", "value", 5, 0));
	close(dup(fd));
	close(fd);
}

static void mounts(void)
{
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	TRY(mount("a source", "dir", "tmpfs", MS_NOSUID, "size=100k"));
	TRY(mkdir("dir/in", 0755));
	TRY(mount("dir/in", "dir/in", NULL, MS_BIND, NULL));
	TRY(mount(NULL, "dir/in", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	TRY(umount("dir/in"));
	TRY(umount2("dir/in", MNT_DETACH));
	TRY(mount("x", "dir", "nosuchfs", 0, "data"));
	TRY(mount("x", "none", "tmpfs", 0, NULL));
	TRY(umount2("dir", MNT_DETACH));
	TRY(umount("none"));
}

/* In a process of its own. */
static void apart(void (*fn)(void))
{
	pid_t pid = MUST(fork());

	if (!pid) {
		fn();
		_exit(0);
	}
	EXPECT_UINT(live_wait(pid), 0);
}

static void credentials(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = 1 << CAP_SETUID, .permitted = 1 << CAP_SETUID | 1 << CAP_CHOWN}};
	gid_t groups[] = {5, 6, 7};

	TRY(syscall(SYS_setgroups, 3, groups));
	TRY(syscall(SYS_setresgid, 1, 2, 3));
	TRY(syscall(SYS_setfsgid, 9));
	TRY(prctl(PR_SET_KEEPCAPS, 1));
	TRY(prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT));
	TRY(syscall(SYS_setreuid, 4, -1));
	TRY(syscall(SYS_capset, &head, data));
	TRY(syscall(SYS_setresuid, 4, 5, 6));
	TRY(syscall(SYS_setuid, 0));
	TRY(syscall(SYS_capset, NULL, NULL));
}

static void namespaces(void)
{
	struct clone_args args = {.flags = CLONE_NEWUTS, .exit_signal = SIGCHLD};
	int self = syscall(SYS_pidfd_open, getpid(), 0);
	pid_t pid;

	TRY(unshare(CLONE_NEWUTS | CLONE_NEWIPC));
	TRY(unshare(CLONE_NEWPID | 1));
	TRY(setns(self, CLONE_NEWUTS));
	TRY(setns(-1, CLONE_NEWUTS));
	pid = MUST((pid_t)syscall(SYS_clone3, &args, sizeof(args)));
	if (!pid)
		_exit(0);
	live_wait(pid);
	args.flags = CLONE_NEWUTS | CLONE_SIGHAND;
	TRY(syscall(SYS_clone3, &args, sizeof(args)));
}

static void roots(void)
{
	TRY(chroot("none"));
	TRY(syscall(SYS_pivot_root, "dir", "dir"));
	TRY(chroot("dir"));
	TRY(chdir("/"));
}

static void on_others(void)
{
	char here[16] = "here", there[16];
	struct iovec local = {there, sizeof(there)}, remote = {here, sizeof(here)};
	pid_t pid = MUST(fork());
	int status;

	if (!pid)
		for (;;)
			pause();
	TRY(syscall(SYS_process_vm_readv, pid, &local, 1, &remote, 1, 0));
	TRY(syscall(SYS_process_vm_writev, pid, &local, 1, &remote, 1, 0));
	TRY(syscall(SYS_process_vm_readv, NO_SUCH_PID, &local, 1, &remote, 1, 0));
	TRY(ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	TRY(ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	TRY(ptrace(PTRACE_SEIZE, NO_SUCH_PID, NULL, NULL));
	TRY(kill(NO_SUCH_PID, SIGTERM));
	TRY(kill(pid, SIGKILL));
	MUST(waitpid(pid, &status, 0));
}

static void in_memory(void)
{
	close(syscall(SYS_memfd_create, "in memory", 1));
	TRY(syscall(SYS_memfd_create, "in memory", 0xffff));
	TRY(mprotect(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
	TRY(syscall(SYS_execve, "none", (char *[]){"none", "with", "arguments", NULL}, NULL));
	TRY(syscall(SYS_execve, "dir", (char *[]){"dir", NULL}, NULL));
	TRY(syscall(SYS_execveat, -1, "x", NULL, NULL, 0));
}

/* --- sockets */

static void unix_sockets(struct scenario *s)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), to = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	snprintf(un.sun_path, sizeof(un.sun_path), "%.100s/s", s->dir);
	TRY(connect(to, (void *)&un, sizeof(un)));
	TRY(bind(fd, (void *)&un, sizeof(un)));
	TRY(bind(to, (void *)&un, sizeof(un)));
	TRY(listen(fd, 3));
	TRY(connect(to, (void *)&un, sizeof(un)));
	close(to);
	close(fd);
}

static void ip_sockets(struct scenario *s)
{
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0)), udp = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in far = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201)};

	TRY(bind(fd, (void *)&far, sizeof(far)));
	TRY(bind(fd, (void *)&far, 3));
	TRY(bind(fd, &s->closed.addr.any, s->closed.len));
	TRY(listen(fd, 2));
	TRY(listen(udp, 2));
	TRY(bind(udp, &s->listener.addr.any, s->listener.len));
	TRY(connect(udp, &s->closed.addr.any, s->closed.len));
	close(fd);
	close(udp);
	close(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	close(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
	TRY(socket(AF_INET, SOCK_RAW, 100000));
}

/* --- the kernel's own */

static void kernel(void)
{
	struct perf_event_attr perf = {.type = PERF_TYPE_SOFTWARE,
				       .size = sizeof(perf),
				       .config = PERF_COUNT_SW_CONTEXT_SWITCHES};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 1};
	int key;

	TRY(syscall(SYS_delete_module, "no_such_module_here", O_NONBLOCK));
	TRY(syscall(SYS_init_module, "no image", 8, "a=b"));
	TRY(syscall(SYS_finit_module, -1, "a=b", 0));
	TRY(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));
	memset(&attr, 0, sizeof(attr));
	attr.prog_id = 0x7fffffff;
	TRY(syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr)));
	close(syscall(SYS_perf_event_open, &perf, 0, -1, -1, 0));
	perf.type = 0x7fffffff;
	TRY(syscall(SYS_perf_event_open, &perf, 0, -1, -1, 0));
	TRY(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "a ring", 0, 0, 0));
	key = syscall(SYS_add_key, "user", "a key", "payload", 7, KEY_SPEC_SESSION_KEYRING);
	TRY(syscall(SYS_keyctl, KEYCTL_REVOKE, key, 0, 0, 0));
	TRY(syscall(SYS_add_key, "nosuchtype", "a key", "payload", 7, KEY_SPEC_SESSION_KEYRING));
	TRY(syscall(SYS_request_key, "user", "none such", NULL, 0));
}

void parity_kinds(struct live *t, void *arg)
{
	struct scenario *s = arg;
	char dir[400];

	(void)t;
	snprintf(dir, sizeof(dir), "%s/kinds", s->dir);
	MUST(mkdir(dir, 0755));
	MUST(chdir(dir));
	names();
	attributes(s);
	apart(credentials);
	apart(namespaces);
	apart(roots);
	apart(on_others);
	apart(in_memory);
	apart(mounts);
	unix_sockets(s);
	ip_sockets(s);
	apart(kernel);
}
