/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * unmount: a mount was taken away, or the attempt failed. As with mount: made at the call's exit,
 * with what path_umount() was given, if it was reached.
 */
#include "names.bpf.h"

SYSCALL_PROBE(unmount_exit)
{
	struct ev_unmount *ev;
	struct build b;

	ev = pending_take(&b, bpf_get_current_pid_tgid() | PENDING_UNMOUNT, EV_UNMOUNT,
			  EV_CLASS_file, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	if (!ev->target.flags)
		file_fill_at(&b, &ev->target, AT_FDCWD, (void *)sc->arg[0], sc->task);
	ev->call_flags = sc->nr == NR_oldumount ? 0 : sc->arg[1];
	ev->err = syscall_errno(sc->ret);
	pending_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(unmount_exit, umount);
SERVES_SYSCALL(unmount_exit, oldumount);

SEC("?fentry/path_umount")
int BPF_PROG(unmount_enter, struct path *target)
{
	struct ev_unmount *ev;
	struct syscall sc;
	struct build b;

	if (!syscall_in_scope(&sc))
		return 0;
	ev = pending_begin(&b, bpf_get_current_pid_tgid() | PENDING_UNMOUNT, sizeof(*ev));
	if (!ev)
		return 0;
	file_fill_path(&b, &ev->target, target, sc.task);
	pending_wait(&b);
	return 0;
}
