/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * unlink, rmdir: a name was removed, or the attempt failed. Two kinds in one file, since unlinkat
 * can be either.
 */
#include "names.bpf.h"

static __always_inline int unlink_emit(const struct syscall *sc, int dfd, __u64 name)
{
	struct ev_unlink *ev;
	struct build b;

	ev = names_begin(&b, sc, EV_UNLINK, sizeof(*ev));
	if (!ev)
		return 0;
	file_fill_arg(&b, &ev->file, sc, dfd, name);
	ev->err = syscall_errno(sc->ret);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

static __always_inline int rmdir_emit(const struct syscall *sc, int dfd, __u64 name)
{
	struct ev_rmdir *ev;
	struct build b;

	ev = names_begin(&b, sc, EV_RMDIR, sizeof(*ev));
	if (!ev)
		return 0;
	file_fill_arg(&b, &ev->file, sc, dfd, name);
	ev->err = syscall_errno(sc->ret);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SYSCALL_PROBE(unlink_exit)
{
	bool at = sc->nr == NR_unlinkat;
	int dfd = at ? (int)sc->arg[0] : AT_FDCWD;
	__u64 name = at ? sc->arg[1] : sc->arg[0];

	if (at && sc->arg[2] & AT_REMOVEDIR)
		return rmdir_emit(sc, dfd, name);
	return unlink_emit(sc, dfd, name);
}

SERVES_SYSCALL(unlink_exit, unlink);
SERVES_SYSCALL(unlink_exit, unlinkat);
URING_PROBE(unlink_exit)
SERVES_URING(unlink_exit, IORING_OP_UNLINKAT);

SYSCALL_PROBE(rmdir_exit)
{
	return rmdir_emit(sc, AT_FDCWD, sc->arg[0]);
}

SERVES_SYSCALL(rmdir_exit, rmdir);

/* do_unlinkat(), filename_unlinkat() since 7.0. */
SEC("?fentry/do_unlinkat")
int BPF_PROG(unlink_enter, int dfd, void *name)
{
	struct ev_unlink *ev;
	struct syscall sc;
	struct build b;

	ev = names_enter(&b, &sc, EV_NAMES_UNLINK, sizeof(*ev));
	if (!ev)
		return 0;
	file_fill_filename(&b, &ev->file, dfd, name, sc.task);
	pending_wait(&b);
	return 0;
}

SEC("?fexit/do_unlinkat")
int BPF_PROG(unlink_fn, int dfd, void *name, int ret)
{
	struct ev_unlink *ev;
	struct syscall sc;
	struct build b;

	ev = names_leave(&b, &sc, EV_UNLINK, sizeof(*ev));
	if (!ev)
		return 0;
	names_leave_user(&b, &ev->file, &sc, EV_NAMES_UNLINK, dfd, name);
	ev->err = syscall_errno(ret);
	pending_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

/* do_rmdir(), filename_rmdir() since 7.0. */
SEC("?fentry/do_rmdir")
int BPF_PROG(rmdir_enter, int dfd, void *name)
{
	struct ev_rmdir *ev;
	struct syscall sc;
	struct build b;

	ev = names_enter(&b, &sc, EV_NAMES_RMDIR, sizeof(*ev));
	if (!ev)
		return 0;
	file_fill_filename(&b, &ev->file, dfd, name, sc.task);
	pending_wait(&b);
	return 0;
}

SEC("?fexit/do_rmdir")
int BPF_PROG(rmdir_fn, int dfd, void *name, int ret)
{
	struct ev_rmdir *ev;
	struct syscall sc;
	struct build b;

	ev = names_leave(&b, &sc, EV_RMDIR, sizeof(*ev));
	if (!ev)
		return 0;
	names_leave_user(&b, &ev->file, &sc, EV_NAMES_RMDIR, dfd, name);
	ev->err = syscall_errno(ret);
	pending_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

INSTEAD_OF_URING_TOO(unlink_enter, unlink_exit);
INSTEAD_OF_URING_TOO(unlink_fn, unlink_exit);
/* One for each, since unlinkat is left to functions only if both are there. */
INSTEAD_OF_URING_TOO(rmdir_enter, unlink_exit);
INSTEAD_OF_URING_TOO(rmdir_fn, rmdir_exit);
