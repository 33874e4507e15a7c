/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * process_snapshot: what runs already when the sensor starts. A task iterator, so that identities
 * are made of the same fields as in events (/proc gives start times in ticks only). Records go to
 * the iterator's reader.
 */
#include "member.bpf.h"
#include "path.bpf.h"

SEC("iter/task")
int process_snapshot(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct ev_process_snapshot *ev;
	struct build b = {.len = sizeof(*ev)};
	struct member m = {};
	struct ev_scope *in;
	__u64 cgid, container;
	__u32 len;

	if (!task || BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid) ||
	    !BPF_CORE_READ(task, mm))
		return 0;
	cgid = task_cgroup_id(task);
	in = bpf_map_lookup_elem(&scope, &cgid);
	if (in) {
		container = in->container;
		member_of(&m, task);
		bpf_map_update_elem(&members, &m, &container, BPF_ANY);
	}
	b.s = scratch_get(&b.slot);
	if (!b.s) {
		count_lost_on_node(EV_CLASS_process);
		return 0;
	}
	ev = (void *)b.s->rec;
	__builtin_memset(ev, 0, sizeof(*ev));
	ev->hdr.kind = EV_PROCESS_SNAPSHOT;
	ev->hdr.time_ns = bpf_ktime_get_boot_ns();
	ev->hdr.cgroup_id = cgid;
	task_fill(&ev->hdr.task, task);
	task_fill_namespaces(&ev->ns, task);
	task_fill_tty(ev->tty, task);
	file_fill(&b, &ev->exe, BPF_CORE_READ(task, mm, exe_file), task);
	file_fill_cwd(&b, &ev->cwd, task);
	len = record_finish(&b);
	asm volatile("" : "+r"(len));
	if (len <= EV_REC_MAX)
		bpf_seq_write(ctx->meta->seq, ev, len);
	scratch_put(b.s);
	return 0;
}
