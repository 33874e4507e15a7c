/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * close: a TCP connection ended. What is known of it from its start is in connection.bpf.h; here
 * the kernel's counts are read as it leaves its last state. After a close(2) that is when the peer
 * has acknowledged everything, or has been given up; TIME_WAIT is not waited for.
 */
#include "connection.bpf.h"

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(close_state, struct sock *sk, int oldstate, int newstate)
{
	__u64 key = (__u64)sk;
	struct connection copy, *c;

	if (newstate != TCP_CLOSE)
		return 0;
	c = bpf_map_lookup_elem(&connections, &key);
	if (!c || !connection_is_of(c, sk))
		return 0;
	__builtin_memcpy(&copy, c, sizeof(copy));
	if (!bpf_map_delete_elem(&connections, &key)) /* else connection_follow() was faster */
		connection_emit(&copy, sk, oldstate);
	return 0;
}
