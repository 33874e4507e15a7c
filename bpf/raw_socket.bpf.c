/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * raw_socket: a socket that sees or makes whole packets was made, or could not be. What was asked
 * for is in registers, so it is what the kernel acted on. Netlink's raw sockets are its usual ones,
 * and a raw unix socket is a datagram one.
 */
#include "uring.bpf.h"
#include "sock.bpf.h"

static __always_inline bool socket_is_raw(int family, int type)
{
	if (family == AF_PACKET)
		return true;
	return (type == SOCK_RAW || type == SOCK_PACKET) && family != AF_NETLINK &&
	       family != AF_UNIX;
}

SYSCALL_PROBE(raw_socket_exit)
{
	int family = sc->arg[0], type = sc->arg[1] & SOCK_TYPE_MASK;
	struct ev_raw_socket *ev;
	struct build b;

	if (!socket_is_raw(family, type))
		return 0;
	ev = (void *)record_begin(&b, EV_RAW_SOCKET, EV_CLASS_network, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	ev->family = family;
	ev->type = type;
	ev->protocol = sc->arg[2];
	if (sc->ret < 0) {
		ev->err = syscall_errno(sc->ret);
	} else if (!sc->is_direct) {
		ev->fd = sc->ret;
		ev->flags = EV_RAW_SOCKET_HAS_FD;
	}
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(raw_socket_exit, socket);
URING_PROBE(raw_socket_exit)
SERVES_URING(raw_socket_exit, IORING_OP_SOCKET);

SEC("?fexit/__sys_socket")
int BPF_PROG(raw_socket_fn, int family, int type, int protocol, int ret)
{
	struct syscall sc = {.nr = NR_socket, .arg = {family, type, protocol}, .ret = ret};

	return syscall_in_scope(&sc) ? raw_socket_exit_body(&sc) : 0;
}

INSTEAD_OF(raw_socket_fn, raw_socket_exit);
