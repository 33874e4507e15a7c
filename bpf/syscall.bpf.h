/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What a program that serves a system call's exit starts with. Its arguments are still in the saved
 * registers (x86-64); what they point to is user memory.
 */
#ifndef VARVE_SYSCALL_H
#define VARVE_SYSCALL_H

#include "probe.bpf.h"

/* x86-64 numbers, <asm/unistd_64.h>. */
#define NR_open		     2
#define NR_connect	     42
#define NR_accept	     43
#define NR_rename	     82
#define NR_creat	     85
#define NR_unlink	     87
#define NR_openat	     257
#define NR_unlinkat	     263
#define NR_renameat	     264
#define NR_accept4	     288
#define NR_open_by_handle_at 304
#define NR_renameat2	     316
#define NR_openat2	     437

struct syscall {
	struct task_struct *task;
	__u64 cgid;
	__u64 nr;
	__u64 arg[5];
	long ret;
};

/* False if the call is not to be recorded: out of scope, the sensor's own, or a 32-bit one. */
static __always_inline bool syscall_begin(struct syscall *sc, __u64 *ctx)
{
	struct pt_regs *regs = (void *)ctx[0];

	if (!current_in_scope(&sc->cgid))
		return false;
	sc->task = current_task();
	if (syscall_is_compat(sc->task))
		return false;
	sc->ret = ctx[1];
	sc->nr = BPF_CORE_READ(regs, orig_ax);
	sc->arg[0] = BPF_CORE_READ(regs, di);
	sc->arg[1] = BPF_CORE_READ(regs, si);
	sc->arg[2] = BPF_CORE_READ(regs, dx);
	sc->arg[3] = BPF_CORE_READ(regs, r10);
	sc->arg[4] = BPF_CORE_READ(regs, r8);
	return true;
}

#endif
