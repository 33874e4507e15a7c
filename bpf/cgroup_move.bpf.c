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

	if (e) { /* from one place outside to another */
		move.container = e->container;
		move.from = e->now;
		e->now = to;
		if (move.from != to)
			move_emit(task, &move, to_path);
		return;
	}
	if (was)
		move.container = move.from = *was;
	else /* forgotten */
		move.container = container_of_parent(BPF_CORE_READ(task, real_parent));
	if (!move.container)
		return;
	/* If it comes back, it comes from outside. */
	bpf_map_delete_elem(&members, m);
	move_follow(task, &move);
	move_emit(task, &move, to_path);
}

/*
 * One thread alone: in v2 it stays below its process's cgroup. In a v1 hierarchy it may go anywhere,
 * where it takes the whole process by an exec.
 */
static __always_inline bool is_thread_of_v2(struct task_struct *task)
{
	return !cfg_hierarchy && BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid);
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(cgroup_move_out, struct cgroup *to, const char *path, struct task_struct *task)
{
	__u64 cgid = cgroup_id(to);
	struct member m = {};

	if (!cgroup_counts(to) || is_thread_of_v2(task) || bpf_map_lookup_elem(&scope, &cgid))
		return 0;
	member_of(&m, task);
	moved_out(task, &m, cgid, path);
	return 0;
}
