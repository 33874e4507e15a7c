/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * process_memory: a process read or wrote another one's memory by process_vm_readv or
 * process_vm_writev, or failed to. That it opened /proc/PID/mem is seen where files are opened
 * (process_memory.bpf.h).
 */
#include "syscall.bpf.h"

/* Where the other process's first piece is: struct iovec begins with it. */
static __always_inline bool read_address(const struct syscall *sc, __u64 *ret)
{
	*ret = 0;
	return sc->arg[4] && !bpf_probe_read_user(ret, sc->is_32 ? 4 : 8, (void *)sc->arg[3]);
}

SYSCALL_PROBE(process_memory_exit)
{
	struct ev_process_memory *ev;
	struct build b;

	ev = (void *)record_begin(&b, EV_PROCESS_MEMORY, EV_CLASS_process, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	ev->how = EV_MEMORY_CALL;
	ev->ns_pid = sc->arg[0];
	if (sc->nr == NR_process_vm_writev)
		ev->flags |= EV_MEMORY_WRITE;
	if (read_address(sc, &ev->address))
		ev->flags |= EV_MEMORY_HAS_ADDRESS;
	if (sc->ret < 0)
		ev->err = syscall_errno(sc->ret);
	else
		ev->bytes = sc->ret;
	peer_fill_ns_pid(&ev->target, sc->task, ev->ns_pid);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(process_memory_exit, process_vm_readv);
SERVES_SYSCALL(process_memory_exit, process_vm_writev);
