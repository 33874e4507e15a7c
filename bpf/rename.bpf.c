/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * rename: a name was changed. At the call's exit the kernel's copies of the names are gone, so they
 * come from user memory, marked so; directories given by descriptor, and the working directory, are
 * the kernel's.
 */
#include "syscall.bpf.h"
#include "path.bpf.h"

SEC("tp_btf/sys_exit")
int rename_exit(__u64 *ctx)
{
	struct ev_rename *ev;
	struct syscall sc;
	struct build b;

	if (ctx[1] || !syscall_begin(&sc, ctx))
		return 0;
	ev = (void *)record_begin(&b, EV_RENAME, EV_CLASS_file, sc.cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc.task);
	if (sc.nr == NR_rename) {
		file_fill_at(&b, &ev->from, AT_FDCWD, (void *)sc.arg[0], sc.task);
		file_fill_at(&b, &ev->to, AT_FDCWD, (void *)sc.arg[1], sc.task);
	} else {
		file_fill_at(&b, &ev->from, sc.arg[0], (void *)sc.arg[1], sc.task);
		file_fill_at(&b, &ev->to, sc.arg[2], (void *)sc.arg[3], sc.task);
	}
	ev->flags = sc.nr == NR_renameat2 ? sc.arg[4] : 0;
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(rename_exit, NR_rename);
SERVES_SYSCALL(rename_exit, NR_renameat);
SERVES_SYSCALL(rename_exit, NR_renameat2);
