/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * root: a process changed its root directory, or tried to. Which one it has afterwards is the
 * kernel's, told by its path from the root of the mount namespace, since to the process it is "/".
 * What was asked for is from user memory.
 */
#include "syscall.bpf.h"
#include "path.bpf.h"

static __always_inline void file_fill_root(struct build *b, struct ev_file *f,
					   struct task_struct *task)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct dentry *dentry = BPF_CORE_READ(fs, root.dentry);

	if (!fs)
		return;
	file_fill_inode(f, BPF_CORE_READ(dentry, d_inode), dentry);
	b->s->walk.root_dentry = 0;
	b->s->walk.root_mnt = 0;
	path_append_walk(b, f, (void *)fs + bpf_core_field_offset(struct fs_struct, root));
	f->flags &= ~EV_FILE_UNREACHABLE; /* there was no place to reach */
	tail_end(b);
}

SYSCALL_PROBE(root_exit)
{
	struct ev_root *ev;
	struct build b;

	ev = (void *)record_begin(&b, EV_ROOT, EV_CLASS_process, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	ev->call = sc->nr;
	ev->err = syscall_errno(sc->ret);
	tail_user_string(&b, &ev->path, (void *)sc->arg[0]);
	if (sc->nr == NR_pivot_root)
		tail_user_string(&b, &ev->put_old, (void *)sc->arg[1]);
	file_fill_root(&b, &ev->root, sc->task);
	file_fill_cwd(&b, &ev->cwd, sc->task);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(root_exit, chroot);
SERVES_SYSCALL(root_exit, pivot_root);
