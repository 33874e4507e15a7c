/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A packet as the programs on a socket's traffic see it: from its IP header on. On its way out it
 * is what leaves the socket after address translation, so who the peer is comes from the socket or
 * the sender where they know better: what the process asked for, and what answers come from.
 */
#ifndef VARVE_PACKET_H
#define VARVE_PACKET_H

#include <bpf/bpf_endian.h>
#include "socket_owner.bpf.h"

/* A field of a context: the verifier wants it read at its own offset, not by a pointer that is
 * chosen before. */
#define CTX(ptr, field) (*(volatile typeof((ptr)->field) *)&(ptr)->field)

#define PACKET_EXT_MAX 6 /* extension headers of IPv6 */

struct packet {
	__u64 cgid;
	__u64 cookie;
	struct ev_addr local, peer;
	__u32 payload_off;
	__u32 payload_len;
	__u32 seq; /* TCP */
	__u32 protocol;
};

struct packet_ip4 {
	__u8 ihl, tos;
	__be16 len, id, fragment;
	__u8 ttl, protocol;
	__sum16 check;
	__be32 saddr, daddr;
};

struct packet_ip6 {
	__be32 flow;
	__be16 len;
	__u8 next, hops;
	__u8 saddr[16], daddr[16];
};

/* The transport header's offset; 0: none. */
static __always_inline __u32 packet_ip4(struct __sk_buff *skb, bool sent, struct packet *p)
{
	struct packet_ip4 h;

	if (bpf_skb_load_bytes(skb, 0, &h, sizeof(h)) || h.fragment & bpf_htons(0x1fff))
		return 0;
	__builtin_memcpy(p->local.ip, sent ? &h.saddr : &h.daddr, 4);
	__builtin_memcpy(p->peer.ip, sent ? &h.daddr : &h.saddr, 4);
	p->local.family = p->peer.family = AF_INET;
	p->protocol = h.protocol;
	return (h.ihl & 15) * 4;
}

static __always_inline __u32 packet_ip6(struct __sk_buff *skb, bool sent, struct packet *p)
{
	__u32 off = sizeof(struct packet_ip6), i;
	struct packet_ip6 h;
	__u8 ext[2];

	if (bpf_skb_load_bytes(skb, 0, &h, sizeof(h)))
		return 0;
	__builtin_memcpy(p->local.ip, sent ? h.saddr : h.daddr, 16);
	__builtin_memcpy(p->peer.ip, sent ? h.daddr : h.saddr, 16);
	p->local.family = p->peer.family = AF_INET6;
	p->protocol = h.next;
#pragma unroll
	for (i = 0; i < PACKET_EXT_MAX; i++) {
		/* Hop by hop, routing, destination options; fragments are put together before. */
		if (p->protocol != 0 && p->protocol != 43 && p->protocol != 60)
			return off;
		if (bpf_skb_load_bytes(skb, off, ext, sizeof(ext)))
			return 0;
		p->protocol = ext[0];
		off += (ext[1] + 1) * 8;
	}
	return 0;
}

static __always_inline bool packet_udp(struct __sk_buff *skb, bool sent, __u32 off,
				       struct packet *p)
{
	__be16 port[2];

	if (bpf_skb_load_bytes(skb, off, port, sizeof(port)))
		return false;
	p->local.port = bpf_ntohs(sent ? port[0] : port[1]);
	p->peer.port = bpf_ntohs(sent ? port[1] : port[0]);
	p->payload_off = off + 8;
	return true;
}

static __always_inline bool packet_tcp(struct __sk_buff *skb, bool sent, __u32 off,
				       struct packet *p)
{
	struct {
		__be16 port[2];
		__be32 seq, ack;
		__u8 words, flags;
		__be16 window;
	} h;

	if (bpf_skb_load_bytes(skb, off, &h, sizeof(h)))
		return false;
	p->local.port = bpf_ntohs(sent ? h.port[0] : h.port[1]);
	p->peer.port = bpf_ntohs(sent ? h.port[1] : h.port[0]);
	p->seq = bpf_ntohl(h.seq);
	p->payload_off = off + (h.words >> 4) * 4;
	return true;
}

static __always_inline bool packet_addr_is(const struct ev_addr *a, const struct ev_addr *b)
{
	const __u64 *x = (const void *)a, *y = (const void *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2];
}

/* Whom the socket is connected to, in the packet's family. False if to nobody. */
static __always_inline bool packet_connected(struct bpf_sock *sk, struct ev_addr *to)
{
	__u32 port = CTX(sk, dst_port), ip4 = CTX(sk, dst_ip4);
	__u32 ip6[4] = {CTX(sk, dst_ip6[0]), CTX(sk, dst_ip6[1]), CTX(sk, dst_ip6[2]),
			CTX(sk, dst_ip6[3])};

	if (!(port & 0xffff))
		return false;
	if (to->family == AF_INET)
		__builtin_memcpy(to->ip, &ip4, sizeof(ip4));
	else
		__builtin_memcpy(to->ip, ip6, sizeof(ip6));
	to->port = bpf_ntohs(port & 0xffff);
	return true;
}

/* The peer as the sender named it: it is another than the packet's if it was translated. */
static __always_inline void packet_peer(struct bpf_sock *sk, struct packet *p)
{
	struct ev_addr to = {.family = p->peer.family};
	bool connected = packet_connected(sk, &to);
	__u64 task = (__u64)current_task();
	struct sending *s = 0;

	if (connected && packet_addr_is(&to, &p->peer))
		return;
	if (p->protocol == IPPROTO_UDP)
		s = bpf_map_lookup_elem(&sending, &task);
	/* An IPv4 destination in an IPv6 socket comes to the hook as such. */
	if (s && s->cookie == p->cookie && s->to.family == p->peer.family)
		p->peer = s->to;
	else if (connected)
		p->peer = to;
}

/* A socket is of the cgroup that it was made in: one that a process made after it had left its
 * container is of the host's. */
static __always_inline bool packet_in_scope(struct bpf_sock *sk, __u64 *cgid)
{
	__u64 id = *cgid, container;
	struct owner *o;

	if (cfg_hierarchy) { /* the kernel knows the v2 cgroup of a socket only */
		o = bpf_sk_storage_get(&owners, sk, 0, 0);
		*cgid = id = o ? o->cgid : 0;
		return id && in_scope(id);
	}
	if (escapee_cnt() && !bpf_map_lookup_elem(&scope, &id)) {
		o = bpf_sk_storage_get(&owners, sk, 0, 0);
		container = o ? o->container : 0;
		if (container && bpf_map_lookup_elem(&scope, &container)) {
			*cgid = container;
			return true;
		}
	}
	return in_scope(id);
}

/*
 * False if it is not a UDP (or, if it is asked for, TCP) packet of a socket that is to be recorded.
 * The cookie is UDP's only: not every TCP socket is to be given one.
 */
static __always_inline bool packet_parse(struct __sk_buff *skb, bool sent, bool tcp,
					 struct packet *p, struct bpf_sock **ret_sk)
{
	struct bpf_sock *sk = skb->sk;
	__u32 off;

	p->cgid = bpf_skb_cgroup_id(skb);
	if (!sk || !p->cgid || !is_current() ||
	    (!cfg_hierarchy && !escapee_cnt() && !in_scope(p->cgid)))
		return false;
	sk = bpf_sk_fullsock(sk);
	if (!sk || !packet_in_scope(sk, &p->cgid))
		return false;
	off = skb->protocol == bpf_htons(0x0800) ? packet_ip4(skb, sent, p)
						 : packet_ip6(skb, sent, p);
	if (!off)
		return false;
	if (p->protocol == IPPROTO_UDP) {
		if (!packet_udp(skb, sent, off, p))
			return false;
		p->cookie = bpf_get_socket_cookie(skb);
	} else if (!tcp || p->protocol != IPPROTO_TCP || !packet_tcp(skb, sent, off, p)) {
		return false;
	}
	if (skb->len < p->payload_off)
		return false;
	p->payload_len = skb->len - p->payload_off;
	if (sent)
		packet_peer(sk, p);
	*ret_sk = sk;
	return true;
}

#endif
