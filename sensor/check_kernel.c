/* SPDX-License-Identifier: Apache-2.0 */
/* --check: the kernel and the namespaces that the sensor was started in. */
#include "sensor/check.h"

#include "evidence/base.h"
#include "sensor/conf.h"
#include "sensor/hierarchy.h"
#include "sensor/kernel_features.h"
#include "sensor/privileges.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#define VMLINUX	 "/sys/kernel/btf/vmlinux"
#define LOCKDOWN "/sys/kernel/security/lockdown"
/* The kernel's PROC_PID_INIT_INO: the node's own. */
#define NODE_PID_NS   "pid:[4026531836]"
#define WHOLE_UID_MAP "         0          0 4294967295"

static void check_release(struct check *c)
{
	unsigned int major = 0, minor = 0;
	struct utsname uts;

	uname(&uts);
	sscanf(uts.release, "%u.%u", &major, &minor);
	check_say(c, "kernel", major > 5 || (major == 5 && minor >= 10) ? CHECK_OK : CHECK_MISSING,
		  "use Linux 5.10 or later", "Linux %s", uts.release);
}

static void check_btf(struct check *c)
{
	int err = faccessat(AT_FDCWD, VMLINUX, R_OK, AT_EACCESS) ? errno : 0;

	check_say(c, "BTF", err ? CHECK_MISSING : CHECK_OK,
		  "use a kernel with CONFIG_DEBUG_INFO_BTF=y, and mount /sys", "%s%s%s", VMLINUX,
		  err ? ": " : "", err ? strerror(err) : "");
}

/* The first line of a small file; "" if it cannot be read. */
static void read_line(const char *path, char *line, int size)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	if (!f || !fgets(line, size, f))
		*line = '\0';
	line[strcspn(line, "\n")] = '\0';
}

static void check_lockdown(struct check *c)
{
	char line[128];
	bool locked;

	read_line(LOCKDOWN, line, sizeof(line));
	locked = strstr(line, "[confidentiality]");
	check_say(c, "lockdown", locked ? CHECK_MISSING : CHECK_OK,
		  "start the kernel without lockdown=confidentiality (integrity will do)", "%s",
		  locked  ? "confidentiality: programs may not read the kernel's memory"
		  : *line ? line
			  : "none, or not to be seen from here");
}

/* Whether this kernel, its settings and the filter of system calls let us call it at all. */
static void check_bpf(struct check *c)
{
	_cleanup_close_ int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "check", 4, 4, 1, NULL);
	int err = fd < 0 ? errno : 0;

	check_say(
		c, "bpf(2)", err ? CHECK_MISSING : CHECK_OK,
		"give CAP_BPF, and allow bpf in the container's seccomp profile; before containerd "
		"1.7 its profile asks for CAP_SYS_ADMIN",
		"%s", err ? strerror(err) : "can be called");
}

static void check_user_namespace(struct check *c)
{
	char line[64];

	read_line("/proc/self/uid_map", line, sizeof(line));
	check_say(c, "user namespace", strcmp(line, WHOLE_UID_MAP) ? CHECK_MISSING : CHECK_OK,
		  "start it outside of user namespaces (in a pod: hostUsers: true; not rootless)",
		  "%s",
		  strcmp(line, WHOLE_UID_MAP) ? "not the node's: capabilities do not count here"
					      : "the node's");
}

static void check_pid_namespace(struct check *c)
{
	char name[64] = "";
	bool is_node;

	if (readlink("/proc/self/ns/pid", name, sizeof(name) - 1) < 0)
		*name = '\0';
	is_node = !strcmp(name, NODE_PID_NS);
	check_say(c, "pid namespace", is_node ? CHECK_OK : CHECK_LIMITED,
		  "in a pod: hostPID: true; with docker: --pid=host", "%s",
		  is_node ? "the node's"
			  : "not the node's: arguments of what ran before are absent, and programs "
			    "are not found by their process to be hashed");
}

static void check_memlock(struct check *c)
{
	struct rlimit limit = {};
	bool can_raise = privileges_effective() & (1ULL << CAP_SYS_RESOURCE);

	if (!kernel_limits_maps()) {
		check_say(c, "RLIMIT_MEMLOCK", CHECK_OK, NULL, "does not count (Linux 5.11)");
		return;
	}
	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (limit.rlim_cur == RLIM_INFINITY || can_raise)
		check_say(c, "RLIMIT_MEMLOCK", CHECK_OK, NULL, "%s",
			  can_raise ? "can be raised" : "unlimited");
	else
		check_say(c, "RLIMIT_MEMLOCK", CHECK_MISSING,
			  "give CAP_SYS_RESOURCE, or LimitMEMLOCK=infinity in the unit",
			  "%llu bytes: before Linux 5.11 maps count against it",
			  (unsigned long long)limit.rlim_cur);
}

static void check_clock(struct check *c)
{
	struct timex tx = {};
	int state = adjtimex(&tx);
	bool is_set = state >= 0 && state != TIME_ERROR && !(tx.status & STA_UNSYNC);

	check_say(c, "clock", is_set ? CHECK_OK : CHECK_LIMITED,
		  "run chrony, systemd-timesyncd or ntpd on the node", "%s",
		  is_set ? "synchronized"
			 : "nobody keeps it set: times of records may differ from other nodes'");
}

void check_kernel(struct check *c)
{
	check_release(c);
	check_btf(c);
	check_lockdown(c);
	check_bpf(c);
	check_user_namespace(c);
	check_pid_namespace(c);
	check_memlock(c);
	check_clock(c);
}

static void check_cgroups(struct check *c)
{
	struct hierarchy h;

	if (hierarchy_choose(c->conf->hierarchy, &h))
		check_say(c, "cgroups", CHECK_MISSING,
			  "mount the node's whole /sys/fs/cgroup, see the line on standard error",
			  "no hierarchy that containers can be told apart by");
	else
		check_say(c, "cgroups", h.beside_has ? CHECK_LIMITED : CHECK_OK,
			  "see cgroup-hierarchy", "%s at %s%s", h.name, h.mount,
			  h.beside_has ? "; some containers are in another hierarchy only" : "");
}

/* Of the directory, or the one above that it would be made in. */
static int find_file_system(const char *dir, struct statfs *ret_fs)
{
	char path[PATH_MAX], *slash;

	snprintf(path, sizeof(path), "%s", dir);
	while (statfs(path, ret_fs)) {
		slash = strrchr(path, '/');
		if (errno != ENOENT || !slash || slash == path)
			return -errno;
		*slash = '\0';
	}
	return 0;
}

static void check_bpffs(struct check *c)
{
	const char *dir = c->conf->pin_dir;
	struct statfs fs;
	int err;

	if (!c->conf->pin) {
		check_say(c, "bpffs", CHECK_OK, NULL, "not needed (pin = off)");
		return;
	}
	err = find_file_system(dir, &fs);
	check_say(c, "bpffs", err || fs.f_type != BPF_FS_MAGIC ? CHECK_MISSING : CHECK_OK,
		  "mount -t bpf bpf /sys/fs/bpf; in a pod a hostPath of it; or pin = off", "%s %s",
		  dir,
		  err			      ? strerror(-err)
		  : fs.f_type != BPF_FS_MAGIC ? "is in no BPF file system"
					      : "is in a BPF file system");
}

static void check_tracefs(struct check *c)
{
	int id;

	if (!kernel_preempts_tracepoints()) {
		check_say(c, "tracefs", CHECK_OK, NULL, "not needed before Linux 7.0");
		return;
	}
	id = kernel_perf_tracepoint_id("sched/sched_process_exec");
	check_say(c, "tracefs", id > 0 ? CHECK_OK : CHECK_MISSING,
		  "mount -t tracefs tracefs /sys/kernel/tracing, or give CAP_SYS_ADMIN",
		  "tracepoints' numbers %s%s",
		  id > 0 ? "can be read" : "cannot be read: ", id > 0 ? "" : strerror(-id));
}

void check_mounts(struct check *c)
{
	check_cgroups(c);
	check_bpffs(c);
	check_tracefs(c);
}
