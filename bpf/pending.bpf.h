/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Records that are begun when a kernel function is entered and finished when it returns: what it
 *was asked is the kernel's own copy then and gone later, what it answered is known only then.
 *
 *	enter:  b.s = pending_begin(&b, sizeof(struct ev_rmdir)); fill and append; pending_wait(&b)
 *	leave:  ev = pending_take(&b, EV_RMDIR, EV_CLASS_file, cgid, sizeof(*ev)); finish;
 *pending_submit(&b)
 *
 * The function may sleep and come back on another CPU, so the buffer is not one of the CPU's but of
 * a pool. A buffer is taken by entering its number into the map `pending`, which only one can do;
 * its owner, the key of a task, looks for it where it would have taken it. If the pool has none
 * free, the event is recorded without what was known at the beginning: pending_take() gives an
 * ordinary buffer, cleared.
 */
#ifndef VARVE_PENDING_H
#define VARVE_PENDING_H

#include "probe.bpf.h"

#define PENDING_TRIES 8

/*
 * Added to a task's key where what is saved at the entry of a function is finished elsewhere, and
 * the function may not have been reached: then nothing of another kind is taken for it.
 */
#define PENDING_MOUNT	(1ull << 63)
#define PENDING_UNMOUNT (1ull << 62)

extern struct pending_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EV_PENDING_CNT);
	__type(key, __u32);   /* number of the buffer */
	__type(value, __u64); /* its owner */
} pending SEC(".maps");

extern const volatile __u32 cfg_pending_base; /* number of the first of them in `scratch` */

static __always_inline __u32 pending_slot(__u64 owner, __u32 i)
{
	__u32 at = (owner * 0x9e3779b97f4a7c15ull) >> 32;

	return cfg_pending_base + ((at + i) & (EV_PENDING_CNT - 1));
}

/* A cleared buffer of the pool for the owner; NULL if there is none. */
static __always_inline void *pending_begin(struct build *b, __u64 owner, __u32 fixed)
{
	__u64 *found;
	__u32 i;

	for (i = 0; i < PENDING_TRIES; i++) {
		b->slot = pending_slot(owner, i);
		if (!bpf_map_update_elem(&pending, &b->slot, &owner, BPF_NOEXIST))
			break;
		/* Left from a call whose end was not seen, as the task went out of scope in it. */
		found = bpf_map_lookup_elem(&pending, &b->slot);
		if (found && *found == owner)
			break;
	}
	if (i == PENDING_TRIES)
		return 0;
	b->s = bpf_map_lookup_elem(&scratch, &b->slot);
	if (!b->s)
		return 0;
	b->len = fixed;
	__builtin_memset(b->s->rec, 0, fixed);
	return b->s->rec;
}

/* Leaves the buffer to wait for pending_take(). */
static __always_inline void pending_wait(struct build *b)
{
	b->s->len = b->len;
}

static __always_inline struct scratch *pending_find(struct build *b, __u64 owner)
{
	__u64 *found;
	__u32 i;

	for (i = 0; i < PENDING_TRIES; i++) {
		b->slot = pending_slot(owner, i);
		found = bpf_map_lookup_elem(&pending, &b->slot);
		if (found && *found == owner)
			return bpf_map_lookup_elem(&scratch, &b->slot);
	}
	return 0;
}

/* Gives the buffer back without a record. */
static __always_inline void pending_drop(struct build *b)
{
	bpf_map_delete_elem(&pending, &b->slot);
}

/*
 * Numbers the event and gives the owner's buffer, header filled; NULL if it is left out by policy,
 * or lost; either is counted.
 */
static __always_inline void *pending_take(struct build *b, __u64 owner, __u16 kind, __u32 class,
					  __u64 cgid, __u32 fixed)
{
	__u64 number;
	__u32 len;

	b->s = pending_find(b, owner);
	if (!b->s)
		return record_begin(b, kind, class, cgid, fixed);
	if (!record_number(b, kind, class, cgid, &number)) {
		pending_drop(b);
		return 0;
	}
	len = b->s->len;
	b->len = len > EV_REC_MAX ? EV_REC_MAX : len;
	record_head(b, kind, cgid, number);
	return b->s->rec;
}

static __always_inline void pending_submit(struct build *b, __u64 wake)
{
	if (b->slot < cfg_pending_base) {
		record_submit(b, wake);
		return;
	}
	record_send(b, wake);
	pending_drop(b);
}

/*
 * An owner for what a helper (HELPS) keeps for the exit of the call that the current thread is in:
 * apart by kind, so that what was left, should an exit not have run, is never taken for another's.
 */
static __always_inline __u64 pending_owner(__u16 kind)
{
	return bpf_get_current_pid_tgid() | (__u64)kind << 56;
}

#endif
