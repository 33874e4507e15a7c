/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * oom_kill: the kernel chose a process to be killed, since memory had run out: the node's, or that
 * of a cgroup's limit. It is done by whoever asked for memory then, so the record is of the
 * victim's cgroup, not of the current task's.
 */
#include "probe.bpf.h"

static __always_inline void oom_memory(struct ev_oom_kill *ev, struct task_struct *victim)
{
	struct mm_struct *mm = BPF_CORE_READ(victim, mm);

	ev->oom_score_adj = BPF_CORE_READ(victim, signal, oom_score_adj);
	if (!mm)
		return;
	ev->total_vm = BPF_CORE_READ(mm, total_vm) * PAGE_SIZE;
	ev->anon_rss = mm_pages(mm, MM_ANONPAGES) * PAGE_SIZE;
	ev->file_rss = mm_pages(mm, MM_FILEPAGES) * PAGE_SIZE;
	ev->shmem_rss = mm_pages(mm, MM_SHMEMPAGES) * PAGE_SIZE;
	ev->flags |= EV_OOM_HAS_MEMORY;
}

SEC("tp_btf/mark_victim")
int oom_kill(__u64 *ctx)
{
	struct task_struct *trigger = current_task(), *victim = mark_victim_task(trigger, ctx[0]);
	__u64 cgid = task_cgroup(victim);
	struct ev_oom_kill *ev;
	struct build b;

	if (!victim || !in_scope(cgid) || (__u32)BPF_CORE_READ(victim, tgid) == self_tgid)
		return 0;
	ev = (void *)record_begin(&b, EV_OOM_KILL, EV_CLASS_container, cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, victim);
	peer_fill(&ev->trigger, trigger, false);
	oom_memory(ev, victim);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}
