/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * So that one noisy container blinds nobody: what a cgroup may number, on one CPU, of one class.
 * Held by per-CPU values alone, so nobody waits for anybody; an interrupt in between may let one
 * event more through. All of it inline, though the verifier has to look at it in each program: the
 * stacks of the longest chains of calls have no room for one more on Linux 6.1.
 *
 * Rate (option `rate-limits`, file and network events only): an event is due at rate_due_ns, and
 * may come so much earlier that a second's worth comes at once.
 *
 * Fair share (option `fair-share`): what is recorded while a ring is more than 5/8 full is counted
 * on its cgroup, and a cgroup may have as many bytes there as are free, divided by the CPUs; who
 * has more waits until the reader has come. So there is always space for those that have little,
 * however long the reader stays away: of the last 3/8 k cgroups that are noisy in one class take
 * k / (k + 1), in both classes of the ring, which have a share each, 2k / (2k + 1). Who goes first:
 *
 *	ordinary opens for reading	from 5/8 of `events` on, by a quarter of the share
 *	other file and network events	from 3/4 of `events` on
 *	process and kernel events	from 7/8 of `decisive` on
 *	container events		never
 *
 * What a cgroup does is not left out while what it reads is recorded: see reads_must_wait().
 */
#ifndef VARVE_LIMIT_H
#define VARVE_LIMIT_H

#define READS_PART 4

/* The sensor is to settle soon, so that SUPPRESSION tells of it at once. */
extern __u32 limit_began;

/* By class; 0: not limited. */
extern volatile __u64 policy_rate_interval_ns[EV_CLASS_ROOM];
extern volatile __u64 policy_rate_burst_ns[EV_CLASS_ROOM];
extern volatile __u8 policy_fair_share;
extern const volatile __u64 cfg_share_ring_size;
extern const volatile __u64 cfg_share_decisive_size;
extern const volatile __u64 cfg_share_cpus;

static __always_inline bool class_is_in_events(__u32 class)
{
	return class == EV_CLASS_file || class == EV_CLASS_network;
}

static __always_inline bool rate_allows(struct ev_count *count, __u32 class)
{
	__u64 interval = policy_rate_interval_ns[class & (EV_CLASS_ROOM - 1)], due, now;

	if (!interval)
		return true;
	now = bpf_ktime_get_boot_ns();
	due = count->rate_due_ns;
	if (due < now)
		due = now;
	due += interval;
	if (due - now > policy_rate_burst_ns[class & (EV_CLASS_ROOM - 1)])
		return false;
	count->rate_due_ns = due;
	return true;
}

/* pos: how far the ring was read. */
static __always_inline bool share_is_left(struct ev_count *count, __u64 avail, __u64 pos,
					  __u64 size, __u64 part)
{
	__u64 taken = count->share_bytes;
	__s64 freed = pos - count->share_pos;

	/* Negative: an interrupt has looked since pos was read. */
	if (freed > 0) {
		taken = (__u64)freed < taken ? taken - freed : 0;
		count->share_bytes = taken;
		count->share_pos = pos;
	}
	return avail < size && taken < (size - avail) / (cfg_share_cpus * part);
}

/* False: the cgroup has had its share. ret_counts: the record is of it, see share_take(). */
static __always_inline bool share_allows(struct ev_count *count, __u32 class, bool *ret_counts)
{
	__u64 size, avail, pos, mark;

	*ret_counts = false;
	if (class == EV_CLASS_container || !policy_fair_share)
		return true;
	if (class_is_in_events(class)) {
		size = cfg_share_ring_size;
		mark = size / 4 * 3;
		avail = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);
	} else {
		size = cfg_share_decisive_size;
		mark = size / 8 * 7;
		avail = bpf_ringbuf_query(&decisive, BPF_RB_AVAIL_DATA);
	}
	if (avail <= size / 8 * 5)
		return true;
	*ret_counts = true;
	pos = class_is_in_events(class) ? bpf_ringbuf_query(&events, BPF_RB_CONS_POS)
					: bpf_ringbuf_query(&decisive, BPF_RB_CONS_POS);
	return share_is_left(count, avail, pos, size, 1) || avail <= mark;
}

static __always_inline void share_take(struct ev_count *count, __u32 bytes)
{
	count->share_bytes += bytes;
}

#endif
