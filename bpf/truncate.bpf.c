/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * truncate: a file was given a length, or the attempt failed. O_TRUNC is OPEN's. 32-bit programs
 * have calls of their own for long files, with the length in two registers.
 */
#include "attribute.bpf.h"

static __always_inline __s64 truncate_length(const struct syscall *sc)
{
	if (sc->nr == NR_truncate64 || sc->nr == NR_ftruncate64)
		return (__u32)sc->arg[1] | sc->arg[2] << 32;
	if (!sc->is_32)
		return sc->arg[1];
	/* The 32-bit ftruncate took no sign before 6.10: what succeeded had none. */
	if (sc->nr == NR_ftruncate && !sc->ret)
		return (__u32)sc->arg[1];
	return (__s32)sc->arg[1];
}

SYSCALL_PROBE(truncate_exit)
{
	struct attribute_name name = {.name = (void *)sc->arg[0], .dfd = AT_FDCWD};
	struct ev_truncate *ev;
	struct build b;

	if (sc->nr == NR_ftruncate || sc->nr == NR_ftruncate64)
		name = (struct attribute_name){.dfd = sc->arg[0]};
	ev = attribute_begin(&b, EV_TRUNCATE, sizeof(*ev), sc, &name);
	if (!ev)
		return 0;
	ev->length = truncate_length(sc);
	ev->err = syscall_errno(sc->ret);
	pending_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(truncate_exit, truncate);
SERVES_SYSCALL(truncate_exit, ftruncate);
SERVES_SYSCALL(truncate_exit, truncate64);
SERVES_SYSCALL(truncate_exit, ftruncate64);
URING_PROBE(truncate_exit)
SERVES_URING(truncate_exit, IORING_OP_FTRUNCATE);

/* Of truncate; ftruncate has its file. */
SEC("?fentry/vfs_truncate")
int BPF_PROG(truncate_keep, struct path *path)
{
	return attribute_keep(EV_TRUNCATE, sizeof(struct ev_truncate), path);
}

HELPS(truncate_keep, truncate_exit);
