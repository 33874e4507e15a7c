/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * ptrace: a process took control of another one, or changed it, or tried to. What only looks or
 * lets it go on is left out: a tracer makes those calls by the thousand, and had to take control
 * first.
 */
#include "syscall.bpf.h"

#define PTRACE_TRACEME				0
#define PTRACE_PEEKTEXT				1
#define PTRACE_PEEKDATA				2
#define PTRACE_PEEKUSR				3
#define PTRACE_POKETEXT				4
#define PTRACE_POKEDATA				5
#define PTRACE_POKEUSR				6
#define PTRACE_KILL				8
#define PTRACE_SETREGS				13
#define PTRACE_SETFPREGS			15
#define PTRACE_ATTACH				16
#define PTRACE_SETFPXREGS			19
#define PTRACE_SET_THREAD_AREA			26
#define PTRACE_ARCH_PRCTL			30
#define PTRACE_SETOPTIONS			0x4200
#define PTRACE_SETSIGINFO			0x4203
#define PTRACE_SETREGSET			0x4205
#define PTRACE_SEIZE				0x4206
#define PTRACE_SETSIGMASK			0x420b
#define PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG 0x4210
#define PTRACE_SET_SYSCALL_INFO			0x4212

static __always_inline bool takes_or_changes(__u64 request)
{
	switch (request) {
	case PTRACE_TRACEME:
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
	case PTRACE_POKEUSR:
	case PTRACE_KILL:
	case PTRACE_SETREGS:
	case PTRACE_SETFPREGS:
	case PTRACE_ATTACH:
	case PTRACE_SETFPXREGS:
	case PTRACE_SET_THREAD_AREA:
	case PTRACE_ARCH_PRCTL:
	case PTRACE_SETSIGINFO:
	case PTRACE_SETREGSET:
	case PTRACE_SEIZE:
	case PTRACE_SETSIGMASK:
	case PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG:
	case PTRACE_SET_SYSCALL_INFO:
		return true;
	}
	return false;
}

SYSCALL_PROBE(ptrace_exit)
{
	struct ev_ptrace *ev;
	struct build b;

	if (!takes_or_changes(sc->arg[0]))
		return 0;
	ev = (void *)record_begin(&b, EV_PTRACE, EV_CLASS_process, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	ev->request = sc->arg[0];
	ev->ns_pid = sc->arg[1];
	ev->address = sc->arg[2];
	ev->data = sc->arg[3];
	ev->err = syscall_errno(sc->ret);
	if (sc->is_32)
		ev->flags = EV_PTRACE_32;
	if (ev->request != PTRACE_TRACEME)
		peer_fill_ns_pid(&ev->target, sc->task, ev->ns_pid);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(ptrace_exit, ptrace);
