/* SPDX-License-Identifier: Apache-2.0 */
/* Starts and stops varve-sensor: TEST_SENSOR, or the one beside the tests' build; with --hooks
 * TEST_HOOKS. */
#include "tests/live/harness.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void sensor_path(char *ret_path, size_t size)
{
	const char *given = getenv("TEST_SENSOR");
	char self[3072], *slash;
	ssize_t n = MUST(readlink("/proc/self/exe", self, sizeof(self) - 1));
	int up;

	self[n] = '\0';
	for (up = 0; up < 3; up++) { /* BUILD/tests/live/live */
		slash = strrchr(self, '/');
		if (slash)
			*slash = '\0';
	}
	if (given && *given)
		snprintf(ret_path, size, "%s", given);
	else
		snprintf(ret_path, size, "%s/varve-sensor", self);
	if (access(ret_path, X_OK))
		FAIL("no sensor at %s: build it, or say where by TEST_SENSOR", ret_path);
}

bool live_trampolines(void)
{
	const char *set = getenv("TEST_HOOKS");

	return set && !strcmp(set, "trampoline");
}

static void become_sensor(const struct live_sensor *s, const char *path, const char *const *args)
{
	/* Small segments: a test looks for its beginning in one. */
	const char *argv[24] = {path,	     "--log-dir",	   s->log_dir, "--node-name",
				"live-node", "--log-segment-size", "256K"};
	const char *hooks = getenv("TEST_HOOKS");
	size_t n = 7;
	int fd;

	if (hooks && *hooks) {
		argv[n++] = "--hooks";
		argv[n++] = hooks;
	}
	/* It finds out by itself that there is v1 alone. */
	if (getenv("TEST_CGROUP") || !live_cgroup_is_v1()) {
		argv[n++] = "--cgroup-hierarchy";
		argv[n++] = live_cgroup_hierarchy();
	}
	while (*args && n < ARRAY_SIZE(argv) - 1)
		argv[n++] = *args++;
	fd = open(s->stderr_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	dup2(fd, STDERR_FILENO);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	unsetenv("TEST_SENSOR"); /* it would be taken for an option */
	execv(path, (char *const *)argv);
	_exit(127);
}

static bool said(const struct live_sensor *s, const char *what, char *ret_text, size_t size)
{
	_cleanup_close_ int fd = open(s->stderr_path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, ret_text, size - 1);

	ret_text[MAX(n, 0)] = '\0';
	return strstr(ret_text, what);
}

void live_sensor_start(struct live_sensor *s, const char *dir, const char *const *args)
{
	static unsigned int serial;
	char path[4096], text[4096];
	unsigned int tries;
	int status;

	sensor_path(path, sizeof(path));
	snprintf(s->log_dir, sizeof(s->log_dir), "%s/log-%d-%u", dir, getpid(), serial);
	snprintf(s->stderr_path, sizeof(s->stderr_path), "%s/stderr-%d-%u", dir, getpid(),
		 serial++);
	fflush(NULL);
	s->pid = MUST(fork());
	if (!s->pid)
		become_sensor(s, path, args);
	/* Under emulation, beside another machine, the verifier alone can take two minutes. */
	for (tries = 0; tries < 6000 * live_slow(); tries++) {
		if (said(s, "recording ", text, sizeof(text)))
			return;
		if (waitpid(s->pid, &status, WNOHANG) == s->pid)
			break;
		usleep(5000);
	}
	FAIL("the sensor did not start: %.500s", text);
}

void live_sensor_stop(struct live_sensor *s)
{
	char text[8192];
	int status;

	MUST(kill(s->pid, SIGTERM));
	status = live_wait(s->pid);
	s->pid = 0;
	live_sensor_stopped();
	said(s, "", text, sizeof(text));
	if (status)
		FAIL("the sensor ended with status 0x%x: %.500s", status, text);
	if (strstr(text, "did not attach") || strstr(text, "failed its check"))
		FAIL("the sensor complained: %.500s", text);
}

/* bpf(2) shows ids in /proc/PID/fdinfo of whoever holds what has them. */
static DIR *open_fdinfo(const struct live_sensor *s)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", s->pid);
	return opendir(path);
}

/* "" if it cannot be read. */
static void read_fdinfo(DIR *dir, const char *name, char *ret_text, size_t size)
{
	_cleanup_close_ int fd = openat(dirfd(dir), name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret_text, size - 1);

	ret_text[MAX(n, 0)] = '\0';
}

void live_sensor_note(struct live_shared *shared, const struct live_sensor *s)
{
	DIR *dir = open_fdinfo(s);
	char text[1024];
	const char *at;
	struct dirent *e;

	while (dir && (e = readdir(dir)) && shared->prog_cnt < ARRAY_SIZE(shared->prog_id)) {
		read_fdinfo(dir, e->d_name, text, sizeof(text));
		at = strstr(text, "prog_id:");
		if (at && !strstr(text, "link_id:"))
			shared->prog_id[shared->prog_cnt++] = strtoul(at + 8, NULL, 10);
	}
	if (dir)
		closedir(dir);
}

/* -1: it is another one. */
static int open_map(uint32_t id, const char *name, struct bpf_map_info *ret_info)
{
	union bpf_attr attr = {.map_id = id};
	int fd = syscall(SYS_bpf, BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr));

	if (fd < 0)
		return -1;
	*ret_info = (struct bpf_map_info){};
	attr = (union bpf_attr){
		.info = {.bpf_fd = fd, .info_len = sizeof(*ret_info), .info = (uintptr_t)ret_info}};
	if (!syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) &&
	    !strcmp(ret_info->name, name))
		return fd;
	close(fd);
	return -1;
}

int live_sensor_map(const struct live_sensor *s, const char *name, struct bpf_map_info *ret_info)
{
	DIR *dir = open_fdinfo(s);
	char text[1024];
	struct dirent *e;
	const char *at;
	int fd = -1;

	EXPECT(dir);
	while (fd < 0 && (e = readdir(dir))) {
		read_fdinfo(dir, e->d_name, text, sizeof(text));
		at = strstr(text, "map_id:");
		if (at)
			fd = open_map(strtoul(at + strlen("map_id:"), NULL, 10), name, ret_info);
	}
	closedir(dir);
	EXPECT(fd >= 0);
	return fd;
}

void live_own_sensor(struct live *t, const char *const *args)
{
	live_sensor_start(t->sensor, t->dir, args);
	t->shared->sensor = t->sensor->pid;
	live_sensor_note(t->shared, t->sensor);
	t->log_from = 0;
}

void live_heartbeats(struct live *t, size_t cnt)
{
	unsigned int tries;

	t->log_from = 0;
	for (tries = 0; tries < 400 * live_slow(); tries++) {
		live_collect_all(t);
		if (live_count(t, "HEARTBEAT", 0) >= cnt)
			return;
		usleep(50000);
	}
	FAIL("%zu heartbeats, not %zu", live_count(t, "HEARTBEAT", 0), cnt);
}
