/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * unlink: a name was removed. As with rename, the name comes from user memory, marked so. Removed
 * directories are another kind.
 */
#include "syscall.bpf.h"
#include "path.bpf.h"

SEC("tp_btf/sys_exit")
int unlink_exit(__u64 *ctx)
{
	struct ev_unlink *ev;
	struct syscall sc;
	struct build b;
	bool at;

	if (ctx[1] || !syscall_begin(&sc, ctx))
		return 0;
	at = sc.nr == NR_unlinkat;
	if (at && sc.arg[2] & AT_REMOVEDIR)
		return 0;
	ev = (void *)record_begin(&b, EV_UNLINK, EV_CLASS_file, sc.cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc.task);
	file_fill_at(&b, &ev->file, at ? (int)sc.arg[0] : AT_FDCWD,
		     (void *)(at ? sc.arg[1] : sc.arg[0]), sc.task);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(unlink_exit, NR_unlink);
SERVES_SYSCALL(unlink_exit, NR_unlinkat);
