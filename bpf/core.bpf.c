/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Defines what the probes share (declared in probe.bpf.h), and the one program on sys_exit. */
#include "socket_owner.bpf.h"
#include "pending.bpf.h"
#include "uring.bpf.h"
#include "connection.bpf.h"
#include "member.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

struct scratch_map scratch SEC(".maps");
struct events_map events SEC(".maps");
struct decisive_map decisive SEC(".maps");
struct accounts_map accounts SEC(".maps");
struct scope_map scope SEC(".maps");
struct escapees_map escapees SEC(".maps");
struct current_set_map current_set SEC(".maps");
struct shared_map shared SEC(".maps");
struct members_map members SEC(".maps");
struct pending_map pending SEC(".maps");
struct uring_names_map uring_names SEC(".maps");
struct uring_owner_map uring_owner SEC(".maps");
struct uring_many_map uring_many SEC(".maps");
struct connections_map connections SEC(".maps");
struct owners_map owners SEC(".maps");
struct sending_map sending SEC(".maps");

const volatile __u32 cfg_generation = 0;
const volatile __u8 cfg_scope_all = 0;
const volatile __u32 cfg_hierarchy = 0;
const volatile __u32 cfg_subsys = 0;
const volatile __u8 cfg_user_names[EV_NAMES_CNT] = {};
const volatile __u8 cfg_uring_cqe = 0;
const volatile __u32 cfg_pending_base = EV_SCRATCH_PER_CPU; /* times CPUs */
const volatile __u64 cfg_ring_mark = 4 << 20;
const volatile __u64 cfg_decisive_mark = 2 << 20;
const volatile __u64 cfg_share_ring_size = 0;
const volatile __u64 cfg_share_decisive_size = 0;
const volatile __u64 cfg_share_cpus = 1;
const volatile struct ev_account account_zero = {};
const volatile __u16 ia32_nr[2 * EV_SYSCALL_CNT] = {};

__u32 epoch = 1; /* counters begin with 0 */
__u32 self_tgid = 0;
__u32 limit_began = 0;

/* The policy that SIGHUP sets anew, while programs run. Zero at first, so that all of it is in .bss. */
volatile __u8 policy_read_opens = 0;
volatile __u8 policy_read_opens_host = 0;
volatile __u8 policy_kinds_off[EV_KINDS_MAX] = {};
volatile __u64 policy_rate_interval_ns[EV_CLASS_ROOM] = {};
volatile __u64 policy_rate_burst_ns[EV_CLASS_ROOM] = {};
volatile __u8 policy_fair_share = 0;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2 * EV_SYSCALL_CNT + EV_SOCKETCALL_CNT);
	__type(key, __u32);
	__type(value, __u32);
} syscall_progs SEC(".maps");

/*
 * Every system call of the machine passes here on its way out, so this must cost next to nothing: a
 * tail call by number, which fails at once where no program serves it. Hence plain loads, which the
 * kernel's checks of ctx and of the current task allow, not calls of a helper.
 */
SEC(TASK_TP("raw_syscalls", "sys_exit"))
int core_sys_exit(void *ctx)
{
	struct pt_regs *regs = sys_exit_regs(ctx);

	bpf_tail_call(ctx, &syscall_progs,
		      syscall_index_of(regs->orig_ax, current_is_compat(), regs->bx));
	return TASK_TP_DONE;
}

#ifdef VARVE_PREEMPTIBLE

/* One account, by CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* CPUs; set before load */
	__type(key, __u32);
	__type(value, struct ev_account);
} account_copy SEC(".maps");

/*
 * Run by the sensor to read the account of cgroup ctx[0]; 0: there is none. While user space looks
 * into a map by system call, which can be preempted as well, perf runs no program on that CPU.
 */
SEC("raw_tp")
int core_account(__u64 *ctx)
{
	__u64 cgid = ctx[0];
	struct ev_account *from, *to;
	__u32 cpu;

	if (!bpf_map_lookup_elem(&accounts, &cgid))
		return 0;
	for (cpu = 0; cpu < cfg_pending_base / EV_SCRATCH_PER_CPU; cpu++) {
		from = bpf_map_lookup_percpu_elem(&accounts, &cgid, cpu);
		to = bpf_map_lookup_elem(&account_copy, &cpu);
		if (from && to)
			bpf_probe_read_kernel(to, sizeof(*to), from); /* too long for a memcpy */
	}
	return 1;
}

#endif

/* How far an earlier sensor had come with each cgroup: sensor/book.h. Nothing here looks into it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);	     /* and */
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(__u64)); /* both set before load */
} books SEC(".maps");

/* Run by the sensor on each CPU: from here on these programs record there, and no others. */
SEC("raw_tp")
int core_take_over(void *ctx)
{
	__u32 cpu = bpf_get_smp_processor_id(), *now = bpf_map_lookup_elem(&current_set, &cpu);

	if (now)
		*now = cfg_generation;
	return cpu;
}

/* Run once by the sensor, in its own context: in another pid namespace getpid() would name another
 * process. */
SEC("raw_tp")
int core_self(void *ctx)
{
	self_tgid = bpf_get_current_pid_tgid() >> 32;
	return 0;
}
