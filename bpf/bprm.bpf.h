/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What an exec was asked and how the kernel took it, at sched_process_exec: from struct
 * linux_binprm, which that tracepoint hands over; or, where programs are run by perf and get its
 * record only (compat.bpf.h), from where the kernel has put the same into the new process: the
 * interpreter's name comes from sched_prepare_exec, which the task passed a moment before (6.10).
 * That program can be preempted, and left out; then the name is marked as unknown.
 */
#ifndef VARVE_BPRM_H
#define VARVE_BPRM_H

#include "probe.bpf.h"

static __always_inline void exec_fill_name(struct build *b, struct ev_ref *ref, const char *name)
{
	long n = bpf_probe_read_kernel_str(rec_at(b->s, b->len), EV_PATH_MAX, name);

	if (n <= 0 || n > EV_PATH_MAX)
		return;
	ref->off = b->len;
	ref->len = n - 1;
	b->len += n;
}

#ifdef VARVE_PREEMPTIBLE

/* One thread at most of a process is in an exec. */
struct exec_key {
	__u64 start_ns;
	__u64 tgid;
};

struct exec_interp {
	char name[EV_PATH_MAX]; /* empty: the program is no script */
};

/* Entered at sched_prepare_exec, taken at sched_process_exec. LRU, for execs that fail between. */
extern struct exec_interps_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 512);
	__type(key, struct exec_key);
	__type(value, struct exec_interp);
} exec_interps SEC(".maps");

static __always_inline struct exec_key exec_key_of(struct task_struct *task)
{
	return (struct exec_key){BPF_CORE_READ(task, group_leader, start_boottime),
				 BPF_CORE_READ(task, tgid)};
}

/* A string of a tracepoint's record: its place is in the lower half of its field. */
static __always_inline const char *record_string(void *ctx, __u32 data_loc)
{
	return ctx + (data_loc & 0xffff);
}

#define AT_NULL	  0
#define AT_SECURE 23
#define AUXV_MAX  32

/* The kernel's own copy of what it told the new process. That of a 32-bit one is in halves. */
static __always_inline bool exec_is_secure(void *ctx, struct task_struct *task)
{
	void *auxv = (void *)BPF_CORE_READ(task, mm) +
		     bpf_core_field_offset(struct mm_struct, saved_auxv);
	__u64 pair[2] = {};
	bool is_32;
	__u32 i;

	bpf_probe_read_kernel(pair, sizeof(pair), auxv);
	is_32 = pair[0] >> 32; /* the first one's value, which no kind has zero that comes first */
	for (i = 0; i < AUXV_MAX; i++) {
		bpf_probe_read_kernel(pair, sizeof(pair), auxv + i * (is_32 ? 8 : 16));
		if (is_32) {
			pair[1] = pair[0] >> 32;
			pair[0] = (__u32)pair[0];
		}
		if (pair[0] == AT_SECURE)
			return pair[1];
		if (pair[0] == AT_NULL)
			break;
	}
	return false;
}

static __always_inline void exec_fill_asked(struct build *b, struct ev_exec *ev, void *ctx,
					    struct task_struct *task)
{
	struct trace_event_raw_sched_process_exec *rec = ctx;
	struct exec_key key = exec_key_of(task);
	struct exec_interp *interp = bpf_map_lookup_elem(&exec_interps, &key);

	exec_fill_name(b, &ev->filename, record_string(ctx, rec->__data_loc_filename));
	if (!interp)
		ev->interp.len = EV_EXEC_INTERP_UNKNOWN;
	else if (interp->name[0])
		exec_fill_name(b, &ev->interp, interp->name);
	bpf_map_delete_elem(&exec_interps, &key);
	/* On top of the new stack, below the arguments. */
	if (bpf_probe_read_user(&ev->args_cnt, sizeof(ev->args_cnt),
				(void *)BPF_CORE_READ(task, mm, start_stack)))
		ev->args_cnt = EV_EXEC_COUNT_UNKNOWN;
}

#else

static __always_inline struct linux_binprm *exec_bprm(void *ctx)
{
	return (void *)((__u64 *)ctx)[2];
}

/* The kernel takes it for privileged. */
static __always_inline bool exec_is_secure(void *ctx, struct task_struct *task)
{
	return BPF_CORE_READ_BITFIELD_PROBED(exec_bprm(ctx), secureexec);
}

/* Names and the number of arguments. */
static __always_inline void exec_fill_asked(struct build *b, struct ev_exec *ev, void *ctx,
					    struct task_struct *task)
{
	struct linux_binprm *bprm = exec_bprm(ctx);
	const char *filename = BPF_CORE_READ(bprm, filename), *interp = BPF_CORE_READ(bprm, interp);

	exec_fill_name(b, &ev->filename, filename);
	if (interp != filename)
		exec_fill_name(b, &ev->interp, interp);
	ev->args_cnt = BPF_CORE_READ(bprm, argc);
}

#endif
#endif
