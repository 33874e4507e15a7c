/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* mkdir: a directory was made, or the attempt failed. Names as with rename. */
#include "names.bpf.h"

SYSCALL_PROBE(mkdir_exit)
{
	struct ev_mkdir *ev;
	struct build b;
	bool at = sc->nr == NR_mkdirat;

	ev = names_begin(&b, sc, EV_MKDIR, sizeof(*ev));
	if (!ev)
		return 0;
	file_fill_arg(&b, &ev->file, sc, at ? (int)sc->arg[0] : AT_FDCWD,
		      at ? sc->arg[1] : sc->arg[0]);
	ev->mode = (__u16)(at ? sc->arg[2] : sc->arg[1]);
	ev->err = syscall_errno(sc->ret);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(mkdir_exit, mkdir);
SERVES_SYSCALL(mkdir_exit, mkdirat);
URING_PROBE(mkdir_exit)
SERVES_URING(mkdir_exit, IORING_OP_MKDIRAT);

/* do_mkdirat(), filename_mkdirat() since 7.0; before 5.15 with the name in user memory. */
SEC("?fentry/do_mkdirat")
int BPF_PROG(mkdir_enter, int dfd, void *name)
{
	return names_enter_one(EV_NAMES_MKDIR, sizeof(struct ev_mkdir), dfd, name);
}

SEC("?fexit/do_mkdirat")
int BPF_PROG(mkdir_fn, int dfd, void *name, __u16 mode, int ret)
{
	struct ev_mkdir *ev;
	struct syscall sc;
	struct build b;

	ev = names_leave(&b, &sc, EV_MKDIR, sizeof(*ev));
	if (!ev)
		return 0;
	names_leave_user(&b, &ev->file, &sc, EV_NAMES_MKDIR, dfd, name);
	ev->mode = mode;
	ev->err = syscall_errno(ret);
	pending_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

INSTEAD_OF_URING_TOO(mkdir_enter, mkdir_exit);
INSTEAD_OF_URING_TOO(mkdir_fn, mkdir_exit);
