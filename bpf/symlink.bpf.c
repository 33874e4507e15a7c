/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* symlink: a symbolic link was made, or the attempt failed. Names as with rename. */
#include "names.bpf.h"

SYSCALL_PROBE(symlink_exit)
{
	struct ev_symlink *ev;
	struct build b;
	bool at = sc->nr == NR_symlinkat;

	ev = names_begin(&b, sc, EV_SYMLINK, sizeof(*ev));
	if (!ev)
		return 0;
	text_append(&b, &ev->target, (void *)sc->arg[0], sc->memory);
	file_fill_arg(&b, &ev->file, sc, at ? (int)sc->arg[1] : AT_FDCWD,
		      at ? sc->arg[2] : sc->arg[1]);
	ev->err = syscall_errno(sc->ret);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(symlink_exit, symlink);
SERVES_SYSCALL(symlink_exit, symlinkat);
URING_PROBE(symlink_exit)
SERVES_URING(symlink_exit, IORING_OP_SYMLINKAT);

/* do_symlinkat(), filename_symlinkat() since 7.0; before 5.15 with names in user memory. */
SEC("?fentry/do_symlinkat")
int BPF_PROG(symlink_enter, void *target, int dfd, void *name)
{
	struct ev_symlink *ev;
	struct syscall sc;
	struct build b;

	ev = names_enter(&b, &sc, EV_NAMES_SYMLINK, sizeof(*ev));
	if (!ev)
		return 0;
	text_append(&b, &ev->target, BPF_CORE_READ((struct filename *)target, name), NAME_KERNEL);
	file_fill_filename(&b, &ev->file, dfd, name, sc.task);
	pending_wait(&b);
	return 0;
}

SEC("?fexit/do_symlinkat")
int BPF_PROG(symlink_fn, void *target, int dfd, void *name, int ret)
{
	struct ev_symlink *ev;
	struct syscall sc;
	struct build b;

	ev = names_leave(&b, &sc, EV_SYMLINK, sizeof(*ev));
	if (!ev)
		return 0;
	if (cfg_user_names[EV_NAMES_SYMLINK])
		text_append(&b, &ev->target, target, NAME_USER);
	names_leave_user(&b, &ev->file, &sc, EV_NAMES_SYMLINK, dfd, name);
	ev->err = syscall_errno(ret);
	pending_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

INSTEAD_OF_URING_TOO(symlink_enter, symlink_exit);
INSTEAD_OF_URING_TOO(symlink_fn, symlink_exit);
