/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * rename: a name was changed, or the attempt failed. The names are as they were given, put behind
 * the kernel's path of the directory they start from. In the function that all renames go through
 * they are the kernel's copies; at a system call's exit those are gone, so they come from user
 * memory, marked so.
 */
#include "names.bpf.h"

SYSCALL_PROBE(rename_exit)
{
	struct ev_rename *ev;
	struct build b;

	ev = names_begin(&b, sc, EV_RENAME, sizeof(*ev));
	if (!ev)
		return 0;
	if (sc->nr == NR_rename) {
		file_fill_arg(&b, &ev->from, sc, AT_FDCWD, sc->arg[0]);
		file_fill_arg(&b, &ev->to, sc, AT_FDCWD, sc->arg[1]);
	} else {
		file_fill_arg(&b, &ev->from, sc, sc->arg[0], sc->arg[1]);
		file_fill_arg(&b, &ev->to, sc, sc->arg[2], sc->arg[3]);
	}
	ev->flags = sc->nr == NR_renameat2 ? sc->arg[4] : 0;
	ev->err = syscall_errno(sc->ret);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(rename_exit, rename);
SERVES_SYSCALL(rename_exit, renameat);
SERVES_SYSCALL(rename_exit, renameat2);
URING_PROBE(rename_exit)
SERVES_URING(rename_exit, IORING_OP_RENAMEAT);

/* do_renameat2(), filename_renameat2() since 7.0; before 5.11 with names in user memory. */
SEC("?fentry/do_renameat2")
int BPF_PROG(rename_enter, int old_dfd, void *from, int new_dfd, void *to, unsigned int flags)
{
	return names_enter_two(EV_NAMES_RENAME, sizeof(struct ev_rename), old_dfd, from, new_dfd,
			       to);
}

SEC("?fexit/do_renameat2")
int BPF_PROG(rename_fn, int old_dfd, void *from, int new_dfd, void *to, unsigned int flags, int ret)
{
	struct ev_rename *ev;
	struct syscall sc;
	struct build b;

	ev = names_leave(&b, &sc, EV_RENAME, sizeof(*ev));
	if (!ev)
		return 0;
	names_leave_user(&b, &ev->from, &sc, EV_NAMES_RENAME, old_dfd, from);
	names_leave_user(&b, &ev->to, &sc, EV_NAMES_RENAME, new_dfd, to);
	ev->flags = flags;
	ev->err = syscall_errno(ret);
	pending_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

INSTEAD_OF_URING_TOO(rename_enter, rename_exit);
INSTEAD_OF_URING_TOO(rename_fn, rename_exit);
