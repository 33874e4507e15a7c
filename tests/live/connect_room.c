/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that find no room to be recorded in: what is not recorded of them is declared, to the last
 * record. */
#include "tests/live/network.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>

#define CPU_MAX 1024

static const char *const usual[] = {"--heartbeat", "100ms", NULL};

static long do_bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* -1: it is another one. */
static int open_map(uint32_t id, const char *name, struct bpf_map_info *ret_info)
{
	union bpf_attr by_id = {.map_id = id}, ask = {};
	int fd = MUST(do_bpf(BPF_MAP_GET_FD_BY_ID, &by_id));

	*ret_info = (struct bpf_map_info){};
	ask.info.bpf_fd = fd;
	ask.info.info_len = sizeof(*ret_info);
	ask.info.info = (uintptr_t)ret_info;
	MUST(do_bpf(BPF_OBJ_GET_INFO_BY_FD, &ask));
	if (!strcmp(ret_info->name, name))
		return fd;
	close(fd);
	return -1;
}

/* A map that the process holds, by bpf(2)'s lines in /proc/PID/fdinfo. */
static int find_map(pid_t pid, const char *name, struct bpf_map_info *ret_info)
{
	char path[512], text[1024];
	struct dirent *e;
	int found = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	EXPECT(dir);
	while (found < 0 && (e = readdir(dir))) {
		_cleanup_close_ int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		const char *at;

		text[MAX(n, 0)] = '\0';
		at = strstr(text, "map_id:");
		if (at)
			found = open_map(strtoul(at + 7, NULL, 10), name, ret_info);
	}
	closedir(dir);
	EXPECT(found >= 0);
	return found;
}

/* As if tasks that others preempted had it all, on each CPU. */
static void take_all_room(pid_t pid)
{
	struct bpf_map_info info;
	_cleanup_close_ int fd = find_map(pid, "connect_rooms", &info);
	size_t size = (info.value_size + 7) & ~7u, cpu;
	_cleanup_free_ char *values = calloc(CPU_MAX, size);
	union bpf_attr set = {.map_fd = fd, .value = (uintptr_t)values};
	uint32_t key;

	EXPECT(values);
	for (cpu = 0; cpu < CPU_MAX; cpu++)
		*(uint64_t *)(values + cpu * size) = 1;
	set.key = (uintptr_t)&key;
	for (key = 0; key < info.max_entries; key++)
		MUST(do_bpf(BPF_MAP_UPDATE_ELEM, &set));
}

static void connect_all(struct live *t, void *arg)
{
	struct end closed = network_closed_port(AF_INET), to = network_loopback(AF_INET);
	int fd[3], i;

	(void)t;
	(void)arg;
	MUST(network_listen(&to, 5));
	for (i = 0; i < 3; i++)
		fd[i] = MUST(socket(AF_INET, SOCK_STREAM | (i == 2 ? SOCK_NONBLOCK : 0), 0));
	EXPECT(connect(fd[0], &closed.addr.any, closed.len) < 0 && errno == ECONNREFUSED);
	MUST(connect(fd[1], &to.addr.any, to.len));
	EXPECT(connect(fd[2], &to.addr.any, to.len) < 0 && errno == EINPROGRESS);
}

LIVE(connect_without_room, LIVE_OWN)
{
	uint64_t lost = 0;
	size_t i;

	live_own_sensor(t, usual);
	take_all_room(t->sensor->pid);
	live_do(t, connect_all, NULL);
	t->loss_expected = true;
	live_end(t);
	live_sensor_stop(t->sensor);
	if (live_count(t, "CONNECT", 0) == 3 + 1)
		live_skip("before Linux 5.12 no task is preempted in a probe: one room is enough");
	EXPECT_UINT(live_count(t, "CONNECT", 0), 0);
	for (i = 0; i < t->event_cnt; i++) {
		const Varve__V1__Event *ev = t->events[i];

		if (ev->body_case != VARVE__V1__EVENT__BODY_LOSS)
			continue;
		EXPECT_STR(ev->loss->event_class, "network");
		EXPECT_STR(ev->loss->cause, "scratch_busy");
		lost += ev->loss->count;
	}
	/* The refused one; that which was made, and its end; that which was on its way, how it
	 * ended, and its end. */
	EXPECT_UINT(lost, 1 + 2 + 3);
}
