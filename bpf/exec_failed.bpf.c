/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * exec_failed: execve or execveat returned an error. The kernel has thrown its copies of name and
 * arguments away by then, so both are from user memory. One that succeeds is an EXEC.
 */
#include "syscall.bpf.h"
#include "path.bpf.h"

/* Of the arguments, the first: their number, bytes of one, and bytes of all with another one. */
#define ARGS_CNT  32
#define ARG_MAX	  1024
#define ARGS_STOP 4096

/* The pointer to argument i; 0: there is none. False: it cannot be read. */
static __always_inline bool arg_pointer(const struct syscall *sc, __u64 argv, __u32 i, __u64 *ret)
{
	__u32 low = 0;
	long err;

	if (!sc->is_32)
		return !bpf_probe_read_user(ret, sizeof(*ret), (void *)argv + i * sizeof(*ret));
	err = bpf_probe_read_user(&low, sizeof(low), (void *)argv + i * sizeof(low));
	*ret = low;
	return !err;
}

static __always_inline void fill_args(struct build *b, struct ev_exec_failed *ev,
				      const struct syscall *sc, __u64 argv)
{
	__u32 i, start = b->len;
	__u64 from = 0;
	long n = 0;

	if (!argv)
		return;
	for (i = 0; i < ARGS_CNT && b->len - start < ARGS_STOP; i++) {
		if (!arg_pointer(sc, argv, i, &from) || !from)
			break;
		n = bpf_probe_read_user_str(rec_at(b->s, b->len), ARG_MAX, (void *)from);
		if (n <= 0)
			break;
		if (n >= ARG_MAX)
			ev->flags |= EV_EXEC_FAILED_CUT;
		b->len += n & (2 * ARG_MAX - 1);
		from = 0;
	}
	/* Not at the NULL that ends them. */
	if (from || i == ARGS_CNT || b->len - start >= ARGS_STOP)
		ev->flags |= EV_EXEC_FAILED_CUT;
	if (b->len == start)
		return;
	ev->args.off = start;
	ev->args.len = b->len - start - 1; /* the last one's NUL ends them */
}

SYSCALL_PROBE(exec_failed_exit)
{
	bool at = sc->nr == NR_execveat;
	struct ev_exec_failed *ev;
	struct build b;

	if (sc->ret >= 0)
		return 0;
	ev = (void *)record_begin(&b, EV_EXEC_FAILED, EV_CLASS_process, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	ev->call = sc->nr;
	ev->err = -sc->ret;
	if (at) {
		ev->at_flags = sc->arg[4];
		ev->flags = EV_EXEC_FAILED_AT;
	}
	fill_args(&b, ev, sc, at ? sc->arg[2] : sc->arg[1]);
	file_fill_at(&b, &ev->file, at ? (int)sc->arg[0] : AT_FDCWD,
		     (void *)(at ? sc->arg[1] : sc->arg[0]), sc->task);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(exec_failed_exit, execve);
SERVES_SYSCALL(exec_failed_exit, execveat);
