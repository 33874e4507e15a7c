/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * exec: a process runs a new program. sched_process_exec fires when the kernel has committed to it:
 * other threads are gone, the new image is mapped and its stack holds the arguments, which nobody
 * has run to change yet. So reading them there, unlike at the call's entry, gives what the program
 * gets.
 */
#include "member.bpf.h"
#include "path.bpf.h"
#include "bprm.bpf.h"

#define ARGS_HALF (EV_ARGS_MAX / 2)

static __always_inline long args_read(void *dst, __u64 len, __u64 src)
{
	asm volatile("" : "+r"(len));
	if (len > EV_ARGS_MAX)
		return -EFAULT;
	return bpf_probe_read_user(dst, len, (void *)src);
}

/* Appends the arguments: whole, or the first and the last half of the bound. */
static __always_inline void exec_fill_args(struct build *b, struct ev_exec *ev,
					   struct task_struct *task)
{
	__u64 start = BPF_CORE_READ(task, mm, arg_start), end = BPF_CORE_READ(task, mm, arg_end);
	__u64 len = end - start;
	bool cut = len > EV_ARGS_MAX;
	__u64 head = cut ? ARGS_HALF : len;

	ev->args_len = len;
	if (end < start)
		return;
	ev->args_err = -args_read(b->s->rec + sizeof(*ev), head, start);
	if (ev->args_err)
		return;
	ev->args.off = b->len;
	ev->args.len = head;
	b->len += head;
	tail_end(b);
	if (!cut)
		return;
	ev->args_err =
		-args_read(b->s->rec + sizeof(*ev) + ARGS_HALF + 1, ARGS_HALF, end - ARGS_HALF);
	if (ev->args_err)
		return;
	ev->args_tail.off = b->len;
	ev->args_tail.len = ARGS_HALF;
	b->len += ARGS_HALF;
	tail_end(b);
}

#ifdef VARVE_PREEMPTIBLE

struct exec_interps_map exec_interps SEC(".maps");

/* In a section of its own: the skeleton knows the places of the other object's data. */
const volatile struct exec_interp no_interp SEC(".rodata.interp") = {};

/* By tp_btf: perf's record of it has the name twice, which is too long for perf if it is a long
 * one. */
SEC("?tp_btf/sched_prepare_exec")
int exec_prepare(__u64 *ctx)
{
	struct linux_binprm *bprm = (void *)ctx[1];
	struct exec_key key = exec_key_of(current_task());
	const char *name = BPF_CORE_READ(bprm, interp);
	struct exec_interp *interp;
	__u64 cgid;

	if (!current_in_scope(&cgid) ||
	    bpf_map_update_elem(&exec_interps, &key, (const void *)&no_interp, BPF_ANY))
		return 0;
	interp = bpf_map_lookup_elem(&exec_interps, &key);
	if (interp && name != BPF_CORE_READ(bprm, filename))
		bpf_probe_read_kernel_str(interp->name, sizeof(interp->name), name);
	return 0;
}

#endif

SEC(TASK_TP("sched", "sched_process_exec"))
int exec_tp(void *ctx)
{
	struct task_struct *task = current_task();
	struct ev_exec *ev;
	struct build b;
	__u64 cgid;

	if (!current_in_scope(&cgid))
		return TASK_TP_DONE;
	if (cfg_hierarchy)
		escapee_after_exec(task);
	ev = (void *)record_begin(&b, EV_EXEC, EV_CLASS_process, cgid, sizeof(*ev));
	if (!ev)
		return TASK_TP_DONE;
	task_fill(&ev->hdr.task, task);
	exec_fill_args(&b, ev, task);
	exec_fill_asked(&b, ev, ctx, task);
	file_fill(&b, &ev->exe, BPF_CORE_READ(task, mm, exe_file), task);
	file_fill_cwd(&b, &ev->cwd, task);
	task_fill_namespaces(&ev->ns, task);
	task_fill_tty(ev->tty, task);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return TASK_TP_DONE;
}
