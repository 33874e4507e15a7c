/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* mknod: a device, FIFO, socket or plain file was made, or the attempt failed. Names as with
 * rename. */
#include "names.bpf.h"

SYSCALL_PROBE(mknod_exit)
{
	struct ev_mknod *ev;
	struct build b;
	bool at = sc->nr == NR_mknodat;

	ev = names_begin(&b, sc, EV_MKNOD, sizeof(*ev));
	if (!ev)
		return 0;
	file_fill_arg(&b, &ev->file, sc, at ? (int)sc->arg[0] : AT_FDCWD,
		      at ? sc->arg[1] : sc->arg[0]);
	ev->mode = (__u16)(at ? sc->arg[2] : sc->arg[1]);
	ev->dev = at ? sc->arg[3] : sc->arg[2];
	ev->err = syscall_errno(sc->ret);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(mknod_exit, mknod);
SERVES_SYSCALL(mknod_exit, mknodat);

/* do_mknodat(), filename_mknodat() since 7.0; before 5.15 with the name in user memory. */
SEC("?fentry/do_mknodat")
int BPF_PROG(mknod_enter, int dfd, void *name)
{
	return names_enter_one(EV_NAMES_MKNOD, sizeof(struct ev_mknod), dfd, name);
}

SEC("?fexit/do_mknodat")
int BPF_PROG(mknod_fn, int dfd, void *name, __u16 mode, unsigned int dev, int ret)
{
	struct ev_mknod *ev;
	struct syscall sc;
	struct build b;

	ev = names_leave(&b, &sc, EV_MKNOD, sizeof(*ev));
	if (!ev)
		return 0;
	names_leave_user(&b, &ev->file, &sc, EV_NAMES_MKNOD, dfd, name);
	ev->mode = mode;
	ev->dev = dev;
	ev->err = syscall_errno(ret);
	pending_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

INSTEAD_OF(mknod_enter, mknod_exit);
INSTEAD_OF(mknod_fn, mknod_exit);
