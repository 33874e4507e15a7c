/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * TCP connections that are followed to their end (close.bpf.c), from the moment when the process
 * that connected or accepted is known. The end often comes in an interrupt on another task's time,
 * and when the socket has forgotten its port; so who and where are kept here.
 */
#ifndef VARVE_CONNECTION_H
#define VARVE_CONNECTION_H

#include "probe.bpf.h"
#include "sock.bpf.h"

struct connection {
	struct ev_task task;
	__u64 cgid;
	__u64 cookie; /* 0: had none */
	__u64 since_ns;
	struct ev_addr source, destination;
	__u32 role;	    /* enum ev_close_role */
	__u32 in_container; /* cgid was in `scope` */
};

extern struct connections_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64); /* the socket */
	__type(value, struct connection);
} connections SEC(".maps");

static __always_inline bool connection_is_same_peer(const struct ev_addr *a, struct sock *sk)
{
	struct ev_addr now = {};

	sock_addr(&now, sk, false);
	return a->port == now.port && *(__u64 *)a->ip == *(__u64 *)now.ip &&
	       *(__u64 *)(a->ip + 8) == *(__u64 *)(now.ip + 8);
}

/* True if the entry is of this socket, and not of an earlier one at the same place. */
static __always_inline bool connection_is_of(const struct connection *c, struct sock *sk)
{
	if (c->cookie)
		return c->cookie == (__u64)BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	return connection_is_same_peer(c->role == EV_CLOSE_CLIENT ? &c->destination : &c->source,
				       sk);
}

/* An end that will not be recorded. */
static __always_inline void connection_lost(__u64 cgid, __u32 cause)
{
	record_lose(EV_CLOSE, EV_CLASS_network, cgid, cause);
}

/*
 * The cgroup that the end is booked on. The account of one that has gone may be closed: the kernel
 * sends what is left and waits for the peer long after the process. Then it is the node's. It is
 * open as long as processes that have left the cgroup live.
 */
static __always_inline __u64 connection_account(const struct connection *c)
{
	__u64 cgid = c->cgid;
	struct ev_scope *in = bpf_map_lookup_elem(&scope, &cgid);

	return c->in_container && (!in || (in->flags & EV_SCOPE_GONE && !in->escapees)) ? 0 : cgid;
}

/*
 * What the process has sent and received: data without SYN and FIN, each byte once. The kernel
 * counts the peer's FIN as a byte received; SOCK_DONE says that it came.
 */
static __always_inline void connection_bytes(struct ev_close *ev, struct sock *sk)
{
	struct tcp_sock *tp = (void *)sk;
	__u64 got = BPF_CORE_READ(tp, bytes_received);

	ev->bytes_sent = BPF_CORE_READ(tp, bytes_sent) - BPF_CORE_READ(tp, bytes_retrans);
	if (got && BPF_CORE_READ(sk, __sk_common.skc_flags) & (1 << SOCK_DONE))
		got--;
	ev->bytes_received = got;
}

/* c: a copy, of which no other CPU makes a record. state: what the socket was in before. */
static __always_inline void connection_emit(const struct connection *c, struct sock *sk, int state)
{
	__u64 cgid = connection_account(c);
	struct ev_close *ev;
	struct build b;

	ev = (void *)record_begin(&b, EV_CLOSE, EV_CLASS_network, cgid, sizeof(*ev));
	if (!ev)
		return;
	ev->hdr.task = c->task;
	ev->source = c->source;
	ev->destination = c->destination;
	ev->cookie = c->cookie;
	connection_bytes(ev, sk);
	ev->duration_ns = ev->hdr.time_ns - c->since_ns;
	ev->owner_cgroup_id = c->cgid;
	ev->protocol = BPF_CORE_READ(sk, sk_protocol);
	ev->role = c->role;
	ev->state = state;
	ev->err = BPF_CORE_READ(sk, sk_err);
	record_submit(&b, BPF_RB_NO_WAKEUP);
}

/* Enters c; false: it is followed already, or cannot be, which is counted. */
static __always_inline bool connection_enter(const struct connection *c, __u64 key)
{
	struct connection *old = bpf_map_lookup_elem(&connections, &key);

	if (old && connection_is_of(old, (void *)key))
		return false; /* a second connect(2) that only asks */
	if (old)
		connection_lost(connection_account(old), EV_CAUSE_MAP_FULL); /* we missed its end */
	if (!bpf_map_update_elem(&connections, &key, c, BPF_ANY))
		return true;
	connection_lost(c->cgid, EV_CAUSE_MAP_FULL);
	return false;
}

/*
 * From now on. The socket may be closed before it is entered, and nobody tells then: so it is
 * looked at again; whoever takes the entry out makes the record. source: 0: the socket's own end.
 * c: the caller's, to be filled; it is too large for the stack.
 */
static __always_inline void connection_follow_in(struct connection *c, struct sock *sk,
						 const struct ev_task *task, __u64 cgid,
						 const struct ev_addr *source,
						 const struct ev_addr *destination, __u64 cookie,
						 __u32 role)
{
	__u64 key = (__u64)sk;

	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return;
	c->task = *task;
	c->cgid = cgid;
	c->cookie = cookie;
	c->since_ns = bpf_ktime_get_boot_ns();
	if (source)
		c->source = *source;
	else
		sock_source(&c->source, sk);
	if (!c->source.port) /* closed already: this number stays */
		c->source.port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	c->destination = *destination;
	c->role = role;
	c->in_container = !!bpf_map_lookup_elem(&scope, &cgid);
	if (connection_enter(c, key) && BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_CLOSE &&
	    !bpf_map_delete_elem(&connections, &key))
		connection_emit(c, sk, 0);
}

/* The same for who has no room for it. */
static __always_inline void connection_follow(struct sock *sk, const struct ev_task *task,
					      __u64 cgid, const struct ev_addr *source,
					      const struct ev_addr *destination, __u64 cookie,
					      __u32 role)
{
	struct scratch *s;
	__u32 slot;

	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return;
	s = scratch_get(&slot);
	if (!s) {
		connection_lost(cgid, EV_CAUSE_SCRATCH_BUSY);
		return;
	}
	connection_follow_in((void *)s->rec, sk, task, cgid, source, destination, cookie, role);
	scratch_put(s);
}

#endif
