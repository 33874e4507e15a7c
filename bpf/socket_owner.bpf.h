/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Whose is a socket: packets come in interrupts, on anybody's time, so who made, bound, connected
 * or last sent by the socket is kept with the socket itself, in its own storage, which goes with
 * it. A child of a listening socket inherits it.
 */
#ifndef VARVE_SOCKET_OWNER_H
#define VARVE_SOCKET_OWNER_H

#include "probe.bpf.h"

/* A flow of datagrams: a socket and a peer. */
struct flow_key {
	__u64 cookie;
	struct ev_addr peer;
};

struct owner {
	struct bpf_spin_lock lock; /* two may send by one socket at once */
	__u32 by;		   /* enum ev_owner_by */
	struct ev_task task;
	__u32 flow_cnt; /* that began at this socket; 2: more than one */
	__u32 pad0;
	struct flow_key flow; /* the first */
	__u64 container;      /* that the process had left; 0: it was in its cgroup */
	__u64 cgid; /* whose it is in a v1 hierarchy: who made it, or first bound, connected or sent by it */
};

extern struct owners_map {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct owner);
} owners SEC(".maps");

/*
 * Where a task wants its datagram to go, from the hook of sendto until the packet leaves in the
 * same call: by then address translation may have changed it. LRU: left-over entries are harmless,
 * they name the socket.
 */
struct sending {
	__u64 cookie;
	struct ev_addr to;
};

extern struct sending_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64); /* the task */
	__type(value, struct sending);
} sending SEC(".maps");

/* The current process is the socket's from now on. In process context only. */
static __always_inline void owner_set(struct owner *o, __u32 by)
{
	struct ev_task task = {};
	__u64 container, cgid;

	/* The same process may have left its container since. */
	if (!o || (!escapee_cnt() && o->by == by &&
		   o->task.tgid == bpf_get_current_pid_tgid() >> 32))
		return;
	task_fill(&task, current_task());
	container = escaped_from(current_task());
	cgid = cfg_hierarchy ? current_cgroup() : 0;
	bpf_spin_lock(&o->lock);
	o->by = by;
	o->task = task;
	o->container = container;
	if (!o->cgid)
		o->cgid = cgid;
	bpf_spin_unlock(&o->lock);
}

static __always_inline void owner_note(struct bpf_sock *sk, __u32 by)
{
	if (sk)
		owner_set(bpf_sk_storage_get(&owners, sk, 0, BPF_SK_STORAGE_GET_F_CREATE), by);
}

/* Copies who it is; all zero if it is not known. */
static __always_inline void owner_get(struct owner *o, struct ev_task *task, __u32 *by)
{
	if (!o)
		return;
	bpf_spin_lock(&o->lock);
	*task = o->task;
	*by = o->by;
	bpf_spin_unlock(&o->lock);
}

#endif
