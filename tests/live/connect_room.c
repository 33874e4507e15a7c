/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that find no room to be recorded in: what is not recorded of them is declared, to the last
 * record. */
#include "tests/live/network.h"
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#define CPU_MAX 1024

static const char *const usual[] = {"--heartbeat", "100ms", NULL};

/* As if tasks that others preempted had it all, on each CPU. */
static void take_all_room(const struct live_sensor *sensor)
{
	struct bpf_map_info info;
	_cleanup_close_ int fd = live_sensor_map(sensor, "connect_rooms", &info);
	size_t size = (info.value_size + 7) & ~7u, cpu;
	_cleanup_free_ char *values = calloc(CPU_MAX, size);
	union bpf_attr set = {.map_fd = fd, .value = (uintptr_t)values};
	uint32_t key;

	EXPECT(values);
	for (cpu = 0; cpu < CPU_MAX; cpu++)
		*(uint64_t *)(values + cpu * size) = 1;
	set.key = (uintptr_t)&key;
	for (key = 0; key < info.max_entries; key++)
		MUST(syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &set, sizeof(set)));
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
	int major = 0, minor = 0;
	struct utsname uts;

	MUST(uname(&uts));
	EXPECT(sscanf(uts.release, "%d.%d", &major, &minor) == 2);
	if (major < 5 || (major == 5 && minor < 12))
		live_skip("before Linux 5.12 no task is preempted in a probe: one room is enough");
	live_own_sensor(t, usual);
	take_all_room(t->sensor);
	live_do(t, connect_all, NULL);
	t->loss_expected = true;
	live_end(t);
	live_sensor_stop(t->sensor);
	EXPECT_UINT(live_count(t, "CONNECT", 0), 0);
	/* The refused one; that which was made, and its end; that which was on its way, how it
	 * ended, and its end. */
	EXPECT_UINT(network_lost(t, "scratch_busy"), 1 + 2 + 3);
}
