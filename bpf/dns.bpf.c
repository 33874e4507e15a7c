/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * dns: what a socket sends to and receives from port 53, or serves at it: each datagram, and each
 * TCP segment with data. The bytes go to the sensor, which puts segments together and parses.
 *
 * Where in its connection a TCP segment lies is the kernel's knowledge: its own counters of bytes
 * received and acknowledged.
 */
#include "packet.bpf.h"

#define DNS_PORT 53

/*
 * bytes_acked counts the SYN of the side that connects, which we take to be the one that talks to
 * port 53. A listening socket has no counters: what comes to it is its connection's first.
 */
static __always_inline __u32 dns_offset(struct bpf_sock *sk, const struct packet *p, bool sent)
{
	struct bpf_tcp_sock *tp = sk->state == TCP_LISTEN ? 0 : bpf_tcp_sock(sk);

	if (!tp)
		return 0;
	if (sent)
		return p->seq - tp->snd_una + (__u32)tp->bytes_acked - (p->peer.port == DNS_PORT);
	return p->seq - tp->rcv_nxt + (__u32)tp->bytes_received;
}

static __always_inline void dns_payload(struct build *b, struct ev_dns *ev, struct __sk_buff *skb,
					const struct packet *p)
{
	__u32 n = p->payload_len;
	__u32 max = p->protocol == IPPROTO_TCP ? EV_DNS_TCP_MAX : EV_DNS_UDP_MAX;

	if (!n)
		return;
	if (n > max)
		n = max;
	/* From 1 to EV_DNS_TCP_MAX in a way that the verifier of 6.1 understands. */
	n--;
	asm volatile("" : "+r"(n));
	n = (n & (EV_DNS_TCP_MAX - 1)) + 1;
	if (bpf_skb_load_bytes(skb, p->payload_off, b->s->rec + sizeof(*ev), n))
		return;
	ev->payload.off = sizeof(*ev);
	ev->payload.len = n;
	*(__u8 *)rec_at(b->s, sizeof(*ev) + n) = 0;
	b->len = sizeof(*ev) + n + 1;
}

static __always_inline void dns_emit(struct __sk_buff *skb, struct bpf_sock *sk,
				     const struct packet *p, bool sent)
{
	struct owner *o = bpf_sk_storage_get(&owners, sk, 0, 0);
	struct ev_task task = {};
	struct ev_dns *ev;
	struct build b;
	__u32 by = 0;

	owner_get(o, &task, &by);
	if (task.tgid && task.tgid == self_tgid)
		return;
	ev = (void *)record_begin(&b, EV_DNS, EV_CLASS_network, p->cgid, sizeof(*ev));
	if (!ev)
		return;
	ev->hdr.task = task;
	ev->owner_by = by;
	ev->source = sent ? p->local : p->peer;
	ev->destination = sent ? p->peer : p->local;
	ev->cookie = bpf_get_socket_cookie(skb);
	ev->payload_len = p->payload_len;
	ev->protocol = p->protocol;
	ev->flags = sent ? EV_DNS_SENT : 0;
	if (p->protocol == IPPROTO_TCP) {
		ev->seq = p->seq;
		ev->stream_offset = dns_offset(sk, p, sent);
		ev->flags |= sk->state == TCP_LISTEN ? EV_DNS_LISTENER : 0;
	}
	dns_payload(&b, ev, skb, p);
	record_submit(&b, BPF_RB_NO_WAKEUP);
}

static __always_inline int dns_packet(struct __sk_buff *skb, bool sent)
{
	struct packet p = {};
	struct bpf_sock *sk;

	if (!packet_parse(skb, sent, true, &p, &sk) ||
	    (p.peer.port != DNS_PORT && p.local.port != DNS_PORT))
		return 1;
	if (p.protocol == IPPROTO_UDP || p.payload_len)
		dns_emit(skb, sk, &p, sent);
	return 1;
}

SEC("cgroup_skb/ingress")
int dns_in(struct __sk_buff *skb)
{
	return dns_packet(skb, false);
}

SEC("cgroup_skb/egress")
int dns_out(struct __sk_buff *skb)
{
	return dns_packet(skb, true);
}
