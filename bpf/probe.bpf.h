/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What every probe includes: the shared maps, and how a record is made.
 *
 *	ev = record_begin(&b, EV_OPEN, EV_CLASS_file, cgid, sizeof(*ev))
 *	... fill the fixed part, append to the tail ...
 *	record_submit(&b, BPF_RB_NO_WAKEUP)
 *
 * record_begin takes the number, always, before anything can fail; what fails after it is a counted
 * loss. The record is built in a scratch buffer and copied to the ring, since bpf_ringbuf_reserve()
 * needs a constant size and our records vary from 200 bytes to 50 KiB. No probe wakes the reader,
 * which comes on a timer, but for a ring that fills and for records that cannot wait: waking costs
 * more than the record.
 *
 * Built three times: VARVE_BEFORE_5_12 is for kernels before 5.12, which have no atomic operation that
 * gives a value back, and whose tracepoints and trampolines cannot be preempted, only interrupted;
 * VARVE_PREEMPTIBLE for those since 7.0, see TASK_TP in compat.bpf.h.
 */
#ifndef VARVE_PROBE_H
#define VARVE_PROBE_H

#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "event.h"
#include "compat.bpf.h"

/*
 * Buffers to build a record in. More than one for each CPU, since a probe in an interrupt, or on
 * kernels whose tracepoints can be preempted another task's probe, may come in the middle of one.
 * Offsets into rec are masked with REC_MASK, which the verifier understands; hence the slack behind
 * it.
 */
#define REC_MASK  0xffff
#define REC_SLACK 4352

/* A path being walked; in memory, since the functions that walk it are verified once each and share
 * nothing else (path.bpf.c). */
struct path_walk {
	struct dentry *dentry, *root_dentry;
	struct vfsmount *mnt, *root_mnt;
	__u32 pos;   /* the path so far is s->path[pos .. EV_PATH_MAX) */
	__u32 total; /* its whole length, also of what does not fit */
	__u32 flags; /* EV_FILE_* */
	__u32 done;
};

/* A cgroup's name being looked at (container_start.bpf.c). */
struct name_scan {
	__u32 len;
	__u32 hex;    /* length of the run of hex digits that ends here */
	__u32 found;  /* a run of 64 ended at the end of the name, or before ".scope" */
	__u32 conmon; /* letters of "conmon-" matched so far */
};

/* A path being held against the option `read-opens-always` (always.bpf.c). */
struct always_match {
	__u64 place[EV_ALWAYS_WORDS];
	__u32 pos; /* in s->path */
	__u32 pad0;
};

/* Arguments being read one by one (exec_failed.bpf.c). */
struct args_scan {
	__u32 pos; /* in rec, of the next one */
	__u32 end; /* none begins behind */
	__u32 cut;
	__u32 pad0;
};

struct scratch {
	__u64 busy;
	__u64 len; /* of a record that waits for the end of its call, see pending.bpf.h */
	/* The record is of the cgroup's share of the ring. Not on the stack: what the verifier knows of a
	 * value it looks at both ways, from where it knows it on. */
	__u64 share_counts;
	struct path_walk walk;
	struct name_scan scan;
	struct always_match match;
	struct args_scan args;
	__u8 rec[REC_MASK + 1 + REC_SLACK];
	__u8 path[EV_PATH_MAX + 256]; /* a path is written here from its end */
};

extern struct scratch_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EV_SCRATCH_PER_CPU); /* times CPUs, and EV_PENDING_CNT; set before load */
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

/* File and network events: many, and a flood of them must not crowd out the decisive ones. */
extern struct events_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} events SEC(".maps");

/* Process and container events. */
extern struct decisive_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} decisive SEC(".maps");

extern struct accounts_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct ev_account);
} accounts SEC(".maps");

extern struct scope_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct ev_scope);
} scope SEC(".maps");

/*
 * Processes of a container that have left its cgroup: what they do is the container's all the same.
 * By thread group, from cgroup_move.bpf.h.
 */

extern struct escapees_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct ev_escapee);
} escapees SEC(".maps");

/*
 * Which generation of programs records on a CPU. A sensor that takes over attaches its own programs
 * beside those of the one before it, and switches CPU by CPU, in a task of that CPU: where a hook's
 * programs run one after the other with preemption off all see the same (sensor/takeover.c).
 */
extern struct current_set_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* CPUs; set before load */
	__type(key, __u32);
	__type(value, __u32);
} current_set SEC(".maps");

/* One element. */
extern struct shared_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ev_shared);
} shared SEC(".maps");

extern const volatile __u32 cfg_generation; /* of these programs; 0: there are no others */
extern const volatile __u8 cfg_scope_all;
/*
 * cgroup_root.hierarchy_id of the hierarchy whose cgroups containers are told apart by: 0 is v2's,
 * which is set up first; else a v1 hierarchy, of the controller cfg_subsys (enum cgroup_subsys_id).
 */
extern const volatile __u32 cfg_hierarchy;
extern const volatile __u32 cfg_subsys;
extern volatile __u8 policy_read_opens; /* enum conf_read_opens */
extern volatile __u8 policy_read_opens_host; /* the same outside of containers */
extern volatile __u8 policy_kinds_off[EV_KINDS_MAX]; /* by number; 1: not recorded */
extern const volatile __u8 cfg_user_names[EV_NAMES_CNT]; /* 1: names come as pointers to user memory */
extern const volatile __u64 cfg_ring_mark; /* wake the reader when so many bytes wait in `events` */
extern const volatile __u64 cfg_decisive_mark; /* and in `decisive` */
extern const volatile struct ev_account account_zero;
/* The 64-bit number of a 32-bit call; behind EV_SYSCALL_CNT: of a call by socketcall(2). */
extern const volatile __u16 ia32_nr[2 * EV_SYSCALL_CNT];

/* Changed by the sensor each time it settles: first and last times of losses start anew. */
extern __u32 epoch;
/* The sensor itself is not recorded. */
extern __u32 self_tgid;

/* True if it is these programs that record on this CPU. */
static __always_inline bool is_current(void)
{
	__u32 cpu, *now;

	if (!cfg_generation)
		return true;
	cpu = bpf_get_smp_processor_id();
	now = bpf_map_lookup_elem(&current_set, &cpu);
	return now && *now == cfg_generation;
}

/* Where arguments are typed. A program that is not current does nothing at all. */
#undef BPF_PROG
#define BPF_PROG(name, args...)                                                              \
	name(unsigned long long *ctx);                                                       \
	static __always_inline typeof(name(0)) ____##name(unsigned long long *ctx, ##args);  \
	typeof(name(0)) name(unsigned long long *ctx)                                        \
	{                                                                                    \
		_Pragma("GCC diagnostic push")                                               \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")                       \
		return is_current() ? ____##name(___bpf_ctx_cast(args)) : 0;                 \
		_Pragma("GCC diagnostic pop")                                                \
	}                                                                                    \
	static __always_inline typeof(name(0)) ____##name(unsigned long long *ctx, ##args)

/* Entries in `escapees`: mostly none, and then nobody looks. */
static __always_inline __u32 escapee_cnt(void)
{
	__u32 first = 0;
	struct ev_shared *s = bpf_map_lookup_elem(&shared, &first);

	return s ? s->escapees : 0;
}

#include "limit.bpf.h"

static __always_inline bool in_scope(__u64 cgid)
{
	return is_current() && (cfg_scope_all || bpf_map_lookup_elem(&scope, &cgid));
}

/* A pointer that a function returned, as a number: it may be an error, and the verifier forbids
 * arithmetic on pointers. */
static __always_inline long pointer_value(const void *p)
{
	long value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), &p);
	return value;
}

static __always_inline struct task_struct *current_task(void)
{
	return (void *)bpf_get_current_task();
}

/* True if containers are told apart by cgroups of this one's hierarchy. */
static __always_inline bool cgroup_counts(struct cgroup *cgrp)
{
	return (__u32)BPF_CORE_READ(cgrp, root, hierarchy_id) == cfg_hierarchy;
}

/*
 * In a v1 hierarchy each thread can be moved by itself (`tasks`): there a process is where its first
 * thread is.
 */
static __always_inline __u64 task_cgroup_id_v1(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, group_leader, cgroups);
	struct cgroup_subsys_state *css = 0;

	bpf_probe_read_kernel(&css, sizeof(css),
			      (void *)set + bpf_core_field_offset(struct css_set, subsys) +
				      cfg_subsys * sizeof(css));
	return cgroup_id(BPF_CORE_READ(css, cgroup));
}

static __always_inline __u64 task_cgroup_id(struct task_struct *task)
{
	return cfg_hierarchy ? task_cgroup_id_v1(task)
			     : cgroup_id(BPF_CORE_READ(task, cgroups, dfl_cgrp));
}

static __always_inline struct ev_escapee *escapee_of(struct task_struct *task)
{
	struct ev_escapee *e;
	__u32 tgid;

	if (!escapee_cnt())
		return 0;
	tgid = BPF_CORE_READ(task, tgid);
	e = bpf_map_lookup_elem(&escapees, &tgid);
	return e && e->start_ns == BPF_CORE_READ(task, group_leader, start_boottime) ? e : 0;
}

/* The container that a task has left; 0: none. One that is moved into a container this moment is in
 * it, whatever the map still says. */
static __always_inline __u64 escaped_from(struct task_struct *task)
{
	struct ev_escapee *e = escapee_of(task);
	__u64 now;

	if (!e)
		return 0;
	now = task_cgroup_id(task);
	return bpf_map_lookup_elem(&scope, &now) ? 0 : e->container;
}

/* The cgroup that what the current task does is booked on: its own, or the container's that it left. */
static __always_inline __u64 current_cgroup(void)
{
	__u64 from = escaped_from(current_task());

	if (from)
		return from;
	return cfg_hierarchy ? task_cgroup_id(current_task()) : bpf_get_current_cgroup_id();
}

/* True if what the current task does is to be recorded; its cgroup comes out. */
static __always_inline bool current_in_scope(__u64 *cgid)
{
	*cgid = current_cgroup();
	return in_scope(*cgid) && bpf_get_current_pid_tgid() >> 32 != self_tgid;
}

static __always_inline struct ev_count *count_find(__u64 cgid, __u32 class)
{
	struct ev_account *acc = bpf_map_lookup_elem(&accounts, &cgid);

	if (!acc) {
		/* The first event of this cgroup; another CPU may be as far. */
		bpf_map_update_elem(&accounts, &cgid, (const void *)&account_zero, BPF_NOEXIST);
		acc = bpf_map_lookup_elem(&accounts, &cgid);
	}
	if (!acc)
		return 0;
	/* Else the compiler may add the offset before it looks whether there is a value. */
	asm volatile("" : "+r"(acc));
	return class < EV_CLASS_CNT ? &acc->count[class] : 0;
}

static __always_inline void count_lost(struct ev_count *count, __u32 cause)
{
	__u64 now = bpf_ktime_get_boot_ns();

	if (count->lost_epoch != epoch) {
		count->lost_epoch = epoch;
		count->lost_first_ns = now;
	}
	count->lost_last_ns = now;
	__sync_fetch_and_add(&count->lost[cause], 1);
}

/* Held back again after so long without, the sensor is to say so soon. */
#define LIMIT_PAUSE_NS 10000000000ull

/* count: as count_find() gave it. What cannot be booked on its cgroup is on the node's account. */
static __always_inline void suppress(struct ev_count *count, __u32 class, enum ev_suppress reason)
{
	__u64 now = bpf_ktime_get_boot_ns();
	struct ev_suppressed *s;

	if (!count)
		count = count_find(0, class);
	if (!count)
		return;
	s = &count->suppressed[reason];
	/* The first in a while. */
	if (reason >= EV_SUPPRESS_RATE_LIMIT && now - s->last_ns > LIMIT_PAUSE_NS)
		limit_began = 1;
	if (s->epoch != epoch) {
		s->epoch = epoch;
		s->first_ns = now;
	}
	s->last_ns = now;
	__sync_fetch_and_add(&s->count, 1);
}

static __always_inline void count_suppressed(__u64 cgid, __u32 class, enum ev_suppress reason)
{
	suppress(count_find(cgid, class), class, reason);
}

/* True if events of the kind are not recorded, but counted. */
static __always_inline bool kind_is_off(__u16 kind)
{
	return policy_kinds_off[kind & (EV_KINDS_MAX - 1)];
}

/* An event that cannot even be numbered in its cgroup is generated and lost on the node's account.
 */
static __always_inline void count_lost_on_node(__u32 class)
{
	struct ev_count *count = count_find(0, class);

	if (!count)
		return;
	__sync_fetch_and_add(&count->next, 1);
	count_lost(count, EV_CAUSE_MAP_FULL);
}

#ifdef VARVE_BEFORE_5_12
/* An interrupt ends before what it interrupted goes on, so a plain counter of the depth will do. */
static __always_inline struct scratch *scratch_get(__u32 *ret_slot)
{
	__u32 slot = bpf_get_smp_processor_id() * EV_SCRATCH_PER_CPU;
	struct scratch *first = bpf_map_lookup_elem(&scratch, &slot);
	__u64 depth;

	if (!first)
		return 0;
	depth = first->busy;
	if (depth >= EV_SCRATCH_PER_CPU)
		return 0;
	first->busy = depth + 1;
	slot += depth;
	*ret_slot = slot;
	return bpf_map_lookup_elem(&scratch, &slot);
}

static __always_inline void scratch_put(struct scratch *s)
{
	__u32 slot = bpf_get_smp_processor_id() * EV_SCRATCH_PER_CPU;
	struct scratch *first = bpf_map_lookup_elem(&scratch, &slot);

	if (first)
		first->busy--;
}

/*
 * The next number. The count is exact; an interrupt's event between the two lines gets the same
 * number as ours.
 */
static __always_inline __u64 count_next(struct ev_count *count)
{
	__u64 number = *(volatile __u64 *)&count->next;

	__sync_fetch_and_add(&count->next, 1);
	return number;
}
#else
static __always_inline struct scratch *scratch_get(__u32 *ret_slot)
{
	__u32 base = bpf_get_smp_processor_id() * EV_SCRATCH_PER_CPU;
	struct scratch *s;
	__u32 i, slot;

	for (i = 0; i < EV_SCRATCH_PER_CPU; i++) {
		slot = base + i;
		s = bpf_map_lookup_elem(&scratch, &slot);
		if (s && __sync_val_compare_and_swap(&s->busy, 0, 1) == 0) {
			*ret_slot = slot;
			return s;
		}
	}
	return 0;
}

static __always_inline void scratch_put(struct scratch *s)
{
	s->busy = 0;
}

static __always_inline __u64 count_next(struct ev_count *count)
{
	return __sync_fetch_and_add(&count->next, 1);
}
#endif

/* A record being made. Lives on the probe's stack. */
struct build {
	struct scratch *s;
	struct ev_count *count;
	__u32 slot; /* of s, in the map */
	__u32 len;
	__u32 class;
	bool share_counts; /* until it is in s */
	__u8 held; /* EV_SUPPRESS_RATE_LIMIT or _FAIR_SHARE, if that is why there is none; or 0 */
};

/* The compiler may know that off is small enough and leave the mask out; the verifier of 6.1 does not know it. */
static __always_inline void *rec_at(struct scratch *s, __u32 off)
{
	asm volatile("" : "+r"(off));
	return s->rec + (off & REC_MASK);
}

#include "task.bpf.h"

/* Fills the header of a record whose number was taken. */
static __always_inline void record_head(struct build *b, __u16 kind, __u64 cgid, __u64 number)
{
	struct ev_hdr *hdr = (void *)b->s->rec;

	b->s->share_counts = b->share_counts;
	hdr->kind = kind;
	hdr->time_ns = bpf_ktime_get_boot_ns();
	hdr->cgroup_id = cgid;
	hdr->number = number;
	hdr->cpu = bpf_get_smp_processor_id();
}

/* Of a rate or a share. The verifier forgets what was put on the stack, hence the question. */
static __always_inline void suppress_held(struct build *b, __u32 class)
{
	__u32 reason = b->held;

	asm volatile("" : "+r"(reason));
	if (reason < EV_SUPPRESS_CNT)
		suppress(b->count, class, reason);
}

/* Takes the number. False: the event is left out by policy, or lost; either is counted. */
static __always_inline bool record_number(struct build *b, __u16 kind, __u32 class, __u64 cgid,
					  __u64 *ret_number)
{
	b->class = class;
	b->held = 0;
	b->count = count_find(cgid, class);
	if (kind_is_off(kind)) {
		suppress(b->count, class, EV_SUPPRESS_KIND_OFF);
		return false;
	}
	if (!b->count) {
		count_lost_on_node(class);
		return false;
	}
	if (!rate_allows(b->count, class))
		b->held = EV_SUPPRESS_RATE_LIMIT;
	else if (!share_allows(b->count, class, &b->share_counts))
		b->held = EV_SUPPRESS_FAIR_SHARE;
	if (b->held) {
		suppress_held(b, class);
		return false;
	}
	*ret_number = count_next(b->count);
	return true;
}

/* An event of which nothing but that it happened can be told. */
static __always_inline void record_lose(__u16 kind, __u32 class, __u64 cgid, __u32 cause)
{
	struct build b;
	__u64 number;

	if (record_number(&b, kind, class, cgid, &number))
		count_lost(b.count, cause);
}

/*
 * Numbers the event and gives a buffer with the header filled and the fixed part cleared; NULL if
 * it is left out by policy, or lost; either is counted.
 */
static __always_inline struct ev_hdr *record_begin(struct build *b, __u16 kind, __u32 class,
						   __u64 cgid, __u32 fixed)
{
	struct ev_hdr *hdr;
	__u64 number;

	if (!record_number(b, kind, class, cgid, &number))
		return 0;
	b->len = fixed;
	b->s = scratch_get(&b->slot);
	if (!b->s) {
		count_lost(b->count, EV_CAUSE_SCRATCH_BUSY);
		return 0;
	}
	hdr = (void *)b->s->rec;
	__builtin_memset(hdr, 0, fixed);
	record_head(b, kind, cgid, number);
	return hdr;
}

/* Gives up a record that was numbered: it comes out as a loss. */
static __always_inline void record_abort(struct build *b, __u32 cause)
{
	count_lost(b->count, cause);
	scratch_put(b->s);
}

static __always_inline __u32 record_finish(struct build *b)
{
	struct ev_hdr *hdr = (void *)b->s->rec;
	__u64 *pad = rec_at(b->s, b->len);
	__u32 len;

	/* The bytes up to the next multiple of eight are still the last record's. */
	__builtin_memset(pad, 0, sizeof(*pad));
	len = (b->len + 7) & ~7u;
	hdr->len = len;
	return len;
}

/* Copies the record to its class's ring; the scratch buffer stays the caller's. */
static __always_inline void record_send(struct build *b, __u64 wake)
{
	__u32 len = record_finish(b);
	long err;

	/* Told once more for the verifier. */
	asm volatile("" : "+r"(len));
	if (len > EV_REC_MAX)
		len = EV_REC_MAX;
	if (class_is_in_events(b->class)) {
		if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > cfg_ring_mark)
			wake = BPF_RB_FORCE_WAKEUP;
		err = bpf_ringbuf_output(&events, b->s->rec, len, wake);
	} else {
		if (bpf_ringbuf_query(&decisive, BPF_RB_AVAIL_DATA) > cfg_decisive_mark)
			wake = BPF_RB_FORCE_WAKEUP;
		err = bpf_ringbuf_output(&decisive, b->s->rec, len, wake);
	}
	if (err)
		count_lost(b->count, EV_CAUSE_RING_FULL);
	else if (b->s->share_counts)
		share_take(b->count, len);
}

static __always_inline void record_submit(struct build *b, __u64 wake)
{
	record_send(b, wake);
	scratch_put(b->s);
}

#endif
