/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Which process is in which container, from its fork, its entry or the snapshot on.
 * cgroup_attach_task comes after a move and does not say where from: this does.
 */
#ifndef VARVE_MEMBER_H
#define VARVE_MEMBER_H

#include "probe.bpf.h"

struct member {
	__u64 start_ns;
	__u64 tgid;
};

/* LRU, of those that live: what was forgotten is told by its parent, which as a rule is of the same
 * container. */
extern struct members_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct member);
	__type(value, __u64); /* cgroup id of the container */
} members SEC(".maps");

static __always_inline void member_of(struct member *m, struct task_struct *task)
{
	m->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	m->tgid = BPF_CORE_READ(task, tgid);
}

static __always_inline __u64 container_of_task(struct task_struct *task)
{
	__u64 cgid = task_cgroup_id(task);
	struct ev_scope *in = bpf_map_lookup_elem(&scope, &cgid);

	return in ? in->container : 0;
}

/* The container that a child is of that was not made in one: its parent's, or the one that the
 * parent left. */
static __always_inline __u64 container_of_parent(struct task_struct *parent)
{
	__u64 container = escaped_from(parent);

	return container ? container : container_of_task(parent);
}

static __always_inline void escapee_count(__u64 container, int n)
{
	struct ev_scope *own = bpf_map_lookup_elem(&scope, &container);
	__u32 first = 0;
	struct ev_shared *all = bpf_map_lookup_elem(&shared, &first);

	if (all)
		__sync_fetch_and_add(&all->escapees, n);
	if (own)
		__sync_fetch_and_add(&own->escapees, n);
}

/* It has ended, is back in a container, or its number is another's now. */
static __always_inline void escapee_remove(struct task_struct *task)
{
	struct ev_escapee *e;
	__u64 container;
	__u32 tgid;

	if (!escapee_cnt())
		return;
	tgid = BPF_CORE_READ(task, tgid);
	e = bpf_map_lookup_elem(&escapees, &tgid);
	if (!e)
		return;
	container = e->container;
	if (!map_error(bpf_map_delete_elem(&escapees, &tgid)))
		escapee_count(container, -1);
}

/* By an exec a thread becomes the process, wherever it is. */
static __always_inline void escapee_after_exec(struct task_struct *task)
{
	struct ev_escapee *e = escapee_of(task);
	__u64 now;

	if (!e)
		return;
	now = task_cgroup_id(task);
	e->now = bpf_map_lookup_elem(&scope, &now) ? 0 : now;
}

#endif
