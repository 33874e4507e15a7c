/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* process_memory: that a file opened just now is a process's memory, for open.bpf.c. */
#ifndef VARVE_PROCESS_MEMORY_H
#define VARVE_PROCESS_MEMORY_H

#include "probe.bpf.h"

/* /proc/PID/mem, or /proc/PID/task/TID/mem. */
static __always_inline bool file_is_process_memory(struct file *file)
{
	const unsigned char *name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
	char is[4] = {};

	if (BPF_CORE_READ(file, f_inode, i_sb, s_magic) != PROC_SUPER_MAGIC)
		return false;
	bpf_probe_read_kernel(is, sizeof(is), name);
	return is[0] == 'm' && is[1] == 'e' && is[2] == 'm' && !is[3];
}

/* The thread that a file of /proc/PID is of; NULL if it has ended. */
static __always_inline struct task_struct *file_task(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct proc_inode *proc =
		(void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
	struct hlist_node *link = BPF_CORE_READ(proc, pid, tasks[0].first);

	return link ? (void *)link - bpf_core_field_offset(struct task_struct, pid_links) : 0;
}

/* fd: -1 if it is not known. A process that reads itself is of no interest. */
static __noinline int process_memory_opened(struct file *file, struct task_struct *task, __u64 cgid,
					    __u32 mode, __s32 fd)
{
	struct task_struct *target = file_task(file);
	bool writes = mode & FMODE_WRITE;
	struct ev_process_memory *ev;
	struct build b;

	if (!writes && BPF_CORE_READ(target, tgid) == BPF_CORE_READ(task, tgid))
		return 0;
	ev = (void *)record_begin(&b, EV_PROCESS_MEMORY, EV_CLASS_process, cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, task);
	ev->how = EV_MEMORY_OPENED;
	ev->flags = (writes ? EV_MEMORY_WRITE : 0) | (fd >= 0 ? EV_MEMORY_HAS_FD : 0);
	ev->fd = fd;
	if (target)
		peer_fill(&ev->target, target, false);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

#endif
