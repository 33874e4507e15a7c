/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* accept: a connection was taken. Both ends are read from the new socket. */
#include "syscall.bpf.h"
#include "sock.bpf.h"

SEC("tp_btf/sys_exit")
int accept_exit(__u64 *ctx)
{
	struct ev_accept *ev;
	struct syscall sc;
	struct build b;
	struct sock *sk = 0;

	if ((long)ctx[1] < 0 || !syscall_begin(&sc, ctx))
		return 0;
	/* Another thread may have closed or replaced the descriptor: then the ends are not known.
	 */
	if (fd_is_socket(sc.task, sc.ret)) {
		sk = sock_of_fd(sc.task, sc.ret);
		if (!sk)
			return 0; /* not of IP */
	}
	ev = (void *)record_begin(&b, EV_ACCEPT, EV_CLASS_network, sc.cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc.task);
	if (sk) {
		sock_addr(&ev->source, sk, false);
		sock_addr(&ev->destination, sk, true);
		ev->protocol = BPF_CORE_READ(sk, sk_protocol);
		ev->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	}
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(accept_exit, NR_accept);
SERVES_SYSCALL(accept_exit, NR_accept4);
