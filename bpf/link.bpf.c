/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* link: a file got another name, or the attempt failed. Names as with rename. */
#include "names.bpf.h"

SYSCALL_PROBE(link_exit)
{
	struct ev_link *ev;
	struct build b;

	ev = names_begin(&b, sc, EV_LINK, sizeof(*ev));
	if (!ev)
		return 0;
	if (sc->nr == NR_link) {
		file_fill_arg(&b, &ev->from, sc, AT_FDCWD, sc->arg[0]);
		file_fill_arg(&b, &ev->to, sc, AT_FDCWD, sc->arg[1]);
	} else {
		file_fill_arg(&b, &ev->from, sc, sc->arg[0], sc->arg[1]);
		file_fill_arg(&b, &ev->to, sc, sc->arg[2], sc->arg[3]);
		ev->flags = sc->arg[4];
	}
	ev->err = syscall_errno(sc->ret);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(link_exit, link);
SERVES_SYSCALL(link_exit, linkat);
URING_PROBE(link_exit)
SERVES_URING(link_exit, IORING_OP_LINKAT);

/* do_linkat(), filename_linkat() since 7.0; before 5.15 with names in user memory. */
SEC("?fentry/do_linkat")
int BPF_PROG(link_enter, int old_dfd, void *from, int new_dfd, void *to, int flags)
{
	return names_enter_two(EV_NAMES_LINK, sizeof(struct ev_link), old_dfd, from, new_dfd, to);
}

SEC("?fexit/do_linkat")
int BPF_PROG(link_fn, int old_dfd, void *from, int new_dfd, void *to, int flags, int ret)
{
	struct ev_link *ev;
	struct syscall sc;
	struct build b;

	ev = names_leave(&b, &sc, EV_LINK, sizeof(*ev));
	if (!ev)
		return 0;
	names_leave_user(&b, &ev->from, &sc, EV_NAMES_LINK, old_dfd, from);
	names_leave_user(&b, &ev->to, &sc, EV_NAMES_LINK, new_dfd, to);
	ev->flags = flags;
	ev->err = syscall_errno(ret);
	pending_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

INSTEAD_OF_URING_TOO(link_enter, link_exit);
INSTEAD_OF_URING_TOO(link_fn, link_exit);
