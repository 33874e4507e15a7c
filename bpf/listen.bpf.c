/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * listen: a socket takes connections from now on, or could not be made to. Where, is read from the
 * socket: one that was not bound has got its port from the call itself.
 */
#include "uring.bpf.h"
#include "unix.bpf.h"

SYSCALL_PROBE(listen_exit)
{
	struct sock *sk = any_sock_of_file(syscall_file(sc, 0));
	struct ev_listen *ev;
	struct build b;
	bool unix_socket = sock_is_unix(sk);

	if (!sk || !(unix_socket || family_is_ip(BPF_CORE_READ(sk, __sk_common.skc_family))))
		return 0;
	ev = (void *)record_begin(&b, EV_LISTEN, EV_CLASS_network, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	ev->backlog = sc->arg[1];
	ev->err = syscall_errno(sc->ret);
	ev->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	ev->protocol = BPF_CORE_READ(sk, sk_protocol);
	ev->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	if (unix_socket)
		unix_append_name(&b, &ev->unix_path, sk);
	else
		sock_source(&ev->address, sk);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(listen_exit, listen);
URING_PROBE(listen_exit)
SERVES_URING(listen_exit, IORING_OP_LISTEN);

SEC("?fexit/__sys_listen")
int BPF_PROG(listen_fn, int fd, int backlog, int ret)
{
	struct syscall sc = {.nr = NR_listen, .arg = {fd, backlog}, .ret = ret};

	return syscall_in_scope(&sc) ? listen_exit_body(&sc) : 0;
}

INSTEAD_OF(listen_fn, listen_exit);
