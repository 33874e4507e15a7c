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

/*
 * One argument, whose pointer is at an address of the process's. 0: it was the last. A global
 * function, which the verifier checks once and not for each turn of the loop.
 */
__noinline int exec_failed_arg(__u32 slot, __u64 at, __u32 size)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	__u64 from = 0;
	__u32 pos;
	long n;

	if (!s)
		return 0;
	if (bpf_probe_read_user(&from, size == 4 ? 4 : 8, (void *)at) || !from)
		return 0;
	pos = s->args.pos;
	n = pos < s->args.end ? user_string_read(rec_at(s, pos), ARG_MAX, (void *)from) : 0;
	s->args.cut |= n <= 0 || n >= ARG_MAX;
	if (n <= 0)
		return 0;
	s->args.pos = pos + n;
	return 1;
}

static __always_inline void fill_args(struct build *b, struct ev_exec_failed *ev, bool is_32,
				      __u64 argv)
{
	struct args_scan *args = &b->s->args;
	__u32 i, start = b->len, size = is_32 ? 4 : 8, pos;

	args->pos = start;
	args->end = start + ARGS_STOP;
	args->cut = 0;
	for (i = 0; i <= ARGS_CNT; i++) { /* the last turn only finds that there is one more */
		if (i == ARGS_CNT)
			args->end = 0;
		if (!exec_failed_arg(b->slot, argv + i * size, size))
			break;
	}
	pos = args->pos;
	if (args->cut)
		ev->flags |= EV_EXEC_FAILED_CUT;
	if (pos <= start || pos > start + ARGS_STOP + ARG_MAX)
		return;
	b->len = pos;
	ev->args.off = start;
	ev->args.len = pos - start - 1; /* the last one's NUL ends them */
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
	ev->err = syscall_errno(sc->ret);
	if (at) {
		ev->at_flags = sc->arg[4];
		ev->flags = EV_EXEC_FAILED_AT;
	}
	fill_args(&b, ev, sc->is_32, at ? sc->arg[2] : sc->arg[1]);
	file_fill_at(&b, &ev->file, at ? (int)sc->arg[0] : AT_FDCWD,
		     (void *)(at ? sc->arg[1] : sc->arg[0]), sc->task);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(exec_failed_exit, execve);
SERVES_SYSCALL(exec_failed_exit, execveat);
