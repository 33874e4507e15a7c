/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * udp_flow: datagrams between a socket and a peer. The first makes a record, the rest are counted,
 * and the end makes a second record with the sums.
 *
 * The end is seen here when the socket is closed and has talked to one peer only, as most have. All
 * other ends the sensor finds: it runs udp_flow_sweep over the table each second, before it closes
 * a container's account, and at the end of the run. Both are records of the kernel side, with
 * numbers.
 *
 * A flow that the table has no room for is a numbered loss, once for each of its datagrams, as
 * there is no place to remember that it was said.
 */
#include "each.bpf.h"
#include "packet.bpf.h"

struct flow {
	__u64 cgid;
	__u64 first_ns;
	__u64 last_ns;
	__u64 bytes[2];	  /* received, sent */
	__u64 packets[2]; /* received, sent */
	struct ev_addr local;
	struct ev_task task;
	__u32 by;
	__u32 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EV_FLOW_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct flow_key);
	__type(value, struct flow);
} udp_flows SEC(".maps");

/* Sockets of several flows that were closed, for the sweep. LRU: a flow of one forgotten ends idle.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* cookie */
	__type(value, __u8);
} udp_closed SEC(".maps");

/* What a sweep ends, and what it found; set and read by the sensor around it. */
__u64 udp_sweep_idle_ns; /* flows that were idle as long */
__u64 udp_sweep_cgroup;	 /* those of this cgroup; 0: of none */
__u32 udp_sweep_all;	 /* the run ends */
__u32 udp_sweep_limit;	 /* at most so many */
__u32 udp_sweep_ended;	 /* so many records */
__u32 udp_sweep_live;	 /* flows that go on */
__u32 udp_flow_full;	 /* a flow found no room */

static __always_inline void flow_emit(const struct flow_key *key, const struct flow *f, __u32 end)
{
	struct ev_udp_flow *ev;
	struct build b;

	ev = (void *)record_begin(&b, EV_UDP_FLOW, EV_CLASS_network, f->cgid, sizeof(*ev));
	if (!ev)
		return;
	ev->hdr.task = f->task;
	ev->local = f->local;
	ev->peer = key->peer;
	ev->cookie = key->cookie;
	ev->first_ns = f->first_ns;
	ev->last_ns = f->last_ns;
	ev->bytes_received = f->bytes[0];
	ev->bytes_sent = f->bytes[1];
	ev->packets_received = f->packets[0];
	ev->packets_sent = f->packets[1];
	ev->owner_by = f->by;
	ev->end = end;
	ev->flags = f->flags;
	record_submit(&b, BPF_RB_NO_WAKEUP);
}

/* Whoever takes the flow out of the table says that it ended. */
static __always_inline void flow_end(const struct flow_key *key, const struct flow *f, __u32 end)
{
	struct flow copy = *f;

	if (!bpf_map_delete_elem(&udp_flows, key))
		flow_emit(key, &copy, end);
}

static __always_inline void flow_lost(__u64 cgid)
{
	udp_flow_full = 1;
	record_lose(EV_UDP_FLOW, EV_CLASS_network, cgid, EV_CAUSE_MAP_FULL);
}

static __always_inline void flow_add(struct flow *f, bool sent, __u32 bytes, __u32 packets,
				     __u64 now)
{
	__sync_fetch_and_add(&f->bytes[sent], bytes);
	__sync_fetch_and_add(&f->packets[sent], packets);
	f->last_ns = now;
}

/* So that the close of the socket finds it. */
static __always_inline void flow_remember(struct owner *o, const struct flow_key *key)
{
	if (!o)
		return;
	bpf_spin_lock(&o->lock);
	if (!o->flow_cnt) {
		o->flow_cnt = 1;
		o->flow = *key;
	} else if (!packet_addr_is(&o->flow.peer, &key->peer)) {
		o->flow_cnt = 2;
	}
	bpf_spin_unlock(&o->lock);
}

/* Its local address is the socket's own, if it is bound to one, and else the packet's. */
static __always_inline void flow_local(struct flow *f, struct bpf_sock *sk, const struct packet *p)
{
	__u32 ip4 = CTX(sk, src_ip4);
	__u32 ip6[4] = {CTX(sk, src_ip6[0]), CTX(sk, src_ip6[1]), CTX(sk, src_ip6[2]),
			CTX(sk, src_ip6[3])};

	f->local = p->local;
	if (p->local.family == AF_INET && ip4)
		__builtin_memcpy(f->local.ip, &ip4, sizeof(ip4));
	else if (p->local.family == AF_INET6 && (ip6[0] | ip6[1] | ip6[2] | ip6[3]))
		__builtin_memcpy(f->local.ip, ip6, sizeof(ip6));
	if (sk->src_port)
		f->local.port = sk->src_port;
}

static __always_inline void flow_begin(struct bpf_sock *sk, const struct packet *p,
				       const struct flow_key *key, bool sent, __u32 packets,
				       __u64 now)
{
	struct owner *o = bpf_sk_storage_get(&owners, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	struct flow f = {.cgid = p->cgid, .first_ns = now, .last_ns = now}, *other;
	long err;

	f.flags = sent ? 0 : EV_FLOW_INBOUND;
	owner_get(o, &f.task, &f.by);
	if (f.task.tgid && f.task.tgid == self_tgid)
		return;
	flow_local(&f, sk, p);
	f.bytes[sent] = p->payload_len;
	f.packets[sent] = packets;
	err = map_error(bpf_map_update_elem(&udp_flows, key, &f, BPF_NOEXIST));
	if (err == -EEXIST) { /* another CPU was faster */
		other = bpf_map_lookup_elem(&udp_flows, key);
		if (other)
			flow_add(other, sent, p->payload_len, packets, now);
		return;
	}
	if (err) {
		flow_lost(p->cgid);
		return;
	}
	flow_remember(o, key);
	flow_emit(key, &f, EV_FLOW_BEGIN);
}

static __always_inline int flow_packet(struct __sk_buff *skb, bool sent)
{
	__u32 packets = skb->gso_segs;
	struct flow_key key = {};
	struct packet p = {};
	struct bpf_sock *sk;
	struct flow *f;
	__u64 now;

	if (!packet_parse(skb, sent, false, &p, &sk))
		return 1;
	now = bpf_ktime_get_boot_ns();
	key.cookie = p.cookie;
	key.peer = p.peer;
	packets = packets ? packets : 1; /* offloaded: several datagrams in one */
	f = bpf_map_lookup_elem(&udp_flows, &key);
	if (f)
		flow_add(f, sent, p.payload_len, packets, now);
	else
		flow_begin(sk, &p, &key, sent, packets, now);
	return 1;
}

SEC("cgroup_skb/ingress")
int udp_flow_in(struct __sk_buff *skb)
{
	return flow_packet(skb, false);
}

SEC("cgroup_skb/egress")
int udp_flow_out(struct __sk_buff *skb)
{
	return flow_packet(skb, true);
}

SEC("cgroup/sock_release")
int udp_flow_close(struct bpf_sock *sk)
{
	struct flow_key key;
	struct owner *o;
	struct flow *f;
	__u32 cnt;
	__u8 one = 1;

	if (sk->type != SOCK_DGRAM || sk->protocol != IPPROTO_UDP || !is_current())
		return 1;
	o = bpf_sk_storage_get(&owners, sk, 0, 0);
	if (!o)
		return 1;
	bpf_spin_lock(&o->lock);
	key = o->flow;
	cnt = o->flow_cnt;
	bpf_spin_unlock(&o->lock);
	if (cnt > 1)
		bpf_map_update_elem(&udp_closed, &key.cookie, &one, BPF_ANY);
	f = cnt == 1 ? bpf_map_lookup_elem(&udp_flows, &key) : 0;
	if (f)
		flow_end(&key, f, EV_FLOW_CLOSED);
	return 1;
}

/* Why a flow is to end now; EV_FLOW_BEGIN: it goes on. */
static __always_inline __u32 flow_is_over(const struct flow_key *key, const struct flow *f,
					  __u64 now)
{
	__u64 idle_ns = now > f->last_ns ? now - f->last_ns : 0;

	if (bpf_map_lookup_elem(&udp_closed, &key->cookie))
		return EV_FLOW_CLOSED;
	if (udp_sweep_cgroup && f->cgid == udp_sweep_cgroup)
		return EV_FLOW_CONTAINER_GONE;
	if (udp_sweep_all)
		return EV_FLOW_RUN_END;
	if (idle_ns < udp_sweep_idle_ns)
		return EV_FLOW_BEGIN;
	return idle_ns < EV_FLOW_IDLE_NS ? EV_FLOW_EVICTED : EV_FLOW_IDLE;
}

static __always_inline void flow_sweep(const struct flow_key *at, const struct flow *f)
{
	struct flow_key key;
	__u32 end;

	if (udp_sweep_ended >= udp_sweep_limit)
		return;
	key = *at;
	end = flow_is_over(&key, f, bpf_ktime_get_boot_ns());
	if (end == EV_FLOW_BEGIN) {
		udp_sweep_live++;
		return;
	}
	udp_sweep_ended++;
	flow_end(&key, f, end);
}

FOR_EACH_ELEMENT(udp_flow_sweep, udp_flows, struct flow_key, struct flow, flow_sweep)
