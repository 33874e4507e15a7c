/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * accept: a connection was taken, or could not be. Both ends are read from the new socket; of a
 * failed attempt there is only the listening one. That nobody had come yet (EAGAIN), and a call
 * that a signal interrupts and that begins anew, are no attempts.
 */
#include "uring.bpf.h"
#include "sock.bpf.h"
#include "connection.bpf.h"

static __always_inline bool accept_was_no_attempt(long ret)
{
	return ret == -EAGAIN || ret == -EINTR || ret == -ECANCELED || ret <= -ERESTARTSYS;
}

static __always_inline void accept_follow(struct sock *sk, struct syscall *sc)
{
	struct ev_addr source = {}, destination = {};
	struct ev_task task = {};

	task_fill(&task, sc->task);
	sock_addr(&source, sk, false);
	sock_addr(&destination, sk, true);
	connection_follow(sk, &task, sc->cgid, &source, &destination,
			  BPF_CORE_READ(sk, __sk_common.skc_cookie.counter), EV_CLOSE_SERVER);
}

SYSCALL_PROBE(accept_exit)
{
	bool failed = sc->ret < 0;
	struct file *file = 0;
	struct ev_accept *ev;
	struct sock *sk = 0;
	struct build b;

	if (accept_was_no_attempt(sc->ret))
		return 0;
	if (failed)
		file = syscall_file(sc, 0);
	else if (!sc->is_direct)
		file = file_of_fd(sc->task, sc->ret);
	/* Another thread may have closed or replaced the descriptor: then the ends are not known.
	 */
	if (file_is_socket(file)) {
		sk = sock_of_file(file);
		if (!sk)
			return 0; /* not of IP */
	} else if (failed) {
		return 0;
	}
	ev = (void *)record_begin(&b, EV_ACCEPT, EV_CLASS_network, sc->cgid, sizeof(*ev));
	if (!ev)
		goto out;
	task_fill(&ev->hdr.task, sc->task);
	ev->err = syscall_errno(sc->ret);
	if (sk) {
		if (!failed)
			sock_addr(&ev->source, sk, false);
		sock_addr(&ev->destination, sk, true);
		ev->protocol = BPF_CORE_READ(sk, sk_protocol);
		ev->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	}
	record_submit(&b, BPF_RB_NO_WAKEUP);
out:
	if (sk && !failed && (ev || !kind_is_off(EV_ACCEPT)))
		accept_follow(sk, sc);
	return 0;
}

SERVES_SYSCALL(accept_exit, accept);
SERVES_SYSCALL(accept_exit, accept4);
URING_PROBE(accept_exit)
SERVES_URING(accept_exit, IORING_OP_ACCEPT);

/* One of many connections that one request accepts. */
SEC("?" TASK_TP("io_uring", "io_uring_complete"))
int accept_many_uring(void *ctx)
{
	const struct uring_done done = uring_done(ctx);
	struct uring_many_key key = {.ring = done.ring, .user_data = done.user_data};
	struct uring_many *many = bpf_map_lookup_elem(&uring_many, &key);
	struct syscall sc = {.nr = NR_accept4, .arg = {-1}, .memory = NAME_KERNEL};

	if (!many || !syscall_in_scope(&sc))
		return TASK_TP_DONE;
	sc.file = many->file;
	sc.is_direct = many->is_direct;
	sc.ret = done.result;
	/* Another request's completion may go by the same number: its result is no socket. */
	if (sc.ret >= 0 && !sc.is_direct && !file_is_socket(file_of_fd(sc.task, sc.ret)))
		return TASK_TP_DONE;
	accept_exit_body(&sc);
	return TASK_TP_DONE;
}

const volatile struct ev_uring uring_accept_many SEC(".rodata.uring") = {"accept_many_uring",
									 "accept_exit", URING_MANY};

SEC("?fexit/__sys_accept4")
int BPF_PROG(accept_fn, int fd, void *addr, int *len, int flags, int ret)
{
	struct syscall sc = {.nr = NR_accept4, .arg = {fd}, .ret = ret};

	return syscall_in_scope(&sc) ? accept_exit_body(&sc) : 0;
}

INSTEAD_OF(accept_fn, accept_exit);
