/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * io_uring: a ring was set up, or the attempt failed. What goes through the ring are events of
 * their own kinds; that there is one is worth knowing, since few programs have any.
 */
#include "syscall.bpf.h"

SYSCALL_PROBE(io_uring_exit)
{
	struct ev_io_uring *ev;
	struct build b;
	__u32 flags = 0;

	ev = (void *)record_begin(&b, EV_IO_URING, EV_CLASS_kernel, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	ev->entries = sc->arg[0];
	/* struct io_uring_params: sq_entries, cq_entries, flags. */
	if (!bpf_probe_read_user(&flags, sizeof(flags), (void *)sc->arg[1] + 8)) {
		ev->setup_flags = flags;
		ev->flags = EV_IO_URING_HAS_FLAGS;
	}
	if (sc->ret < 0)
		ev->err = syscall_errno(sc->ret);
	else
		ev->fd = sc->ret;
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(io_uring_exit, io_uring_setup);
