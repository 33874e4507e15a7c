/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests may leave behind, asked of the kernel: cgroups, BPF programs, mounts, children,
 * files. */
#include "tests/live/harness.h"
#include <linux/bpf.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char (*cgroups)[256];
static size_t cgroup_cnt;
static uint32_t *progs;
static size_t prog_cnt;

void live_leaks_note(const struct live_shared *shared)
{
	size_t i;

	cgroups = realloc(cgroups, (cgroup_cnt + shared->cgroup_cnt) * sizeof(*cgroups));
	progs = realloc(progs, (prog_cnt + shared->prog_cnt) * sizeof(*progs));
	for (i = 0; i < shared->cgroup_cnt; i++)
		memcpy(cgroups[cgroup_cnt++], shared->cgroup[i], sizeof(*cgroups));
	for (i = 0; i < shared->prog_cnt; i++)
		progs[prog_cnt++] = shared->prog_id[i];
}

static bool prog_is_there(uint32_t id)
{
	union bpf_attr attr = {.prog_id = id};
	unsigned int tries;
	int fd = -1;

	/* They go after a grace period. */
	for (tries = 0; tries < 300 * live_slow(); tries++) {
		fd = syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));
		if (fd < 0)
			return false;
		close(fd);
		usleep(10000);
	}
	return true;
}

static bool find_mount(const char *dir, char *ret_why, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096];

	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, dir))
			continue;
		snprintf(ret_why, size, "a mount: %.200s", line);
		return true;
	}
	return false;
}

bool live_leaks_find(const char *root_dir, char *ret_why, size_t size)
{
	size_t i;

	for (i = 0; i < cgroup_cnt; i++) {
		snprintf(ret_why, size, "cgroup %s is still there", cgroups[i]);
		if (!access(cgroups[i], F_OK))
			return true;
	}
	for (i = 0; i < prog_cnt; i++) {
		snprintf(ret_why, size, "BPF program %u is still loaded", progs[i]);
		if (prog_is_there(progs[i]))
			return true;
	}
	if (!prog_cnt) {
		snprintf(ret_why, size,
			 "no BPF program of the sensor was ever seen: the check sees nothing");
		return true;
	}
	if (waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD) {
		snprintf(ret_why, size, "a process is still there");
		return true;
	}
	snprintf(ret_why, size, "%s is still there", root_dir);
	return !access(root_dir, F_OK) || find_mount(root_dir, ret_why, size);
}
