/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * bind: a socket was given an address, or could not be. As with connect, cgroup programs leave the
 * kernel's copy of what was asked for; what the kernel refuses before that has it from user memory
 * only, marked so. What it was bound to is read from the socket.
 *
 * Sockets of IP, and unix sockets: a path in a directory that others see is a door, too.
 */
#include "uring.bpf.h"
#include "unix.bpf.h"

struct bind_asked {
	struct ev_addr addr;
	__u64 cookie; /* of the socket */
};

/* LRU: the kernel's own binds and io_uring's leave entries that no bind(2) takes out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* pid and tgid of the task that is in bind(2) */
	__type(value, struct bind_asked);
} bind_asked SEC(".maps");

static __always_inline int bind_keep(struct bpf_sock_addr *ctx, struct bind_asked *asked)
{
	__u64 task = bpf_get_current_pid_tgid();

	asked->addr.port = bpf_ntohs(ctx->user_port);
	asked->cookie = bpf_get_socket_cookie(ctx);
	bpf_map_update_elem(&bind_asked, &task, asked, BPF_ANY);
	return 1;
}

SEC("cgroup/bind4")
int bind_v4(struct bpf_sock_addr *ctx)
{
	struct bind_asked asked = {.addr.family = AF_INET};
	__u32 ip = ctx->user_ip4;

	if (!in_scope(current_cgroup()))
		return 1;
	__builtin_memcpy(asked.addr.ip, &ip, sizeof(ip));
	return bind_keep(ctx, &asked);
}

SEC("cgroup/bind6")
int bind_v6(struct bpf_sock_addr *ctx)
{
	struct bind_asked asked = {.addr.family = AF_INET6};
	__u32 ip[4] = {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]};

	if (!in_scope(current_cgroup()))
		return 1;
	__builtin_memcpy(asked.addr.ip, ip, sizeof(ip));
	return bind_keep(ctx, &asked);
}

/* What was kept of this very socket, else from user memory. */
static __always_inline void bind_fill_asked(struct ev_bind *ev, struct syscall *sc)
{
	__u64 task = bpf_get_current_pid_tgid();
	struct bind_asked *kept = bpf_map_lookup_elem(&bind_asked, &task);
	bool same = kept && kept->cookie == ev->cookie;

	if (same)
		ev->asked = kept->addr;
	if (kept)
		bpf_map_delete_elem(&bind_asked, &task);
	if (!same && sc->memory == NAME_USER &&
	    addr_read(&ev->asked, (void *)sc->arg[1], sc->arg[2], NAME_USER))
		ev->flags |= EV_BIND_USER_MEMORY;
}

static __always_inline void bind_fill_unix(struct build *b, struct ev_bind *ev, struct syscall *sc,
					   struct sock *sk)
{
	if (!sc->ret) {
		unix_append_name(b, &ev->unix_path, sk);
		unix_fill_file(b, &ev->file, sk, sc->task);
		return;
	}
	unix_append_asked(b, &ev->unix_path, sc);
	if (ev->unix_path.off)
		ev->flags |= EV_BIND_USER_MEMORY;
}

SYSCALL_PROBE(bind_exit)
{
	struct sock *sk = any_sock_of_file(syscall_file(sc, 0));
	struct ev_bind *ev;
	struct build b;
	bool unix_socket = sock_is_unix(sk);

	if (!sk || !(unix_socket || family_is_ip(BPF_CORE_READ(sk, __sk_common.skc_family))))
		return 0;
	ev = (void *)record_begin(&b, EV_BIND, EV_CLASS_network, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	ev->err = syscall_errno(sc->ret);
	ev->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	ev->protocol = BPF_CORE_READ(sk, sk_protocol);
	ev->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	if (unix_socket) {
		bind_fill_unix(&b, ev, sc, sk);
	} else {
		bind_fill_asked(ev, sc);
		if (!sc->ret)
			sock_source(&ev->bound, sk);
	}
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(bind_exit, bind);
URING_PROBE(bind_exit)
SERVES_URING(bind_exit, IORING_OP_BIND);

SEC("?fexit/__sys_bind")
int BPF_PROG(bind_fn, int fd, void *addr, int len, int ret)
{
	struct syscall sc = {.nr = NR_bind, .arg = {fd, (__u64)addr, len}, .ret = ret};

	return syscall_in_scope(&sc) ? bind_exit_body(&sc) : 0;
}

INSTEAD_OF(bind_fn, bind_exit);
