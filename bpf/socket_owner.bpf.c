/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * socket_owner: makes no records; keeps whose a socket is, and where a datagram is sent to, for UDP_FLOW
 * and DNS. UDP sockets, and TCP sockets of port 53. What connects is noted by connect.bpf.c.
 */
#include <bpf/bpf_endian.h>
#include "socket_owner.bpf.h"

#define DNS_PORT 53

SEC("cgroup/sock_create")
int socket_owner_create(struct bpf_sock *sk)
{
	bool scoped = in_scope(current_cgroup());
	struct owner *o;

	/* In v1 a socket of the host's has to be known as that. */
	if (sk->type != SOCK_DGRAM || sk->protocol != IPPROTO_UDP || (!scoped && !cfg_hierarchy))
		return 1;
	o = bpf_sk_storage_get(&owners, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (scoped)
		owner_set(o, EV_OWNER_CREATE);
	else if (o)
		o->cgid = current_cgroup();
	/* Nobody will know that its datagrams are the container's. */
	if (scoped && !o && (cfg_hierarchy || escaped_from(current_task())))
		record_lose(EV_UDP_FLOW, EV_CLASS_network, current_cgroup(), EV_CAUSE_MAP_FULL);
	return 1;
}

static __always_inline int socket_owner_bind(struct bpf_sock *sk)
{
	if (sk->src_port == DNS_PORT && in_scope(current_cgroup()))
		owner_set(bpf_sk_storage_get(&owners, sk, 0, BPF_SK_STORAGE_GET_F_CREATE),
			  EV_OWNER_BIND);
	return 1;
}

SEC("cgroup/post_bind4")
int socket_owner_bind4(struct bpf_sock *sk)
{
	return socket_owner_bind(sk);
}

SEC("cgroup/post_bind6")
int socket_owner_bind6(struct bpf_sock *sk)
{
	return socket_owner_bind(sk);
}

/* sendto and sendmsg with an address; without one the socket is connected. */
static __always_inline int socket_owner_send(struct bpf_sock_addr *ctx, struct sending *s)
{
	__u64 task = (__u64)current_task();

	s->to.port = bpf_ntohs(ctx->user_port);
	s->cookie = bpf_get_socket_cookie(ctx);
	bpf_map_update_elem(&sending, &task, s, BPF_ANY);
	owner_note(ctx->sk, EV_OWNER_SEND);
	return 1;
}

SEC("cgroup/sendmsg4")
int socket_owner_send4(struct bpf_sock_addr *ctx)
{
	struct sending s = {.to.family = AF_INET};
	__u32 ip = ctx->user_ip4;

	if (!in_scope(current_cgroup()))
		return 1;
	__builtin_memcpy(s.to.ip, &ip, sizeof(ip));
	return socket_owner_send(ctx, &s);
}

SEC("cgroup/sendmsg6")
int socket_owner_send6(struct bpf_sock_addr *ctx)
{
	struct sending s = {.to.family = AF_INET6};
	__u32 ip[4] = {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]};

	if (!in_scope(current_cgroup()))
		return 1;
	__builtin_memcpy(s.to.ip, ip, sizeof(ip));
	return socket_owner_send(ctx, &s);
}
