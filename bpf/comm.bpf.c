/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * comm: a thread was given another name, by itself (prctl) or by another thread of its process
 * (/proc/PID/task/TID/comm). An exec names its thread by the same function: it is told by the
 * task's own flag, and by who does it, since a thread that another one renames may be on its way
 * into an exec at that moment. What the kernel calls its workers is nobody's act.
 */
#include "probe.bpf.h"

static __always_inline bool name_differs(const char *a, const char *b)
{
	__u64 x[2], y[2];

	__builtin_memcpy(x, a, sizeof(x));
	__builtin_memcpy(y, b, sizeof(y));
	return x[0] != y[0] || x[1] != y[1];
}

/* The sensor names itself at each heartbeat, to see whether it would be seen. */
static __always_inline void canary(void)
{
	struct ev_hdr *hdr = bpf_ringbuf_reserve(&decisive, sizeof(*hdr), 0);

	if (!hdr)
		return;
	__builtin_memset(hdr, 0, sizeof(*hdr));
	hdr->len = sizeof(*hdr);
	hdr->kind = EV_CANARY;
	hdr->time_ns = bpf_ktime_get_boot_ns();
	bpf_ringbuf_submit(hdr, BPF_RB_NO_WAKEUP);
}

SEC(TASK_TP("task", "task_rename"))
int comm_rename(void *ctx)
{
	char old_name[EV_COMM_LEN] = {}, new_name[EV_COMM_LEN] = {};
	struct task_struct *by = current_task(), *task = renamed_task(ctx);
	struct ev_comm *ev;
	struct build b;
	__u64 cgid;

	if (bpf_get_current_pid_tgid() >> 32 == self_tgid && task == by && is_current())
		canary();
	if (!current_in_scope(&cgid) || BPF_CORE_READ(task, flags) & (PF_IO_WORKER | PF_KTHREAD))
		return TASK_TP_DONE;
	if (task == by && BPF_CORE_READ_BITFIELD_PROBED(task, in_execve))
		return TASK_TP_DONE;
	BPF_CORE_READ_STR_INTO(&old_name, task, comm);
	bpf_probe_read_kernel_str(new_name, sizeof(new_name), renamed_to(ctx));
	if (!name_differs(old_name, new_name))
		return TASK_TP_DONE;
	ev = (void *)record_begin(&b, EV_COMM, EV_CLASS_process, cgid, sizeof(*ev));
	if (!ev)
		return TASK_TP_DONE;
	task_fill(&ev->hdr.task, by);
	ev->tid = BPF_CORE_READ(task, pid);
	__builtin_memcpy(ev->old_name, old_name, sizeof(old_name));
	__builtin_memcpy(ev->new_name, new_name, sizeof(new_name));
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return TASK_TP_DONE;
}
