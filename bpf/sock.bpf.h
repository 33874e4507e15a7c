/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Whom with: reads addresses out of a socket. */
#ifndef VARVE_SOCK_H
#define VARVE_SOCK_H

#include <bpf/bpf_endian.h>
#include "path.bpf.h"

static __always_inline bool family_is_ip(__u16 family)
{
	return family == AF_INET || family == AF_INET6;
}

/* private_data is a struct socket only if the inode says so. */
static __always_inline bool file_is_socket(struct file *file)
{
	return file && (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) == S_IFSOCK;
}

/* The socket behind a file, of any family; NULL if it is none. */
static __always_inline struct sock *any_sock_of_file(struct file *file)
{
	struct socket *socket;

	if (!file_is_socket(file))
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

/* The IP socket behind a file; NULL if it is none. */
static __always_inline struct sock *sock_of_file(struct file *file)
{
	struct sock *sk = any_sock_of_file(file);

	return sk && family_is_ip(BPF_CORE_READ(sk, __sk_common.skc_family)) ? sk : 0;
}

static __always_inline void sock_addr(struct ev_addr *a, struct sock *sk, bool local)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	__be32 ip4;

	if (family == AF_INET) {
		ip4 = local ? BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr)
			    : BPF_CORE_READ(sk, __sk_common.skc_daddr);
		__builtin_memcpy(a->ip, &ip4, sizeof(ip4));
	} else if (local) {
		BPF_CORE_READ_INTO(&a->ip, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
	} else {
		BPF_CORE_READ_INTO(&a->ip, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	}
	a->port = local ? BPF_CORE_READ(sk, __sk_common.skc_num)
			: bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	a->family = family;
}

static __always_inline void sock_source(struct ev_addr *a, struct sock *sk)
{
	sock_addr(a, sk, true);
}

/* struct sockaddr_in and sockaddr_in6 as they were passed. False if it is no IP address. */
static __always_inline bool addr_read(struct ev_addr *a, const void *addr, __u32 len,
				      enum name_memory memory)
{
	long err;

	struct {
		__u16 family;
		__be16 port;
		__u32 ip4; /* flow label in IPv6 */
		__u8 ip6[16];
	} u = {};

	if (len > sizeof(u))
		len = sizeof(u);
	asm volatile(""
		     : "+r"(len)); /* else the verifier sees the check on one half of the register
				      only */
	len &= 31;
	if (len > sizeof(u) || len < 8)
		return false;
	err = memory == NAME_KERNEL ? bpf_probe_read_kernel(&u, len, addr)
				    : bpf_probe_read_user(&u, len, addr);
	if (err || !family_is_ip(u.family))
		return false;
	a->family = u.family;
	a->port = bpf_ntohs(u.port);
	if (u.family == AF_INET)
		__builtin_memcpy(a->ip, &u.ip4, sizeof(u.ip4));
	else
		__builtin_memcpy(a->ip, u.ip6, sizeof(u.ip6));
	return true;
}

#endif
