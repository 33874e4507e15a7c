/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What goes through io_uring, and so past every system call. A probe that serves system calls
 * serves the requests that do the same by the same function:
 *
 *	URING_PROBE(connect_exit)
 *	SERVES_URING(connect_exit, IORING_OP_CONNECT);
 *
 * The function gets a struct syscall as if the call had been made, but for two things: names and
 * addresses are kernel memory (sc->memory), and the file is given (sc->file) since it may have no
 * descriptor. See uring.bpf.c.
 */
#ifndef VARVE_URING_H
#define VARVE_URING_H

#include "syscall.bpf.h"

/* <linux/io_uring.h>, UAPI. */
enum io_uring_op {
	IORING_OP_ACCEPT = 13,
	IORING_OP_CONNECT = 16,
	IORING_OP_OPENAT = 18,
	IORING_OP_OPENAT2 = 28,
	IORING_OP_RENAMEAT = 35,
	IORING_OP_UNLINKAT = 36,
	IORING_OP_MKDIRAT = 37,
	IORING_OP_SYMLINKAT = 38,
	IORING_OP_LINKAT = 39,
	IORING_OP_FSETXATTR = 41,
	IORING_OP_SETXATTR = 42,
	IORING_OP_SOCKET = 45,
	IORING_OP_FTRUNCATE = 55,
	IORING_OP_BIND = 56,
	IORING_OP_LISTEN = 57,
};

/* The names of a request, from when it was submitted until it is complete: the kernel frees its own
 * copies before it says so. */
#define URING_NAME_LEN 4096
#define URING_SLOT_CNT 256 /* a power of two */
#define URING_TRIES    16

struct uring_names {
	char name[2][URING_NAME_LEN];
};

extern struct uring_names_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, URING_SLOT_CNT);
	__type(key, __u32);
	__type(value, struct uring_names);
} uring_names SEC(".maps");

/* Who has a slot: the address of the request. Entered by one only, so a lock as well. */
extern struct uring_owner_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, URING_SLOT_CNT);
	__type(key, __u32);
	__type(value, __u64);
} uring_owner SEC(".maps");

/* The completion's tracepoint hands over a struct io_uring_cqe (6.15?), not the result itself. */
extern const volatile __u8 cfg_uring_cqe;

static __always_inline __u32 uring_slot(__u64 req, __u32 i)
{
	return (((req * 0x9e3779b97f4a7c15ull) >> 40) + i) & (URING_SLOT_CNT - 1);
}

static __noinline struct uring_names *uring_find(__u64 req, __u32 *ret_slot)
{
	__u64 *owner;
	__u32 i;

	for (i = 0; i < URING_TRIES; i++) {
		*ret_slot = uring_slot(req, i);
		owner = bpf_map_lookup_elem(&uring_owner, ret_slot);
		if (owner && *owner == req)
			return bpf_map_lookup_elem(&uring_names, ret_slot);
	}
	return 0;
}

#define URING_OP(req, type) \
	((struct type *)((void *)(req) + bpf_core_field_offset(struct io_kiocb, cmd)))

static __always_inline void uring_fill_path(struct syscall *sc, struct io_kiocb *req, __u8 op,
					    __u64 from, __u64 to)
{
	if (op == IORING_OP_OPENAT || op == IORING_OP_OPENAT2) {
		struct io_open *o = URING_OP(req, io_open);

		sc->nr = NR_openat;
		sc->is_direct = BPF_CORE_READ(o, file_slot);
		sc->arg[0] = BPF_CORE_READ(o, dfd);
		sc->arg[1] = from;
		sc->arg[2] = BPF_CORE_READ(o, how.flags);
	} else if (op == IORING_OP_RENAMEAT) {
		struct io_rename *o = URING_OP(req, io_rename);

		sc->nr = NR_renameat2;
		sc->arg[0] = BPF_CORE_READ(o, old_dfd);
		sc->arg[1] = from;
		sc->arg[2] = BPF_CORE_READ(o, new_dfd);
		sc->arg[3] = to;
		sc->arg[4] = BPF_CORE_READ(o, flags);
	} else if (op == IORING_OP_UNLINKAT) {
		struct io_unlink *o = URING_OP(req, io_unlink);

		sc->nr = NR_unlinkat;
		sc->arg[0] = BPF_CORE_READ(o, dfd);
		sc->arg[1] = from;
		sc->arg[2] = BPF_CORE_READ(o, flags);
	} else if (op == IORING_OP_MKDIRAT) {
		struct io_mkdir *o = URING_OP(req, io_mkdir);

		sc->nr = NR_mkdirat;
		sc->arg[0] = BPF_CORE_READ(o, dfd);
		sc->arg[1] = from;
		sc->arg[2] = BPF_CORE_READ(o, mode);
	} else if (op == IORING_OP_LINKAT || op == IORING_OP_SYMLINKAT) {
		struct io_link *o = URING_OP(req, io_link);
		bool hard = op == IORING_OP_LINKAT;

		sc->nr = hard ? NR_linkat : NR_symlinkat;
		sc->arg[0] = hard ? (__u64)BPF_CORE_READ(o, old_dfd) : from;
		sc->arg[1] = hard ? from : (__u64)BPF_CORE_READ(o, new_dfd);
		sc->arg[2] = hard ? (__u64)BPF_CORE_READ(o, new_dfd) : to;
		sc->arg[3] = to;
		sc->arg[4] = BPF_CORE_READ(o, flags);
	}
}

static __always_inline void uring_fill_socket(struct syscall *sc, struct io_kiocb *req, __u8 op,
					      __u64 addr)
{
	if (op == IORING_OP_CONNECT) {
		struct io_connect *o = URING_OP(req, io_connect);

		sc->nr = NR_connect;
		sc->arg[1] = addr;
		sc->arg[2] = BPF_CORE_READ(o, addr_len);
	} else if (op == IORING_OP_ACCEPT) {
		struct io_accept *o = URING_OP(req, io_accept);

		sc->nr = NR_accept4;
		sc->is_direct = BPF_CORE_READ(o, file_slot);
	} else if (op == IORING_OP_SOCKET && bpf_core_type_exists(struct io_socket)) {
		struct io_socket *o = URING_OP(req, io_socket);

		sc->nr = NR_socket;
		sc->is_direct = BPF_CORE_READ(o, file_slot);
		sc->arg[0] = BPF_CORE_READ(o, domain);
		sc->arg[1] = BPF_CORE_READ(o, type);
		sc->arg[2] = BPF_CORE_READ(o, protocol);
	} else if (op == IORING_OP_BIND && bpf_core_type_exists(struct io_bind)) {
		struct io_bind *o = URING_OP(req, io_bind);

		sc->nr = NR_bind;
		sc->arg[1] = addr;
		sc->arg[2] = BPF_CORE_READ(o, addr_len);
	} else if (op == IORING_OP_LISTEN && bpf_core_type_exists(struct io_listen)) {
		struct io_listen *o = URING_OP(req, io_listen);

		sc->nr = NR_listen;
		sc->arg[1] = BPF_CORE_READ(o, backlog);
	}
}

static __always_inline void uring_fill_attribute(struct syscall *sc, struct io_kiocb *req, __u8 op,
						 __u64 from, __u64 name)
{
	if (op == IORING_OP_FSETXATTR || op == IORING_OP_SETXATTR) {
		struct io_xattr *o = URING_OP(req, io_xattr);

		sc->nr = op == IORING_OP_FSETXATTR ? NR_fsetxattr : NR_setxattr;
		if (op == IORING_OP_SETXATTR)
			sc->arg[0] = from;
		sc->arg[1] = name;
		sc->arg[2] = (__u64)BPF_CORE_READ(o, ctx.kvalue);
		sc->arg[3] = BPF_CORE_READ(o, ctx.size);
		sc->arg[4] = BPF_CORE_READ(o, ctx.flags);
	} else if (op == IORING_OP_FTRUNCATE && bpf_core_type_exists(struct io_ftrunc)) {
		struct io_ftrunc *o = URING_OP(req, io_ftrunc);

		sc->nr = NR_ftruncate;
		sc->arg[1] = BPF_CORE_READ(o, len);
	}
}

/*
 * What io_uring_complete hands over: (ring, request, user_data, result ...), later (ring, request,
 * cqe); or its record.
 */
struct uring_done {
	__u64 ring;
	struct io_kiocb *req;
	__u64 user_data;
	long result;
};

static __always_inline struct uring_done uring_done(void *ctx)
{
#ifdef VARVE_PREEMPTIBLE
	struct trace_event_raw_io_uring_complete *done = ctx;

	return (struct uring_done){(__u64)done->ctx, done->req, done->user_data, done->res};
#else
	__u64 *arg = ctx;
	struct uring_done d = {.ring = arg[0], .req = (void *)arg[1]};
	struct io_uring_cqe *cqe = (void *)arg[2];

	if (cfg_uring_cqe) {
		d.user_data = BPF_CORE_READ(cqe, user_data);
		d.result = BPF_CORE_READ(cqe, res);
	} else {
		d.user_data = arg[2];
		d.result = (__s32)arg[3];
	}
	return d;
#endif
}

/* At io_uring_submit_req. */
static __always_inline struct io_kiocb *submitted_req(void *ctx)
{
#ifdef VARVE_PREEMPTIBLE
	return ((struct trace_event_raw_io_uring_submit_req *)ctx)->req;
#else
	return (void *)((__u64 *)ctx)[0];
#endif
}

/*
 * An accept that goes on accepting (IORING_ACCEPT_MULTISHOT): all but its last completions do not
 * name the request, only ring and user_data.
 */
struct uring_many_key {
	__u64 ring;
	__u64 user_data;
};

struct uring_many {
	struct file *file;
	__u64 is_direct;
};

extern struct uring_many_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct uring_many_key);
	__type(value, struct uring_many);
} uring_many SEC(".maps");

/* Apart, for what it needs of the stack. */
static __noinline int uring_forget_many(__u64 ring, __u64 user_data)
{
	struct uring_many_key many = {.ring = ring, .user_data = user_data};

	return bpf_map_delete_elem(&uring_many, &many);
}

/* False: not to be recorded. Until uring_end() the names are the request's. */
static __always_inline bool uring_begin(struct syscall *sc, const struct uring_done *done,
					__u32 *ret_slot)
{
	struct io_kiocb *req = done->req;
	struct uring_names *names = uring_find((__u64)req, ret_slot);
	__u8 op = BPF_CORE_READ(req, opcode);
	__u64 name[2] = {};

	if (names) {
		name[0] = pointer_value(names->name[0]);
		name[1] = pointer_value(names->name[1]);
	} else {
		*ret_slot = URING_SLOT_CNT;
	}
	if (op == IORING_OP_ACCEPT) /* its last completion names the request */
		uring_forget_many(done->ring, done->user_data);
	if (!syscall_in_scope(sc))
		return false;
	sc->memory = NAME_KERNEL;
	sc->file = BPF_CORE_READ(req, file);
	sc->ret = done->result;
	sc->arg[0] = -1; /* where the file is given */
	uring_fill_path(sc, req, op, name[0], name[1]);
	uring_fill_socket(sc, req, op, name[0]);
	uring_fill_attribute(sc, req, op, name[0], name[1]);
	hide_values(sc);
	return true;
}

static __always_inline void uring_end(__u32 slot)
{
	if (slot < URING_SLOT_CNT)
		bpf_map_delete_elem(&uring_owner, &slot);
}

#define URING_PROBE(program)                                 \
	SEC("?" TASK_TP("io_uring", "io_uring_complete"))    \
	int program##_uring(void *ctx)                       \
	{                                                    \
		const struct uring_done done = uring_done(ctx); \
		struct syscall sc = {};                      \
		__u32 slot;                                  \
                                                             \
		if (uring_begin(&sc, &done, &slot))          \
			program##_body(&sc);                 \
		uring_end(slot);                             \
		return TASK_TP_DONE;                         \
	}

#define URING_MANY 63 /* the place among the operations of completions that name no request */

#define SERVES_URING(program, op)                                                      \
	const volatile struct ev_uring uring_##program##_##op SEC(".rodata.uring") = { \
		#program "_uring", #program, op}

#endif
