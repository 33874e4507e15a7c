/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * cgroup_move: a process of a container was moved to a cgroup that is in none: it, or somebody for
 * it, wrote its number into the cgroup.procs of a cgroup of the host. What comes into a container
 * is exec_session.bpf.c's.
 */
#include "cgroup_move.bpf.h"

/* A process moved to a cgroup that is in no container. */
static __always_inline void moved_out(struct task_struct *task, const struct member *m, __u64 to,
				      const char *to_path)
{
	__u64 *was = bpf_map_lookup_elem(&members, m);
	struct ev_escapee *e = escapee_of(task);
	struct move move = {.to = to};

	if (e) { /* from one place outside to another, or after one of its threads */
		move.container = e->container;
		move.from = e->now ? e->now : e->container;
		e->now = to;
	} else if (was) {
		move.container = move.from = *was;
	} else { /* forgotten */
		move.container = container_of_parent(BPF_CORE_READ(task, real_parent));
	}
	if (!move.container || move.from == to)
		return;
	/* If it comes back, it comes from outside. */
	bpf_map_delete_elem(&members, m);
	if (!e)
		move_follow(task, &move, to);
	move_emit(task, &move, to_path);
}

/*
 * One thread alone, which in a v1 hierarchy may go anywhere. The process stays where it is, but for
 * an exec by which the thread becomes the process. Where a thread was before nobody knows who has
 * seen another one go.
 */
static __always_inline void thread_moved_out(struct task_struct *task, __u64 to,
					     const char *to_path)
{
	struct ev_escapee *e = escapee_of(task);
	struct move move = {.to = to};

	move.container = e ? e->container : container_of_task(task);
	if (!move.container)
		return;
	if (!e) {
		move.from = move.container;
		move_follow(task, &move, 0);
	}
	move_emit(task, &move, to_path);
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(cgroup_move_out, struct cgroup *to, const char *path, struct task_struct *task)
{
	__u64 cgid = cgroup_id(to);
	struct member m = {};

	if (!cgroup_counts(to) || bpf_map_lookup_elem(&scope, &cgid))
		return 0;
	if (BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid)) {
		if (cfg_hierarchy) /* in v2 it stays below its process's cgroup */
			thread_moved_out(task, cgid, path);
		return 0;
	}
	member_of(&m, task);
	moved_out(task, &m, cgid, path);
	return 0;
}
