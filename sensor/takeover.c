/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU by CPU, in a task of that CPU. Tracepoints before 7.0 are passed with preemption off, so no
 * task is between the program of one generation and the same hook's of the other. Elsewhere one may
 * be: on functions and cgroup hooks with full or lazy preemption, and where the sensor may not run
 * on a CPU (a cpuset) and an interrupt does it. An event of that moment could be recorded twice, or
 * not at all.
 */
#include "sensor/takeover.h"
#include "evidence/base.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdlib.h>

/* 0, or -errno: also if it ran elsewhere. */
static int run_on(int prog_fd, size_t cpu, bool by_interrupt)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .cpu = by_interrupt ? cpu : 0,
		    .flags = by_interrupt ? BPF_F_TEST_RUN_ON_CPU : 0);

	if (bpf_prog_test_run_opts(prog_fd, &opts))
		return -errno;
	return opts.retval == cpu ? 0 : -EXDEV;
}

static int switch_cpu(int prog_fd, size_t cpu, cpu_set_t *set, size_t set_size)
{
	CPU_ZERO_S(set_size, set);
	CPU_SET_S(cpu, set_size, set);
	if (!sched_setaffinity(0, set_size, set) && !run_on(prog_fd, cpu, false))
		return 0;
	return run_on(prog_fd, cpu, true);
}

int takeover_all_cpus(int prog_fd, int map_fd, uint32_t generation, size_t cpu_cnt)
{
	size_t set_size = CPU_ALLOC_SIZE(cpu_cnt);
	cpu_set_t *before = CPU_ALLOC(cpu_cnt), *set = CPU_ALLOC(cpu_cnt);
	int err = before && set ? 0 : -ENOMEM;

	if (!err && sched_getaffinity(0, set_size, before))
		err = -errno;
	for (uint32_t cpu = 0; cpu < cpu_cnt && !err; cpu++) {
		/* One that is off passes no hook. */
		if (switch_cpu(prog_fd, cpu, set, set_size) &&
		    bpf_map_update_elem(map_fd, &cpu, &generation, BPF_ANY))
			err = -errno;
	}
	if (before && set)
		sched_setaffinity(0, set_size, before);
	CPU_FREE(before);
	CPU_FREE(set);
	return err;
}
