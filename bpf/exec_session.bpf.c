/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * exec_session: a process came into a container that runs already, from outside: `kubectl exec`,
 * `runc exec`, an exec probe, somebody who writes to cgroup.procs.
 *
 * It is moved into the container's cgroup, or made in it (CLONE_INTO_CGROUP). A runtime does the
 * same once to start a container: the first process that comes in is the container's own, and only
 * what comes later is a session.
 *
 * One that moves between the cgroups of its container comes from nowhere (member.bpf.h).
 */
#include "cgroup_move.bpf.h"

/* True if the container has its first process; if not, this is it. */
static __always_inline bool is_entered(__u64 container, const struct member *m)
{
	struct ev_scope *own = bpf_map_lookup_elem(&scope, &container);

	if (!own || own->flags & EV_SCOPE_ENTERED)
		return true;
	own->flags |= EV_SCOPE_ENTERED;
	own->first_tgid = m->tgid;
	own->first_start_ns = m->start_ns;
	return false;
}

static __always_inline void session_emit(struct task_struct *task, __u64 cgid, __u64 from,
					 __u32 flags)
{
	struct task_struct *by = current_task();
	struct ev_exec_session *ev;
	struct build b;

	ev = (void *)record_begin(&b, EV_EXEC_SESSION, EV_CLASS_container, cgid, sizeof(*ev));
	if (!ev)
		return;
	task_fill(&ev->hdr.task, task);
	if (BPF_CORE_READ(by, tgid) != BPF_CORE_READ(task, tgid))
		peer_fill(&ev->by, by, false);
	ev->from_cgroup_id = from;
	ev->flags = flags;
	task_fill_namespaces(&ev->ns, task);
	args_append(&b, &ev->by_args, by, BY_ARGS_MAX);
	record_submit(&b, BPF_RB_NO_WAKEUP);
}

/* Who moves a process within a container is in it; else its parent is. */
static __always_inline bool is_moved_within(struct task_struct *task, __u64 container, bool known)
{
	struct task_struct *by = current_task();

	if (BPF_CORE_READ(by, tgid) != BPF_CORE_READ(task, tgid))
		return container_of_task(by) == container;
	return !known && container_of_task(BPF_CORE_READ(task, real_parent)) == container;
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(exec_session_move, struct cgroup *to, const char *path, struct task_struct *task)
{
	__u64 cgid = cgroup_id(to), container, from = 0, *was;
	struct move move = {.to = cgid, .flags = EV_MOVE_INTO_CONTAINER};
	struct member m = {};
	struct ev_escapee *e;
	struct ev_scope *in;

	if (!cgroup_counts(to) || BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid))
		return 0;
	in = bpf_map_lookup_elem(&scope, &cgid);
	member_of(&m, task);
	if (!in) /* cgroup_move.bpf.c */
		return 0;
	container = in->container;
	was = bpf_map_lookup_elem(&members, &m);
	e = escapee_of(task);
	if (was)
		from = *was;
	else if (e && !e->now) /* forgotten, and a thread of it is outside */
		from = e->container;
	if (from == container)
		return 0;
	bpf_map_update_elem(&members, &m, &container, BPF_ANY);
	move.from = from;
	if (e && !from) {
		from = e->container;
		move.from = e->now;
	}
	if (from) {
		escapee_remove(task);
		move.container = from;
		move.to_container = container;
		move_emit(task, &move, path);
	}
	if (from == container || (!is_moved_within(task, container, from) && is_entered(container, &m)))
		session_emit(task, cgid, from, 0);
	return 0;
}

/*
 * A child that is made outside of its parent's container (CLONE_INTO_CGROUP), by one that has left it, or moved
 * away before it could be seen, is its parent's container's all the same.
 */
static __always_inline void fork_outside(struct task_struct *parent, struct task_struct *child,
					 __u64 cgid)
{
	struct move move = {.container = container_of_parent(parent),
			    .from = task_cgroup_id(parent),
			    .to = cgid,
			    .flags = EV_MOVE_CLONED};

	if (!move.container)
		return;
	move_follow(child, &move, cgid);
	if (move.from != cgid)
		move_emit(child, &move, 0);
}

SEC(TASK_TP("sched", "sched_process_fork"))
int exec_session_fork(void *ctx)
{
	struct task_struct *parent = current_task(), *child = forked_task(ctx, parent);
	__u64 cgid = task_cgroup_id(child), container, from;
	struct move move = {.to = cgid, .flags = EV_MOVE_INTO_CONTAINER | EV_MOVE_CLONED};
	struct member m = {};
	struct ev_scope *in = bpf_map_lookup_elem(&scope, &cgid);

	if (!is_current() || BPF_CORE_READ(child, pid) != BPF_CORE_READ(child, tgid))
		return TASK_TP_DONE;
	escapee_remove(child); /* an earlier process of this number */
	if (!in) {
		fork_outside(parent, child, cgid);
		return TASK_TP_DONE;
	}
	container = in->container;
	member_of(&m, child);
	bpf_map_update_elem(&members, &m, &container, BPF_ANY);
	from = container_of_parent(parent);
	if (from == container)
		return TASK_TP_DONE;
	if (from) {
		move.container = from;
		move.from = task_cgroup_id(parent);
		move.to_container = container;
		move_emit(child, &move, 0);
	}
	if (is_entered(container, &m))
		session_emit(child, cgid, task_cgroup_id(parent), EV_SESSION_CLONED);
	return TASK_TP_DONE;
}
