/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Every difference between kernels that a probe meets, with version and reason. */
#ifndef VARVE_COMPAT_H
#define VARVE_COMPAT_H

/*
 * FMODE_PATH is 1 << 14 in all kernels up to 6.18; FMODE_CREATED 1 << 20 since 4.19. Both are
 * macros, which BTF does not carry.
 */

/* cgroup_root.hierarchy_id of the v2 hierarchy: 0 since it exists (cgroup_init() sets it up first).
 */
#define CGROUP_V2_HIERARCHY 0

/*
 * The id of a cgroup: kernfs_node.id is a plain u64 since 5.5; before, a union of the same eight
 * bytes. The same value as the inode number of the directory and bpf_get_current_cgroup_id().
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
 * The registers that the current task's system call was made with: what ctx begins with, at sys_exit
 * and at a call's own exit. In 5.10 some of the calls' functions know no struct pt_regs, and the
 * verifier then refuses to read ctx; there the registers are found at the top of the kernel stack
 * (task_pt_regs(); THREAD_SIZE without KASAN).
 */
static __always_inline struct pt_regs *syscall_regs(__u64 *ctx, struct task_struct *task)
{
#ifdef VARVE_BEFORE_5_12
	return BPF_CORE_READ(task, stack) + THREAD_SIZE - bpf_core_type_size(struct pt_regs);
#else
	return (void *)ctx[0];
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
