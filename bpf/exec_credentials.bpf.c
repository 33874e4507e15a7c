/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * credentials, by an exec that the kernel itself takes for privileged (set-user-id, file
 * capabilities). A file of its own for its name: programs are linked, and so attached and run, in
 * the order of their files' names, and the EXEC that says what the process runs has to come first.
 */
#include "bprm.bpf.h"
#include "task.bpf.h"

SEC(TASK_TP("sched", "sched_process_exec"))
int credentials_exec(void *ctx)
{
	struct task_struct *task = current_task();
	struct ev_credentials *ev;
	struct build b;
	__u64 cgid;

	if (!current_in_scope(&cgid) || !exec_is_secure(ctx, task))
		return TASK_TP_DONE;
	ev = (void *)record_begin(&b, EV_CREDENTIALS, EV_CLASS_process, cgid, sizeof(*ev));
	if (!ev)
		return TASK_TP_DONE;
	task_fill(&ev->hdr.task, task);
	cred_fill(&ev->after, BPF_CORE_READ(task, cred));
	ev->call = EV_CREDENTIALS_EXEC;
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return TASK_TP_DONE;
}
