/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A process that is not in its container's cgroups any more stays the container's, and so do its
 * children (`escapees`): a CGROUP_MOVE says that it left, or came back.
 */
#ifndef VARVE_CGROUP_MOVE_H
#define VARVE_CGROUP_MOVE_H

#include "args.bpf.h"
#include "member.bpf.h"

#define BY_ARGS_MAX 4096

struct move {
	__u64 container; /* that it is of: the stream */
	__u64 from, to;	 /* cgroups; from: of a container its own; 0: not known */
	__u64 to_container;
	__u32 flags; /* EV_MOVE_* */
	__u32 pad0;
};

/* It is in the cgroup `now`; 0: only a thread of it has left. False: there is no room. */
static __always_inline bool escapee_add(struct task_struct *task, __u64 container, __u64 now)
{
	struct ev_escapee e = {.start_ns = BPF_CORE_READ(task, group_leader, start_boottime),
			       .container = container,
			       .now = now};
	__u32 tgid = BPF_CORE_READ(task, tgid);

	if (map_error(bpf_map_update_elem(&escapees, &tgid, &e, BPF_NOEXIST)))
		return false;
	escapee_count(container, 1);
	return true;
}

static __always_inline void move_fill_path(struct build *b, struct ev_ref *ref, const char *path)
{
	long n = bpf_probe_read_kernel_str(rec_at(b->s, b->len), EV_PATH_MAX, path);

	if (n <= 0 || n > EV_PATH_MAX)
		return;
	ref->off = b->len;
	ref->len = n - 1;
	b->len += n;
}

/* to_path: NULL, not known. */
static __always_inline void move_emit(struct task_struct *task, const struct move *m,
				      const char *to_path)
{
	struct task_struct *by = current_task();
	struct ev_cgroup_move *ev;
	struct build b;

	ev = (void *)record_begin(&b, EV_CGROUP_MOVE, EV_CLASS_container, m->container,
				  sizeof(*ev));
	if (!ev)
		return;
	task_fill(&ev->hdr.task, task);
	if (BPF_CORE_READ(by, tgid) != BPF_CORE_READ(task, tgid))
		peer_fill(&ev->by, by, false);
	ev->from_cgroup_id = m->from;
	ev->to_cgroup_id = m->to;
	ev->to_container = m->to_container;
	ev->flags = m->flags;
	if (to_path)
		move_fill_path(&b, &ev->to_path, to_path);
	args_append(&b, &ev->by_args, by, BY_ARGS_MAX);
	record_submit(&b, BPF_RB_NO_WAKEUP);
}

/* What it does outside from now on; if it cannot be followed, that is a loss, of one event at
 * least. */
static __always_inline void move_follow(struct task_struct *task, struct move *m, __u64 now)
{
	if (escapee_add(task, m->container, now))
		return;
	m->flags |= EV_MOVE_LOST;
	record_lose(EV_CGROUP_MOVE, EV_CLASS_container, m->container, EV_CAUSE_MAP_FULL);
}

#endif
