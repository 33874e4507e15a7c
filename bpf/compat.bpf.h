/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Every difference between kernels that a probe meets, with version and reason. */
#ifndef VARVE_COMPAT_H
#define VARVE_COMPAT_H

/*
 * FMODE_PATH is 1 << 14 in all kernels up to 6.18; FMODE_CREATED 1 << 20 since 4.19. Both are
 * macros, which BTF does not carry.
 */

/*
 * What a map's update or delete gave, as a number to compare: up to 6.3 the functions behind these
 * helpers return an int, and a program that calls them directly finds whatever there was in the
 * upper half of the register. Only whether it is zero needs no care.
 */
static __always_inline int map_error(long result)
{
	return result;
}

/*
 * Makes the verifier know nothing of what is in *p, which stays the same. Before 6.8 it forgets that a
 * decision of a function rests on what it knows of a value that the function is given through its
 * caller's stack; it then takes a path with another value for the same, and removes, without a
 * word, what only that one would run. So this is for each struct of the caller's that a function
 * decides by.
 */
#define hide_values(p) bpf_probe_read_kernel((p), sizeof(*(p)), (p))

/*
 * The id of a cgroup: kernfs_node.id is a plain u64 since 5.5; before, a union of the same eight
 * bytes. The same value as the inode number of the directory and, in the v2 hierarchy,
 * bpf_get_current_cgroup_id().
 */
static __always_inline __u64 cgroup_id(struct cgroup *cgrp)
{
	return BPF_CORE_READ(cgrp, kn, id);
}

/*
 * The parent by css, not by kernfs: kernfs_node.parent became __parent, RCU-protected, in 6.15.
 * cgroup.self is the first member of struct cgroup in all kernels, so a css of the core is its
 * cgroup.
 */
static __always_inline struct cgroup *cgroup_parent(struct cgroup *cgrp)
{
	return (void *)BPF_CORE_READ(cgrp, self.parent);
}

/*
 * A 32-bit system call on a 64-bit kernel numbers its calls and passes its arguments differently;
 * the flag stands in thread_info until the return to user mode is prepared, after sys_exit.
 */
static __always_inline bool syscall_is_compat(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread_info.status) & TS_COMPAT;
}

/*
 * The registers that the current task's system call was made with, at the call's own exit: what ctx
 * begins with. In 5.10 some of the calls' functions know no struct pt_regs, and the verifier then
 * refuses to read ctx; there the registers are found at the top of the kernel stack
 * (task_pt_regs(); THREAD_SIZE without KASAN).
 */
static __always_inline struct pt_regs *call_regs(__u64 *ctx)
{
#ifdef VARVE_BEFORE_5_12
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, stack) + THREAD_SIZE - bpf_core_type_size(struct pt_regs);
#else
	return (void *)ctx[0];
#endif
}

/*
 * Tracepoints that a task passes in its own context, and what they hand over. Since 7.0 the kernel can
 * preempt a program that is on them by tp_btf, and does not run that program for any other task of
 * the CPU until it has ended. Programs that perf runs are not preempted: VARVE_PREEMPTIBLE is for
 * these kernels. There ctx is the record that the tracepoint makes, not its arguments.
 */
#ifdef VARVE_PREEMPTIBLE
#define TASK_TP(group, name) "tp/" group "/" name
#define TASK_TP_DONE	     1 /* 0 would keep the event from others who watch it by perf */
#else
#define TASK_TP(group, name) "tp_btf/" name
#define TASK_TP_DONE	     0
#endif

/* At sys_exit; of a type that allows plain loads. */
static __always_inline struct pt_regs *sys_exit_regs(void *ctx)
{
#ifdef VARVE_PREEMPTIBLE
	return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
#else
	return (void *)((__u64 *)ctx)[0];
#endif
}

static __always_inline long sys_exit_result(void *ctx)
{
#ifdef VARVE_PREEMPTIBLE
	return ((struct trace_event_raw_sys_exit *)ctx)->ret;
#else
	return ((__u64 *)ctx)[1];
#endif
}

/* syscall_is_compat() of the current task, by a plain load where there is a typed pointer (5.11). */
static __always_inline bool current_is_compat(void)
{
#ifdef VARVE_BEFORE_5_12
	return syscall_is_compat((void *)bpf_get_current_task());
#else
	return bpf_get_current_task_btf()->thread_info.status & TS_COMPAT;
#endif
}

/* Selectors of user mode, <asm/segment.h>: the same since x86-64 exists. */
#define USER32_CS 0x23
#define USER_DS	  0x2b
#define USER_CS	  0x33

/*
 * The registers that a task entered the kernel with, at the top of its stack; with
 * CONFIG_X86_FRED, since 6.9, 16 bytes above them are kept free. The selectors say whether it is
 * them; NULL if not. bpf_task_pt_regs() came in 5.15.
 */
static __always_inline struct pt_regs *task_regs(struct task_struct *task)
{
	struct pt_regs *regs =
		BPF_CORE_READ(task, stack) + THREAD_SIZE - bpf_core_type_size(struct pt_regs);
	__u32 i, cs;

	for (i = 0; i < 2; i++, regs = (void *)regs - 16) {
		cs = BPF_CORE_READ(regs, cs);
		if ((cs == USER_CS || cs == USER32_CS) && BPF_CORE_READ(regs, ss) == USER_DS)
			return regs;
	}
	return 0;
}

/*
 * The thread that has a number in a pid namespace: found in the namespace's radix tree, whose inner
 * nodes are marked by bit 1 of the pointer to them. Four levels of 64 are more than pid_max (2^22)
 * needs. NULL: there is none.
 */
static __always_inline struct task_struct *task_of_ns_pid(struct pid_namespace *ns, __u32 nr)
{
	void *at = BPF_CORE_READ(ns, idr.idr_rt.xa_head);
	struct hlist_node *link;
	__u32 i, index;

	for (i = 0; i < 4 && ((__u64)at & 3) == 2; i++) {
		struct xa_node *node = at - 2;

		index = nr >> (BPF_CORE_READ(node, shift) & 31);
		if (!i && index > 63) /* beyond what the tree holds */
			return 0;
		at = (void *)node + bpf_core_field_offset(struct xa_node, slots);
		bpf_probe_read_kernel(&at, sizeof(at), at + (index & 63) * sizeof(at));
	}
	if (!at || (__u64)at & 3)
		return 0;
	link = BPF_CORE_READ((struct pid *)at, tasks[0].first);
	return link ? (void *)link - bpf_core_field_offset(struct task_struct, pid_links) : 0;
}

/* The thread of a number in the initial pid namespace, which is the one of everybody's level 0. */
static __always_inline struct task_struct *task_of_pid(struct task_struct *any, __u32 nr)
{
	struct pid *pid = BPF_CORE_READ(any, thread_pid);
	struct upid *upid = (void *)pid + bpf_core_field_offset(struct pid, numbers);

	return task_of_ns_pid(BPF_CORE_READ(upid, ns), nr);
}

/* At sched_process_fork, which the parent passes. */
static __always_inline struct task_struct *forked_task(void *ctx, struct task_struct *parent)
{
#ifdef VARVE_PREEMPTIBLE
	return task_of_pid(parent, ((struct trace_event_raw_sched_process_fork *)ctx)->child_pid);
#else
	return (void *)((__u64 *)ctx)[1];
#endif
}

/* At task_rename, which need not be passed by the task itself. */
static __always_inline struct task_struct *renamed_task(void *ctx)
{
#ifdef VARVE_PREEMPTIBLE
	return task_of_pid((void *)bpf_get_current_task(),
			   ((struct trace_event_raw_task_rename *)ctx)->pid);
#else
	return (void *)((__u64 *)ctx)[0];
#endif
}

static __always_inline const char *renamed_to(void *ctx)
{
#ifdef VARVE_PREEMPTIBLE
	return ctx + bpf_core_field_offset(struct trace_event_raw_task_rename, newcomm);
#else
	return (void *)((__u64 *)ctx)[1];
#endif
}

/* The first argument of tracepoint mark_victim: the task since 6.9, and in stable series after; its
 * pid before. */
static __always_inline struct task_struct *mark_victim_task(struct task_struct *any, __u64 arg)
{
	if (bpf_core_field_exists(struct trace_event_raw_mark_victim, uid))
		return (void *)arg;
	return task_of_pid(any, arg);
}

/*
 * Pages of a kind. Per CPU since 6.2: then without what each CPU has counted since it last passed
 * its count on, at most max(32, 2 x CPUs) pages each.
 */
#define mm_pages(mm, which)                                                             \
	({                                                                              \
		struct mm_struct___6_1 *_old = (void *)(mm);                            \
		__s64 _n = bpf_core_field_exists(_old->rss_stat.count)                  \
				   ? BPF_CORE_READ(_old, rss_stat.count[which].counter) \
				   : BPF_CORE_READ(mm, rss_stat[which].count);          \
		_n > 0 ? _n : 0;                                                        \
	})

/*
 * A string of the process's memory; bytes with the NUL. Of an empty one the helper gives 0 in 6.12 and
 * before (strncpy_from_user_nofault()), 1 in 6.18.
 */
static __always_inline long user_string_read(void *dst, __u32 size, const void *from)
{
	long n = bpf_probe_read_user_str(dst, size, from);

	return n ? n : 1;
}

/* The type of a namespace, CLONE_NEW*: of its operations before 6.18. */
static __always_inline __u32 namespace_type(struct ns_common *ns)
{
	if (bpf_core_field_exists(ns->ns_type))
		return BPF_CORE_READ(ns, ns_type);
	return BPF_CORE_READ(ns, ops, type);
}

/*
 * f_count became f_ref in 6.13, of type file_ref_t: 0 for one reference, negative for none.
 */
struct file___6_13 {
	struct {
		atomic64_t refcnt;
	} f_ref;
} __attribute__((preserve_access_index));

/* True if nobody refers to it any more. Its memory stays a struct file for a while, at least. */
static __always_inline bool file_is_dead(struct file *file)
{
	struct file___6_13 *f = (void *)file;

	if (bpf_core_field_exists(f->f_ref))
		return BPF_CORE_READ(f, f_ref.refcnt.counter) < 0;
	return BPF_CORE_READ(file, f_count.counter) == 0;
}

/* Changes with each exec of the process. */
static __always_inline __u64 task_exec_id(struct task_struct *task)
{
	return BPF_CORE_READ(task, self_exec_id);
}

#endif
