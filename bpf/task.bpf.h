/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Who: reads identity, credentials and namespaces out of a task. */
#ifndef VARVE_TASK_H
#define VARVE_TASK_H

/* The thread group id in the innermost pid namespace that the process is in. */
static __always_inline __u32 task_ns_tgid(struct task_struct *leader)
{
	struct pid *pid = BPF_CORE_READ(leader, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid *upid;

	if (!pid)
		return 0;
	upid = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
	       level * bpf_core_type_size(struct upid);
	return BPF_CORE_READ(upid, nr);
}

static __always_inline void task_fill_cred(struct ev_task *t, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);

	if (!cred)
		return;
	t->uid = BPF_CORE_READ(cred, uid.val);
	t->gid = BPF_CORE_READ(cred, gid.val);
	t->euid = BPF_CORE_READ(cred, euid.val);
	t->egid = BPF_CORE_READ(cred, egid.val);
	bpf_probe_read_kernel(&t->cap_effective, sizeof(t->cap_effective),
			      (void *)cred + bpf_core_field_offset(struct cred, cap_effective));
	t->obtained |= EV_TASK_HAS_CRED;
}

static __always_inline void task_set_outside(struct ev_task *t, __u64 cgid)
{
	t->outside_low = cgid;
	t->outside_high = cgid >> 32;
	t->obtained |= EV_TASK_OUTSIDE;
}

static __always_inline void task_fill_outside(struct ev_task *t, struct task_struct *task)
{
	if (escaped_from(task))
		task_set_outside(t, task_cgroup_id(task));
}

static __always_inline void task_fill(struct ev_task *t, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct task_struct *parent = BPF_CORE_READ(task, real_parent, group_leader);

	t->tgid = BPF_CORE_READ(task, tgid);
	t->tid = BPF_CORE_READ(task, pid);
	t->start_ns = BPF_CORE_READ(leader, start_boottime);
	t->exec_id = task_exec_id(task);
	t->ns_tgid = task_ns_tgid(leader);
	if (t->ns_tgid)
		t->obtained |= EV_TASK_HAS_NS_PID;
	if (parent) {
		t->parent_tgid = BPF_CORE_READ(parent, tgid);
		t->parent_start_ns = BPF_CORE_READ(parent, start_boottime);
		BPF_CORE_READ_STR_INTO(&t->parent_comm, parent, comm);
		t->obtained |= EV_TASK_HAS_PARENT;
	}
	task_fill_outside(t, task);
	task_fill_cred(t, task);
	BPF_CORE_READ_STR_INTO(&t->comm, task, comm);
}

/* What a task does is booked on: its cgroup, or the container that it left. */
static __always_inline __u64 task_cgroup(struct task_struct *task)
{
	__u64 from = escaped_from(task);

	return from ? from : task_cgroup_id(task);
}

static __always_inline void task_fill_namespaces(struct ev_namespaces *ns, struct task_struct *task)
{
	struct nsproxy *p = BPF_CORE_READ(task, nsproxy);
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct upid *upid;

	if (!p || !pid)
		return;
	upid = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
	       BPF_CORE_READ(pid, level) * bpf_core_type_size(struct upid);
	ns->pid = BPF_CORE_READ(upid, ns, ns.inum);
	ns->mnt = BPF_CORE_READ(p, mnt_ns, ns.inum);
	ns->net = BPF_CORE_READ(p, net_ns, ns.inum);
	ns->uts = BPF_CORE_READ(p, uts_ns, ns.inum);
	ns->ipc = BPF_CORE_READ(p, ipc_ns, ns.inum);
	ns->cgroup = BPF_CORE_READ(p, cgroup_ns, ns.inum);
	ns->user = BPF_CORE_READ(task, cred, user_ns, ns.inum);
	ns->obtained = 1;
}

static __always_inline void task_fill_tty(char tty[EV_TTY_LEN], struct task_struct *task)
{
	struct tty_struct *t = BPF_CORE_READ(task, signal, tty);

	if (t)
		bpf_probe_read_kernel_str(tty, EV_TTY_LEN,
					  (void *)t +
						  bpf_core_field_offset(struct tty_struct, name));
}

/* thread: it is this one that is meant, not its process. */
static __always_inline void peer_fill(struct ev_peer *p, struct task_struct *task, bool thread)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	p->tgid = BPF_CORE_READ(task, tgid);
	p->start_ns = BPF_CORE_READ(leader, start_boottime);
	p->cgroup_id = task_cgroup_id(leader);
	if (thread) {
		p->tid = BPF_CORE_READ(task, pid);
		leader = task;
	}
	BPF_CORE_READ_STR_INTO(&p->comm, leader, comm);
}

/* The thread that a task names by this number, in its own pid namespace; 0: there is none. */
static __always_inline struct task_struct *task_named(struct task_struct *task, __u32 nr)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct upid *upid = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
			    BPF_CORE_READ(pid, level) * bpf_core_type_size(struct upid);

	return pid ? task_of_ns_pid(BPF_CORE_READ(upid, ns), nr) : 0;
}

static __always_inline void peer_fill_ns_pid(struct ev_peer *p, struct task_struct *task, __u32 nr)
{
	struct task_struct *named = task_named(task, nr);

	if (named)
		peer_fill(p, named, true);
}

/* All of a capability set: two words before 6.3, one after. */
#define CAP_READ(dst, from, set)                   \
	bpf_probe_read_kernel(&(dst), sizeof(dst), \
			      (void *)(from) + bpf_core_field_offset(struct cred, set))

static __always_inline void cred_fill(struct ev_cred *c, const struct cred *cred)
{
	if (!cred)
		return;
	c->uid = BPF_CORE_READ(cred, uid.val);
	c->gid = BPF_CORE_READ(cred, gid.val);
	c->euid = BPF_CORE_READ(cred, euid.val);
	c->egid = BPF_CORE_READ(cred, egid.val);
	c->suid = BPF_CORE_READ(cred, suid.val);
	c->sgid = BPF_CORE_READ(cred, sgid.val);
	c->fsuid = BPF_CORE_READ(cred, fsuid.val);
	c->fsgid = BPF_CORE_READ(cred, fsgid.val);
	c->securebits = BPF_CORE_READ(cred, securebits);
	CAP_READ(c->cap_effective, cred, cap_effective);
	CAP_READ(c->cap_permitted, cred, cap_permitted);
	CAP_READ(c->cap_inheritable, cred, cap_inheritable);
	CAP_READ(c->cap_bounding, cred, cap_bset);
	CAP_READ(c->cap_ambient, cred, cap_ambient);
	c->user_ns = BPF_CORE_READ(cred, user_ns, ns.inum);
	c->obtained = 1;
}

#endif
