/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A process that is not in its container's cgroups any more stays the container's, and so do its
 * children (`escapees`): a CGROUP_MOVE says that it left, or came back.
 */
#ifndef VARVE_CGROUP_MOVE_H
#define VARVE_CGROUP_MOVE_H

#include "member.bpf.h"

/* False: there is no room. */
static __always_inline bool escapee_add(struct task_struct *task, __u64 container)
{
	struct ev_escapee e = {.start_ns = BPF_CORE_READ(task, group_leader, start_boottime),
			       .container = container};
	__u32 tgid = BPF_CORE_READ(task, tgid);

	if (map_error(bpf_map_update_elem(&escapees, &tgid, &e, BPF_NOEXIST)))
		return false;
	__sync_fetch_and_add(&escapee_cnt, 1);
	return true;
}

/* In the stream of the container that it is of. to_path: NULL, not known. */
static __always_inline void move_emit(struct task_struct *task, __u64 container, __u64 to,
				      const char *to_path, __u32 flags)
{
	struct task_struct *by = current_task();
	struct ev_cgroup_move *ev;
	struct build b;
	long n;

	ev = (void *)record_begin(&b, EV_CGROUP_MOVE, EV_CLASS_container, container, sizeof(*ev));
	if (!ev)
		return;
	task_fill(&ev->hdr.task, task);
	if (BPF_CORE_READ(by, tgid) != BPF_CORE_READ(task, tgid))
		peer_fill(&ev->by, by, false);
	ev->to_cgroup_id = to;
	ev->flags = flags;
	n = to_path ? bpf_probe_read_kernel_str(rec_at(b.s, b.len), EV_PATH_MAX, to_path) : 0;
	if (n > 0 && n <= EV_PATH_MAX) {
		ev->to_path.off = b.len;
		ev->to_path.len = n - 1;
		b.len += n;
	}
	record_submit(&b, BPF_RB_NO_WAKEUP);
}

#endif
