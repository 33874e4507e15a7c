/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Probes on system calls. A probe file writes one function that is called with a call that has
 * ended, whatever it was seen by:
 *
 *	SYSCALL_PROBE(rmdir_exit)          the function's head; `sc` is the call
 *	{
 *		... sc->nr, sc->arg, sc->ret ...
 *	}
 *	SERVES_SYSCALL(rmdir_exit, rmdir); one line for each call that it serves
 *
 * The tracepoint set reaches it by a tail call out of the one program on sys_exit (core.bpf.c); the
 * trampoline set by a program on the exit of each of the calls, for the kernel's 64-bit and its
 * 32-bit entry. A kernel function that serves several calls, and io_uring, can stand in for all of
 * them:
 *
 *	SEC("?fexit/do_rmdir") int BPF_PROG(rmdir_fn, ...) { ... }
 *	INSTEAD_OF(rmdir_fn, rmdir_exit);
 *
 * A program on a kernel function that only keeps what the call's exit then takes (pending.bpf.h) is
 * optional:
 *
 *	SEC("?fentry/chmod_common") int BPF_PROG(mode_enter, ...) { ... }
 *	HELPS(mode_enter, mode_exit);
 *
 * sensor/probes.c chooses: functions if all that stand in attach, else the calls' own exits, else
 * sys_exit. Arguments are in the saved registers (x86-64); what they point to is user memory.
 */
#ifndef VARVE_SYSCALL_H
#define VARVE_SYSCALL_H

#include "path.bpf.h"

enum syscall_nr {
#define SYSCALL(name, nr, nr32) NR_##name = nr,
#include "syscalls.def"
};
enum syscall_nr32 {
#define SYSCALL(name, nr, nr32) NR32_##name = nr32,
#include "syscalls.def"
};

#define NR32_SOCKETCALL 102
#define X32_BIT		0x40000000u

struct syscall {
	struct task_struct *task;
	__u64 cgid;
	__u64 nr; /* NR_*, also of a 32-bit call */
	__u64 arg[6];
	long ret;
	struct file *file; /* of io_uring: what its first argument would be the descriptor of */
	bool is_32;
	bool is_direct; /* of io_uring: the result is a place in the ring's own table, no descriptor */
	enum name_memory memory; /* that the arguments point to */
};

/*
 * Where a call is in the map `syscall_progs`: 64-bit and x32 calls by their number, 32-bit ones
 * behind EV_SYSCALL_CNT, those of socketcall(2) behind twice that. EV_SYSCALL_NONE: nowhere.
 */
static __always_inline __u32 syscall_index_of(__u64 orig_ax, bool is_32, __u64 bx)
{
	__u32 nr = orig_ax;

	if (!is_32)
		nr &= ~X32_BIT;
	if (nr >= EV_SYSCALL_CNT)
		return EV_SYSCALL_NONE;
	if (!is_32)
		return nr;
	if (nr == NR32_SOCKETCALL)
		return 2 * EV_SYSCALL_CNT + (bx & (EV_SOCKETCALL_CNT - 1));
	return EV_SYSCALL_CNT + nr;
}

/* False if the current task's events are not to be recorded. Fills task and cgroup. */
static __always_inline bool syscall_in_scope(struct syscall *sc)
{
	if (!current_in_scope(&sc->cgid))
		return false;
	sc->task = current_task();
	return true;
}

static __always_inline void syscall_args(struct syscall *sc, struct pt_regs *regs)
{
	sc->arg[0] = BPF_CORE_READ(regs, di);
	sc->arg[1] = BPF_CORE_READ(regs, si);
	sc->arg[2] = BPF_CORE_READ(regs, dx);
	sc->arg[3] = BPF_CORE_READ(regs, r10);
	sc->arg[4] = BPF_CORE_READ(regs, r8);
	sc->arg[5] = BPF_CORE_READ(regs, r9);
}

/* Of socketcall(2) the arguments are an array in user memory. */
static __always_inline void syscall_args_32(struct syscall *sc, struct pt_regs *regs)
{
	__u32 i, args[6] = {};

	if (BPF_CORE_READ(regs, orig_ax) == NR32_SOCKETCALL) {
		bpf_probe_read_user(args, sizeof(args),
				    (void *)(__u64)(__u32)BPF_CORE_READ(regs, cx));
	} else {
		args[0] = BPF_CORE_READ(regs, bx);
		args[1] = BPF_CORE_READ(regs, cx);
		args[2] = BPF_CORE_READ(regs, dx);
		args[3] = BPF_CORE_READ(regs, si);
		args[4] = BPF_CORE_READ(regs, di);
		args[5] = BPF_CORE_READ(regs, bp);
	}
	for (i = 0; i < 6; i++)
		sc->arg[i] = args[i];
}

/* False: not to be recorded. */
static __always_inline bool syscall_begin(struct syscall *sc, struct pt_regs *regs, long ret)
{
	__u32 index;

	if (!syscall_in_scope(sc))
		return false;
	sc->ret = ret;
	sc->memory = NAME_USER;
	sc->is_32 = syscall_is_compat(sc->task);
	index = syscall_index_of(BPF_CORE_READ(regs, orig_ax), sc->is_32, BPF_CORE_READ(regs, bx));
	if (!sc->is_32) {
		sc->nr = index;
		syscall_args(sc, regs);
	} else {
		sc->nr = ia32_nr[(index - EV_SYSCALL_CNT) & (2 * EV_SYSCALL_CNT - 1)];
		sc->ret = (int)sc->ret;
		syscall_args_32(sc, regs);
	}
	hide_values(sc);
	return true;
}

/* The file that the call's argument i (of the first) is the descriptor of; NULL if there is none. */
static __always_inline struct file *syscall_file(const struct syscall *sc, __u32 i)
{
	return sc->file && !i ? sc->file : file_of_fd(sc->task, sc->arg[i & 3]);
}

/* A name among the arguments, relative to a directory's descriptor. */
static __always_inline void file_fill_arg(struct build *b, struct ev_file *f,
					  const struct syscall *sc, int dfd, __u64 name)
{
	file_fill_name(b, f, dfd, (void *)name, sc->memory, sc->task);
}

/* What user space sees of a result: the restart codes are EINTR to it, unless the call begins anew. */
static __always_inline __u32 syscall_errno(long ret)
{
	if (ret >= 0)
		return 0;
	return ret <= -ERESTARTSYS ? EINTR : -ret;
}

#define SYSCALL_PROBE(program)                                                     \
	static int program##_body(struct syscall *sc);                             \
	static __always_inline int program##_call(struct pt_regs *regs, long ret)  \
	{                                                                          \
		struct syscall sc = {};                                            \
                                                                                   \
		return syscall_begin(&sc, regs, ret) ? program##_body(&sc) : 0;    \
	}                                                                          \
	SEC(TASK_TP("raw_syscalls", "sys_exit"))                                   \
	int program(void *ctx)                                                     \
	{                                                                          \
		program##_call(sys_exit_regs(ctx), sys_exit_result(ctx));          \
		return TASK_TP_DONE;                                               \
	}                                                                          \
	static __noinline int program##_body(struct syscall *sc)

#define SERVES_SYSCALL(program, name)                                                           \
	const volatile struct ev_syscall syscall_##program##_##name SEC(".rodata.syscalls") = { \
		#program, #name, NR_##name, NR32_##name};                                       \
	SEC("?fexit/__x64_sys_" #name)                                                          \
	int x64_##name(__u64 *ctx)                                                              \
	{                                                                                       \
		return program##_call(call_regs(ctx), ctx[1]);                                  \
	}                                                                                       \
	SEC("?fexit/__ia32_sys_" #name)                                                         \
	int ia32_##name(__u64 *ctx)                                                             \
	{                                                                                       \
		return program##_call(call_regs(ctx), ctx[1]);                                  \
	}

/* `program`, on a kernel function, makes the records that `served` would make. */
#define INSTEAD_OF(program, served)                                                   \
	const volatile struct ev_instead instead_##program SEC(".rodata.instead") = { \
		#program, #served, 0}
/* The same of a function that io_uring calls as well. */
#define INSTEAD_OF_URING_TOO(program, served)                                         \
	const volatile struct ev_instead instead_##program SEC(".rodata.instead") = { \
		#program, #served, 1}

/* `program`, on a kernel function, tells `served` what user memory alone would tell it otherwise. */
#define HELPS(program, served)                                                               \
	const volatile struct ev_instead helps_##program SEC(".rodata.helps") = {#program, \
										 #served, 0}

#endif
