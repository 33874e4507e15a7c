/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * signal: a process sent a signal to another one, or tried to and was refused.
 *
 * Signals that the kernel sends, often in an interrupt on some other task's time, are told by their
 * code. Four negative ones are ambiguous: the kernel's own (timers, message queues, asynchronous
 * I/O), or put there by who calls rt_sigqueueinfo; then the current task is in that call.
 *
 * The record is the sender's; a sender that is not in scope is recorded with the container of its
 * target, if the signal was sent.
 */
#include "syscall.bpf.h"

/* x86-64, then i386. */
#define CALL_rt_sigqueueinfo	 129
#define CALL_rt_tgsigqueueinfo	 297
#define CALL_pidfd_send_signal	 424
#define CALL32_rt_sigqueueinfo	 178
#define CALL32_rt_tgsigqueueinfo 335

static __always_inline bool is_queueing(struct task_struct *task)
{
	struct pt_regs *regs = task_regs(task);
	__u64 nr = regs ? BPF_CORE_READ(regs, orig_ax) : 0;

	if (nr == CALL_pidfd_send_signal)
		return true;
	if (syscall_is_compat(task))
		return nr == CALL32_rt_sigqueueinfo || nr == CALL32_rt_tgsigqueueinfo;
	return nr == CALL_rt_sigqueueinfo || nr == CALL_rt_tgsigqueueinfo;
}

/* SEND_SIG_NOINFO is 0, SEND_SIG_PRIV 1: from the kernel, both. */
static __always_inline bool is_from_process(struct kernel_siginfo *info, struct task_struct *task,
					    int *code)
{
	if ((__u64)info <= 1)
		return false;
	*code = BPF_CORE_READ(info, si_code);
	if (*code > 0)
		return false;
	return *code > SI_TIMER || *code < SI_SIGIO || is_queueing(task);
}

SEC("tp_btf/signal_generate")
int BPF_PROG(signal_generate, int sig, struct kernel_siginfo *info, struct task_struct *target,
	     int group, int result)
{
	struct task_struct *task = current_task();
	__u64 pid = bpf_get_current_pid_tgid(), cgid;
	struct ev_signal *ev;
	__u32 flags = 0;
	struct build b;
	int code = 0;

	if (pid >> 32 == (__u32)BPF_CORE_READ(target, tgid) || !is_from_process(info, task, &code))
		return 0;
	if (!current_in_scope(&cgid)) {
		cgid = task_cgroup(target);
		if (!in_scope(cgid) || pid >> 32 == self_tgid)
			return 0;
		flags |= EV_SIGNAL_FROM_OUTSIDE;
	}
	ev = (void *)record_begin(&b, EV_SIGNAL, EV_CLASS_process, cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, task);
	peer_fill(&ev->target, target, !group);
	ev->signal = sig;
	ev->code = code;
	ev->result = result;
	ev->flags = flags | (group ? 0 : EV_SIGNAL_TO_THREAD);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

/* What a call was asked. */
struct signal_asked {
	__s32 pid;  /* the thread or process; 0: pidfd_send_signal names none */
	__s32 tgid; /* the process that the thread is to be of; 0: any */
	__s32 signal;
};

static __always_inline struct signal_asked signal_asked(const struct syscall *sc)
{
	if (sc->nr == NR_tgkill || sc->nr == NR_rt_tgsigqueueinfo)
		return (struct signal_asked){sc->arg[1], sc->arg[0], sc->arg[2]};
	return (struct signal_asked){sc->nr == NR_pidfd_send_signal ? 0 : sc->arg[0], 0,
				     sc->arg[1]};
}

/* NULL: there is none, or it is of another process than was asked for. */
static __always_inline struct task_struct *signal_target(struct task_struct *task,
							 const struct signal_asked *asked)
{
	struct task_struct *target = asked->pid > 0 ? task_named(task, asked->pid) : 0, *leader;

	if (!target || !asked->tgid)
		return target;
	leader = task_named(task, asked->tgid);
	return BPF_CORE_READ(target, tgid) == BPF_CORE_READ(leader, tgid) ? target : 0;
}

/* A failure. A full queue (EAGAIN) passes signal_generate. */
SYSCALL_PROBE(signal_exit)
{
	bool to_thread =
		sc->nr == NR_tkill || sc->nr == NR_tgkill || sc->nr == NR_rt_tgsigqueueinfo;
	struct signal_asked asked = signal_asked(sc);
	struct task_struct *task = sc->task, *target;
	struct ev_signal *ev;
	struct build b;

	if (sc->ret >= 0 || sc->ret == -EAGAIN || !asked.signal)
		return 0;
	if (asked.tgid && asked.tgid == (__s32)task_ns_tgid(BPF_CORE_READ(task, group_leader)))
		return 0; /* a thread of its own, which may have ended */
	target = signal_target(task, &asked);
	if (target && BPF_CORE_READ(target, tgid) == BPF_CORE_READ(task, tgid))
		return 0;
	ev = (void *)record_begin(&b, EV_SIGNAL, EV_CLASS_process, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, task);
	if (target)
		peer_fill(&ev->target, target, to_thread);
	ev->signal = asked.signal;
	ev->err = syscall_errno(sc->ret);
	ev->call = sc->nr;
	ev->target_pid = asked.pid;
	ev->flags = (to_thread ? EV_SIGNAL_TO_THREAD : 0) |
		    (sc->nr == NR_pidfd_send_signal ? 0 : EV_SIGNAL_HAS_PID);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(signal_exit, kill);
SERVES_SYSCALL(signal_exit, tkill);
SERVES_SYSCALL(signal_exit, tgkill);
SERVES_SYSCALL(signal_exit, rt_sigqueueinfo);
SERVES_SYSCALL(signal_exit, rt_tgsigqueueinfo);
SERVES_SYSCALL(signal_exit, pidfd_send_signal);
