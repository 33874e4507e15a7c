/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * fork: a process began. At sched_process_fork the child is whole, in its cgroup (also with
 * CLONE_INTO_CGROUP) and has not run yet. Threads are not recorded.
 */
#include "member.bpf.h"

SEC(TASK_TP("sched", "sched_process_fork"))
int fork_tp(void *ctx)
{
	struct task_struct *parent = current_task(), *child = forked_task(ctx, parent);
	__u64 cgid = task_cgroup_id(child), now = cgid, left = 0;
	struct build b;
	struct ev_fork *ev;

	/* One that is made outside is of its parent's container: exec_session.bpf.c. */
	if (!bpf_map_lookup_elem(&scope, &cgid))
		left = container_of_parent(parent);
	if (left)
		cgid = left;
	if (BPF_CORE_READ(child, pid) != BPF_CORE_READ(child, tgid) || !in_scope(cgid))
		return TASK_TP_DONE;
	if ((__u32)BPF_CORE_READ(parent, tgid) == self_tgid)
		return TASK_TP_DONE;
	ev = (void *)record_begin(&b, EV_FORK, EV_CLASS_process, cgid, sizeof(*ev));
	if (!ev)
		return TASK_TP_DONE;
	task_fill(&ev->hdr.task, child);
	if (left)
		task_set_outside(&ev->hdr.task, now);
	ev->parent_tid = BPF_CORE_READ(parent, pid);
	ev->maker_tgid = BPF_CORE_READ(parent, tgid);
	ev->maker_start_ns = BPF_CORE_READ(parent, group_leader, start_boottime);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return TASK_TP_DONE;
}
