/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * unlink: a name was removed, or the attempt failed. As with rename, the name is the kernel's copy
 * in the trampoline set and from user memory, marked so, after a system call. Removed directories
 * are another kind.
 */
#include "pending.bpf.h"
#include "uring.bpf.h"

SYSCALL_PROBE(unlink_exit)
{
	struct ev_unlink *ev;
	struct build b;
	bool at = sc->nr == NR_unlinkat;

	if (at && sc->arg[2] & AT_REMOVEDIR)
		return 0;
	ev = (void *)record_begin(&b, EV_UNLINK, EV_CLASS_file, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	file_fill_arg(&b, &ev->file, sc, at ? (int)sc->arg[0] : AT_FDCWD,
		      at ? sc->arg[1] : sc->arg[0]);
	ev->err = -sc->ret;
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(unlink_exit, unlink);
SERVES_SYSCALL(unlink_exit, unlinkat);
URING_PROBE(unlink_exit)
SERVES_URING(unlink_exit, IORING_OP_UNLINKAT);

/* do_unlinkat(), filename_unlinkat() since 7.0. */
SEC("?fentry/do_unlinkat")
int BPF_PROG(unlink_enter, int dfd, struct filename *name)
{
	struct ev_unlink *ev;
	struct syscall sc;
	struct build b;

	if (!syscall_in_scope(&sc))
		return 0;
	ev = pending_begin(&b, bpf_get_current_pid_tgid(), sizeof(*ev));
	if (!ev)
		return 0;
	file_fill_filename(&b, &ev->file, dfd, name, sc.task);
	pending_wait(&b);
	return 0;
}

SEC("?fexit/do_unlinkat")
int BPF_PROG(unlink_fn, int dfd, struct filename *name, int ret)
{
	struct ev_unlink *ev;
	struct syscall sc;
	struct build b;

	if (!syscall_in_scope(&sc))
		return 0;
	ev = pending_take(&b, bpf_get_current_pid_tgid(), EV_UNLINK, EV_CLASS_file, sc.cgid,
			  sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc.task);
	ev->err = -ret;
	pending_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

INSTEAD_OF_URING_TOO(unlink_enter, unlink_exit);
INSTEAD_OF_URING_TOO(unlink_fn, unlink_exit);
