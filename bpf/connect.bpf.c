/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * connect: TCP and UDP, IPv4 and IPv6, and how it ended. The same call serves unix sockets, which
 * are another kind (unix_connect.bpf.h).
 *
 * At the call's exit the result is known, but a refused socket has forgotten where it wanted to go.
 * So the cgroup programs, which get the kernel's copy of the address before the attempt, leave it
 * for the exit. What the kernel refuses before that (a wrong length, a socket that is connected)
 * has the address from user memory only, marked so.
 *
 * A call that returns EINPROGRESS, or that a signal interrupts, makes a record at once. If the
 * socket is then still in SYN_SENT, a second one, the completion, follows when inet_sock_set_state
 * sees it leave that state, often in an interrupt on another task's time: who and where are kept in
 * `connecting` until then.
 */
#include "uring.bpf.h"
#include "unix_connect.bpf.h"
#include "connection.bpf.h"
#include "socket_owner.bpf.h"

struct destination {
	struct ev_addr addr;
	__u64 cookie; /* of the socket */
	__u32 protocol;
	__u32 pad0;
};

/* LRU: io_uring and MSG_FASTOPEN leave entries that no connect(2) takes out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64); /* pid and tgid of the task that is in connect(2) */
	__type(value, struct destination);
} connect_to SEC(".maps");

struct connecting {
	struct ev_task task;
	__u64 cgid;
	struct ev_addr destination;
	__u64 cookie;
	__u32 protocol;
	__u32 flags;
	__u32 err; /* that the call returned */
	__u32 pad0;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64); /* the socket */
	__type(value, struct connecting);
} connecting SEC(".maps");

#define NR_io_uring_enter 426 /* in 32-bit programs, too */

/*
 * sendto with MSG_FASTOPEN comes here, too, and no exit of connect takes out what it leaves. A
 * worker of io_uring has no registers of a call.
 */
static __always_inline bool connect_is_called(void)
{
	struct task_struct *task = current_task();
	struct pt_regs *regs = task_regs(task);
	__u32 nr = BPF_CORE_READ(regs, orig_ax) & ~X32_BIT;

	if (!regs || nr == NR_io_uring_enter)
		return true;
	if (syscall_is_compat(task))
		return nr == NR32_connect || nr == NR32_SOCKETCALL;
	return nr == NR_connect;
}

static __always_inline int connect_keep(struct bpf_sock_addr *ctx, struct destination *to)
{
	__u64 task = bpf_get_current_pid_tgid();

	if (!connect_is_called())
		return 1;
	to->addr.port = bpf_ntohs(ctx->user_port);
	to->protocol = ctx->protocol;
	to->cookie = bpf_get_socket_cookie(ctx); /* makes one, if the socket has none yet */
	bpf_map_update_elem(&connect_to, &task, to, BPF_ANY);
	if (to->protocol == IPPROTO_UDP || to->addr.port == 53)
		owner_note(ctx->sk, EV_OWNER_CONNECT);
	return 1;
}

SEC("cgroup/connect4")
int connect_v4(struct bpf_sock_addr *ctx)
{
	struct destination to = {.addr.family = AF_INET};
	__u32 ip = ctx->user_ip4;

	if (!in_scope(current_cgroup()))
		return 1;
	__builtin_memcpy(to.addr.ip, &ip, sizeof(ip));
	return connect_keep(ctx, &to);
}

SEC("cgroup/connect6")
int connect_v6(struct bpf_sock_addr *ctx)
{
	struct destination to = {.addr.family = AF_INET6};
	__u32 ip[4] = {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]};

	if (!in_scope(current_cgroup()))
		return 1;
	__builtin_memcpy(to.addr.ip, ip, sizeof(ip));
	return connect_keep(ctx, &to);
}

/*
 * Whom with: what the cgroup program kept, if it ran, whatever the descriptor leads to by now:
 * another thread may have closed or replaced it, and the connection lives on in a duplicate. Else
 * the socket's, and the address from user memory, unless it is too short or cannot be read. *sk
 * becomes NULL if it is not the socket that was connected. False if it is no connect of IP: one
 * that succeeds with another family dissolves an old one.
 */
static __always_inline bool connect_whom(const struct syscall *sc, struct connecting *c,
					 struct sock **sk)
{
	__u64 task = bpf_get_current_pid_tgid(), cookie = 0;
	struct destination *kept = bpf_map_lookup_elem(&connect_to, &task);

	if (*sk)
		cookie = BPF_CORE_READ(*sk, __sk_common.skc_cookie.counter);
	if (kept) {
		c->destination = kept->addr;
		c->cookie = kept->cookie;
		c->protocol = kept->protocol;
		bpf_map_delete_elem(&connect_to, &task);
		if (cookie != c->cookie)
			*sk = 0;
		return true;
	}
	if (!*sk)
		return false;
	c->cookie = cookie;
	c->protocol = BPF_CORE_READ(*sk, sk_protocol);
	if (!addr_read(&c->destination, (void *)sc->arg[1], sc->arg[2], sc->memory)) {
		if (!sc->ret && sc->memory == NAME_KERNEL) /* io_uring: the address is gone */
			sock_addr(&c->destination, *sk, false);
		return sc->ret < 0 || c->destination.family;
	}
	if (sc->memory == NAME_USER)
		c->flags |= EV_CONNECT_USER_MEMORY;
	return true;
}

/* sk: 0 if it is not known. */
static __always_inline void connect_emit(const struct connecting *c, struct sock *sk, __u32 outcome,
					 __u32 outcome_err, __u32 flags)
{
	struct ev_connect *ev;
	struct build b;

	ev = (void *)record_begin(&b, EV_CONNECT, EV_CLASS_network, c->cgid, sizeof(*ev));
	if (!ev)
		return;
	ev->hdr.task = c->task;
	if (sk)
		sock_source(&ev->source, sk);
	ev->destination = c->destination;
	ev->cookie = c->cookie;
	ev->protocol = c->protocol;
	ev->err = c->err;
	ev->outcome = outcome;
	ev->outcome_err = outcome_err;
	ev->flags = c->flags | flags;
	record_submit(&b, BPF_RB_NO_WAKEUP);
}

/* SYN_RECV: both ends sent a SYN at once. */
static __always_inline bool state_is_pending(int state)
{
	return state == TCP_SYN_SENT || state == TCP_SYN_RECV;
}

/*
 * After EINPROGRESS or EINTR. On loopback the answer is often here before the call returns; else
 * the record waits in `connecting`. The state may change between looking and entering, so it is
 * looked at again: whoever then takes the entry out makes the record. Returns the state if that is
 * the caller, else TCP_SYN_SENT.
 */
static __always_inline __u8 connect_await(struct sock *sk, struct connecting *c)
{
	__u64 key = (__u64)sk;
	__u8 state;

	if (bpf_map_update_elem(&connecting, &key, c, BPF_ANY)) {
		record_lose(EV_CONNECT, EV_CLASS_network, c->cgid, EV_CAUSE_MAP_FULL);
		if (c->protocol == IPPROTO_TCP)
			connection_lost(c->cgid, EV_CAUSE_MAP_FULL);
		return TCP_SYN_SENT;
	}
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (state_is_pending(state) || bpf_map_delete_elem(&connecting, &key))
		return TCP_SYN_SENT;
	return state;
}

/*
 * What a call needs until it is recorded. Not on the stack, whose every value the verifier follows:
 * it took ten times as long.
 */
struct connect_room {
	__u64 busy;
	struct connecting c;
	struct connection follow;
};

/* Only tasks that preempt each other in the middle of their probes need more than one. */
#define CONNECT_ROOMS 4

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CONNECT_ROOMS);
	__type(key, __u32);
	__type(value, struct connect_room);
} connect_rooms SEC(".maps");

#ifdef VARVE_BEFORE_5_12 /* no task is preempted there */
static __always_inline struct connect_room *connect_room_get(void)
{
	__u32 first = 0;

	return bpf_map_lookup_elem(&connect_rooms, &first);
}
#else
static __always_inline struct connect_room *connect_room_get(void)
{
	struct connect_room *room;
	__u32 i, key;

	for (i = 0; i < CONNECT_ROOMS; i++) {
		key = i;
		room = bpf_map_lookup_elem(&connect_rooms, &key);
		if (room && __sync_val_compare_and_swap(&room->busy, 0, 1) == 0)
			return room;
	}
	return 0;
}
#endif

/* Without room nothing is followed: the completion and the end are declared as well, which is more
 * than is lost where there would be none. */
static __always_inline void connect_lost(const struct syscall *sc, struct sock *sk)
{
	bool in_progress = sc->ret == -EINPROGRESS || sc->ret == -EINTR || sc->ret == -ERESTARTSYS;

	record_lose(EV_CONNECT, EV_CLASS_network, sc->cgid, EV_CAUSE_SCRATCH_BUSY);
	if (!sk || (sc->ret && !in_progress))
		return;
	if (in_progress)
		record_lose(EV_CONNECT, EV_CLASS_network, sc->cgid, EV_CAUSE_SCRATCH_BUSY);
	if (BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP)
		connection_lost(sc->cgid, EV_CAUSE_SCRATCH_BUSY);
}

static __always_inline void connect_record(struct connect_room *room, const struct syscall *sc,
					   struct sock *sk)
{
	struct connecting *c = &room->c;
	bool in_progress, connected;
	long ret = sc->ret;
	__u8 state;

	if (!connect_whom(sc, c, &sk))
		return;
	task_fill(&c->task, sc->task);
	c->cgid = sc->cgid;
	c->flags |= c->cookie ? EV_CONNECT_HAS_COOKIE : 0;
	if (ret == -ERESTARTSYS)
		ret = -EINTR; /* what user space sees, unless the call begins anew */
	c->err = -ret;
	connected = !ret;
	in_progress = ret == -EINPROGRESS || ret == -EINTR;
	connect_emit(c, sk,
		     connected	   ? EV_OUTCOME_CONNECTED
		     : in_progress ? EV_OUTCOME_IN_PROGRESS
				   : EV_OUTCOME_FAILED,
		     in_progress ? 0 : -ret, 0);
	if (!sk)
		return;
	if (in_progress) {
		state = connect_await(sk, c);
		if (state == TCP_SYN_SENT)
			return;
		connected = state != TCP_CLOSE; /* the peer may have closed it by now */
		connect_emit(c, sk, connected ? EV_OUTCOME_CONNECTED : EV_OUTCOME_FAILED,
			     connected ? 0 : BPF_CORE_READ(sk, sk_err), EV_CONNECT_COMPLETION);
	}
	if (connected)
		connection_follow_in(&room->follow, sk, &c->task, c->cgid, 0, &c->destination,
				     c->cookie, EV_CLOSE_CLIENT);
}

static __noinline int connect_ip(struct syscall *sc)
{
	struct sock *sk = sock_of_file(syscall_file(sc, 0));
	__u64 task = bpf_get_current_pid_tgid();
	struct connect_room *room;

	if (!sk && !bpf_map_lookup_elem(&connect_to, &task))
		return 0; /* of another family */
	room = connect_room_get();
	if (!room) {
		bpf_map_delete_elem(&connect_to, &task);
		connect_lost(sc, sk);
		return 0;
	}
	__builtin_memset(&room->c, 0, sizeof(room->c));
	connect_record(room, sc, sk);
	room->busy = 0;
	return 0;
}

/* Both look for themselves: another thread may have made a unix socket of an IP one meanwhile. */
SYSCALL_PROBE(connect_exit)
{
	unix_connect(sc);
	return connect_ip(sc);
}

SERVES_SYSCALL(connect_exit, connect);
URING_PROBE(connect_exit)
SERVES_URING(connect_exit, IORING_OP_CONNECT);

SEC("?fexit/__sys_connect")
int BPF_PROG(connect_fn, int fd, void *addr, int len, int ret)
{
	struct syscall sc = {.nr = NR_connect, .arg = {fd, (__u64)addr, len}, .ret = ret};

	return syscall_in_scope(&sc) ? connect_exit_body(&sc) : 0;
}

INSTEAD_OF(connect_fn, connect_exit);

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(connect_state, struct sock *sk, int oldstate, int newstate)
{
	__u64 key = (__u64)sk;
	struct connecting *c;

	if (!state_is_pending(oldstate) || (newstate != TCP_ESTABLISHED && newstate != TCP_CLOSE))
		return 0;
	c = bpf_map_lookup_elem(&connecting, &key);
	/* The socket may be another one at the same place. */
	if (!c || c->cookie != (__u64)BPF_CORE_READ(sk, __sk_common.skc_cookie.counter))
		return 0;
	struct connecting copy = *c;

	if (bpf_map_delete_elem(&connecting, &key))
		return 0; /* connect_await() was faster */
	connect_emit(
		&copy, sk, newstate == TCP_ESTABLISHED ? EV_OUTCOME_CONNECTED : EV_OUTCOME_FAILED,
		newstate == TCP_ESTABLISHED ? 0 : BPF_CORE_READ(sk, sk_err), EV_CONNECT_COMPLETION);
	if (newstate == TCP_ESTABLISHED)
		connection_follow(sk, &copy.task, copy.cgid, 0, &copy.destination, copy.cookie,
				  EV_CLOSE_CLIENT);
	return 0;
}
