/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * exit: the last thread of a process ended.
 *
 * signal->live is decremented before the tracepoint, so of two threads that end at once on two CPUs
 * both can see zero; the first to enter the process into `exited` speaks. The last thread's
 * argument group_dead would tell, but is passed only since 6.16.
 */
#include "member.bpf.h"

struct process_key {
	__u64 start_ns;
	__u64 tgid;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct process_key);
	__type(value, __u8);
} exited SEC(".maps");

static __always_inline void exit_emit(struct task_struct *task, struct signal_struct *signal,
				      __u64 cgid)
{
	struct process_key key = {};
	struct ev_exit *ev;
	struct build b;
	__u8 one = 1;

	key.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	key.tgid = BPF_CORE_READ(task, tgid);
	if (map_error(bpf_map_update_elem(&exited, &key, &one, BPF_NOEXIST)) == -EEXIST)
		return;
	ev = (void *)record_begin(&b, EV_EXIT, EV_CLASS_process, cgid, sizeof(*ev));
	if (!ev)
		return;
	task_fill(&ev->hdr.task, task);
	/* What wait(2) will say: exit_group() or a fatal signal, else the leader's own exit. */
	ev->status = BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT
			     ? BPF_CORE_READ(signal, group_exit_code)
			     : BPF_CORE_READ(task, group_leader, exit_code);
	record_submit(&b, BPF_RB_NO_WAKEUP);
}

SEC(TASK_TP("sched", "sched_process_exit"))
int exit_tp(void *ctx)
{
	struct task_struct *task = current_task();
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct member m = {};
	bool to_record;
	__u64 cgid;

	if (BPF_CORE_READ(signal, live.counter) != 0)
		return TASK_TP_DONE;
	/* Its number may be another's before there is a sensor again. */
	if ((__u32)BPF_CORE_READ(task, tgid) == self_tgid)
		self_tgid = 0;
	if (!is_current())
		return TASK_TP_DONE;
	to_record = current_in_scope(&cgid);
	if (to_record)
		exit_emit(task, signal, cgid);
	/* Whom the tables need no more, also of those whose container was forgotten. */
	escapee_remove(task);
	if (to_record) {
		member_of(&m, task);
		bpf_map_delete_elem(&members, &m);
	}
	return TASK_TP_DONE;
}
