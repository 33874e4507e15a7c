/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The arguments of a task's program, as they are in its memory now. */
#ifndef VARVE_ARGS_H
#define VARVE_ARGS_H

#include "path.bpf.h"

/* Appends the first `max` bytes of the current task's. */
static __always_inline void args_append(struct build *b, struct ev_ref *ref,
					struct task_struct *task, __u32 max)
{
	__u64 start = BPF_CORE_READ(task, mm, arg_start), end = BPF_CORE_READ(task, mm, arg_end);
	__u64 len = end - start;

	if (len > max)
		len = max;
	asm volatile("" : "+r"(len));
	if (end <= start || len > max ||
	    bpf_probe_read_user(rec_at(b->s, b->len), len, (void *)start))
		return;
	ref->off = b->len;
	ref->len = len;
	b->len += len;
	tail_end(b);
}

#endif
