/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * unix_connect: a unix socket was connected to another, or this was tried. Included by
 * connect.bpf.c, since one program serves the call.
 *
 * Two names: the one that the process gave, from its memory, and the one that the peer is bound to,
 * the kernel's. They differ when the peer lives elsewhere: a runtime's socket that is mounted into a
 * container shows its own path.
 */
#ifndef VARVE_UNIX_CONNECT_H
#define VARVE_UNIX_CONNECT_H

#include "syscall.bpf.h"
#include "unix.bpf.h"

/* Who listens there: noted by the kernel when it began to. */
static __always_inline void unix_fill_peer(struct ev_unix_connect *ev, struct sock *sk)
{
	const struct cred *cred = BPF_CORE_READ(sk, sk_peer_cred);
	struct pid *pid = BPF_CORE_READ(sk, sk_peer_pid);

	if (!cred || !pid)
		return;
	ev->peer_pid = BPF_CORE_READ(pid, numbers[0].nr);
	ev->peer_uid = BPF_CORE_READ(cred, euid.val);
	ev->peer_gid = BPF_CORE_READ(cred, egid.val);
	ev->flags |= EV_UNIX_CONNECT_HAS_PEER;
}

static __always_inline struct sock *unix_peer(struct sock *sk)
{
	struct unix_sock *u = (void *)sk;

	return bpf_core_type_exists(struct unix_sock) ? BPF_CORE_READ(u, peer) : 0;
}

/* AF_UNSPEC takes a datagram socket's peer away. */
static __always_inline bool dissolves(const struct syscall *sc)
{
	return !sc->ret && sc->memory == NAME_USER && sun_family((void *)sc->arg[1]) != AF_UNIX;
}

static __noinline int unix_connect(struct syscall *sc)
{
	struct sock *sk = any_sock_of_file(syscall_file(sc, 0)), *peer;
	struct ev_unix_connect *ev;
	struct build b;

	if (!sock_is_unix(sk) || dissolves(sc))
		return 0;
	ev = (void *)record_begin(&b, EV_UNIX_CONNECT, EV_CLASS_network, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	ev->type = BPF_CORE_READ(sk, sk_type);
	ev->err = syscall_errno(sc->ret);
	unix_append_asked(&b, &ev->asked, sc);
	if (ev->asked.off)
		ev->flags |= EV_UNIX_CONNECT_USER_MEMORY;
	peer = sc->ret ? 0 : unix_peer(sk);
	if (peer) {
		unix_fill_peer(ev, sk);
		unix_append_name(&b, &ev->name, peer);
		unix_fill_file(&b, &ev->file, peer, sc->task);
	}
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

#endif
