/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * namespace: a process left its namespaces for new ones or for another process's, made a process in
 * new ones, or failed to. Which ones it has afterwards is the kernel's. A clone that succeeded is
 * seen at sched_process_fork, where what is new is what parent and child have not in common; only
 * the failures come from the call.
 */
#include "syscall.bpf.h"
#include "path.bpf.h"

#define CLONE_NEWTIME	0x00000080
#define CLONE_NEWNS	0x00020000
#define CLONE_NEWCGROUP 0x02000000
#define CLONE_NEWUTS	0x04000000
#define CLONE_NEWIPC	0x08000000
#define CLONE_NEWUSER	0x10000000
#define CLONE_NEWPID	0x20000000
#define CLONE_NEWNET	0x40000000
#define CLONE_NEW_ANY                                                                  \
	(CLONE_NEWTIME | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
	 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

static __always_inline void fill_after(struct ev_namespace *ev, struct task_struct *task)
{
	struct pid_namespace *children = BPF_CORE_READ(task, nsproxy, pid_ns_for_children);

	task_fill_namespaces(&ev->ns, task);
	if (!children)
		return;
	ev->pid_for_children = BPF_CORE_READ(children, ns.inum);
	ev->flags |= EV_NAMESPACE_FOR_CHILDREN;
}

static __always_inline int namespace_emit(const struct syscall *sc, __u32 asked, __u32 flags)
{
	struct ev_namespace *ev;
	struct build b;

	ev = (void *)record_begin(&b, EV_NAMESPACE, EV_CLASS_process, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	ev->call = sc->nr;
	ev->asked = asked;
	ev->flags = flags;
	ev->err = syscall_errno(sc->ret);
	fill_after(ev, sc->task);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

/* What a descriptor of /proc/PID/ns is of; 0: it is something else. */
static __always_inline __u32 type_of_fd(struct task_struct *task, int fd)
{
	struct inode *inode = 0;
	struct file *file = file_of_fd(task, fd);

	inode = BPF_CORE_READ(file, f_inode);
	if (BPF_CORE_READ(inode, i_sb, s_magic) != NSFS_MAGIC)
		return 0;
	return namespace_type(BPF_CORE_READ(inode, i_private));
}

SYSCALL_PROBE(namespace_exit)
{
	__u32 asked;

	if (sc->nr == NR_unshare) {
		asked = sc->arg[0] & CLONE_NEW_ANY;
		return asked ? namespace_emit(sc, asked, EV_NAMESPACE_FLAGS) : 0;
	}
	asked = sc->arg[1];
	if (!asked)
		asked = type_of_fd(sc->task, sc->arg[0]);
	return namespace_emit(sc, asked, asked ? EV_NAMESPACE_FLAGS : 0);
}

SERVES_SYSCALL(namespace_exit, unshare);
SERVES_SYSCALL(namespace_exit, setns);

/* Failures only. The low byte of clone's flags is a signal. */
SYSCALL_PROBE(namespace_clone_exit)
{
	__u64 asked = sc->arg[0] & ~0xffull;
	__u32 flags = EV_NAMESPACE_FLAGS;

	if (sc->ret >= 0 || sc->ret <= -ERESTARTSYS) /* made, or to be made once more */
		return 0;
	if (sc->nr == NR_clone3) {
		asked = 0;
		/* struct clone_args begins with the flags. */
		bpf_probe_read_user(&asked, sizeof(asked), (void *)sc->arg[0]);
		flags |= EV_NAMESPACE_USER_MEMORY;
	}
	asked &= CLONE_NEW_ANY;
	return asked ? namespace_emit(sc, asked, flags) : 0;
}

SERVES_SYSCALL(namespace_clone_exit, clone);
SERVES_SYSCALL(namespace_clone_exit, clone3);

static __always_inline __u32 what_is_new(struct task_struct *parent, struct task_struct *child)
{
	struct nsproxy *a = BPF_CORE_READ(parent, nsproxy), *b = BPF_CORE_READ(child, nsproxy);
	__u32 new = 0;

	if (BPF_CORE_READ(parent, cred, user_ns) != BPF_CORE_READ(child, cred, user_ns))
		new |= CLONE_NEWUSER;
	if (a == b || !a || !b)
		return new;
#define IS_NEW(ns, flag)                                  \
	if (BPF_CORE_READ(a, ns) != BPF_CORE_READ(b, ns)) \
		new |= flag;
	IS_NEW(mnt_ns, CLONE_NEWNS)
	IS_NEW(cgroup_ns, CLONE_NEWCGROUP)
	IS_NEW(uts_ns, CLONE_NEWUTS)
	IS_NEW(ipc_ns, CLONE_NEWIPC)
	IS_NEW(pid_ns_for_children, CLONE_NEWPID)
	IS_NEW(net_ns, CLONE_NEWNET)
	IS_NEW(time_ns_for_children, CLONE_NEWTIME)
	return new;
}

static __always_inline __u32 current_call(struct task_struct *task)
{
	struct pt_regs *regs = task_regs(task);
	__u32 nr = BPF_CORE_READ(regs, orig_ax);

	return syscall_is_compat(task) ? ia32_nr[nr & (EV_SYSCALL_CNT - 1)] : nr & ~X32_BIT;
}

SEC(TASK_TP("sched", "sched_process_fork"))
int namespace_fork(void *ctx)
{
	struct task_struct *parent = current_task(), *child = forked_task(ctx, parent);
	struct ev_namespace *ev;
	struct build b;
	__u32 new;
	__u64 cgid;

	if (!current_in_scope(&cgid))
		return TASK_TP_DONE;
	new = what_is_new(parent, child);
	if (!new)
		return TASK_TP_DONE;
	ev = (void *)record_begin(&b, EV_NAMESPACE, EV_CLASS_process, cgid, sizeof(*ev));
	if (!ev)
		return TASK_TP_DONE;
	task_fill(&ev->hdr.task, parent);
	ev->call = current_call(parent);
	ev->asked = new;
	ev->flags = EV_NAMESPACE_FLAGS | EV_NAMESPACE_CHILD;
	peer_fill(&ev->child, child, BPF_CORE_READ(child, pid) != BPF_CORE_READ(child, tgid));
	fill_after(ev, child);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return TASK_TP_DONE;
}
