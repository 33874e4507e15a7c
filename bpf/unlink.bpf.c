/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * unlink, rmdir: a name was removed, or the attempt failed. Two kinds in one file, since unlinkat
 * can be either.
 */
#include "names.bpf.h"

/* Both kinds have the same record. */
_Static_assert(sizeof(struct ev_unlink) == sizeof(struct ev_rmdir), "unlink and rmdir");

static __always_inline int removed(const struct syscall *sc, __u16 kind, int dfd, __u64 name)
{
	struct ev_unlink *ev;
	struct build b;

	ev = names_begin(&b, sc, kind, sizeof(*ev));
	if (!ev)
		return 0;
	file_fill_arg(&b, &ev->file, sc, dfd, name);
	ev->err = syscall_errno(sc->ret);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

/* By the function behind the call, as it returns. */
static __always_inline int removed_fn(enum ev_names function, __u16 kind, int dfd, void *name,
				      int ret)
{
	struct ev_unlink *ev;
	struct syscall sc;
	struct build b;

	ev = names_leave(&b, &sc, kind, sizeof(*ev));
	if (!ev)
		return 0;
	names_leave_user(&b, &ev->file, &sc, function, dfd, name);
	ev->err = syscall_errno(ret);
	pending_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SYSCALL_PROBE(unlink_exit)
{
	bool at = sc->nr == NR_unlinkat;
	int dfd = at ? (int)sc->arg[0] : AT_FDCWD;
	__u64 name = at ? sc->arg[1] : sc->arg[0];

	if (at && sc->arg[2] & AT_REMOVEDIR)
		return removed(sc, EV_RMDIR, dfd, name);
	return removed(sc, EV_UNLINK, dfd, name);
}

SERVES_SYSCALL(unlink_exit, unlink);
SERVES_SYSCALL(unlink_exit, unlinkat);
URING_PROBE(unlink_exit)
SERVES_URING(unlink_exit, IORING_OP_UNLINKAT);

SYSCALL_PROBE(rmdir_exit)
{
	return removed(sc, EV_RMDIR, AT_FDCWD, sc->arg[0]);
}

SERVES_SYSCALL(rmdir_exit, rmdir);

/* do_unlinkat(), filename_unlinkat() since 7.0. */
SEC("?fentry/do_unlinkat")
int BPF_PROG(unlink_enter, int dfd, void *name)
{
	return names_enter_one(EV_NAMES_UNLINK, sizeof(struct ev_unlink), dfd, name);
}

SEC("?fexit/do_unlinkat")
int BPF_PROG(unlink_fn, int dfd, void *name, int ret)
{
	return removed_fn(EV_NAMES_UNLINK, EV_UNLINK, dfd, name, ret);
}

/* do_rmdir(), filename_rmdir() since 7.0. */
SEC("?fentry/do_rmdir")
int BPF_PROG(rmdir_enter, int dfd, void *name)
{
	return names_enter_one(EV_NAMES_RMDIR, sizeof(struct ev_rmdir), dfd, name);
}

SEC("?fexit/do_rmdir")
int BPF_PROG(rmdir_fn, int dfd, void *name, int ret)
{
	return removed_fn(EV_NAMES_RMDIR, EV_RMDIR, dfd, name, ret);
}

INSTEAD_OF_URING_TOO(unlink_enter, unlink_exit);
INSTEAD_OF_URING_TOO(unlink_fn, unlink_exit);
/* One for each, since unlinkat is left to functions only if both are there. */
INSTEAD_OF_URING_TOO(rmdir_enter, unlink_exit);
INSTEAD_OF_URING_TOO(rmdir_fn, rmdir_exit);
