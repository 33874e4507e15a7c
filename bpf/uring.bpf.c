/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * io_uring's requests: when one is submitted its names are copied, when it is complete the probe
 * that serves its operation is called (uring.bpf.h).
 *
 * The request is complete in a task of the process that submitted it (its own, a worker's or the
 * polling thread's, which all are threads of the process since 5.12). Before 6.0 the tracepoints do
 * not name the request, so nothing of this can be had. A request that asked for no completion entry
 * when it succeeds (IOSQE_CQE_SKIP_SUCCESS) passes no tracepoint then; in the trampoline set the
 * functions behind the operations on names see it all the same.
 */
#include "path.bpf.h"
#include "uring.bpf.h"

/* Operations, by bit, that programs on kernel functions see. Set by the sensor. */
__u64 uring_by_function = 0;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} uring_progs SEC(".maps");

static __always_inline struct uring_names *take_slot(__u64 req)
{
	__u64 *owner;
	__u32 i, slot;

	for (i = 0; i < URING_TRIES; i++) {
		slot = uring_slot(req, i);
		if (!bpf_map_update_elem(&uring_owner, &slot, &req, BPF_NOEXIST))
			return bpf_map_lookup_elem(&uring_names, &slot);
		/* Left by a request at the same place, whose end passed no tracepoint. */
		owner = bpf_map_lookup_elem(&uring_owner, &slot);
		if (owner && *owner == req)
			return bpf_map_lookup_elem(&uring_names, &slot);
	}
	return 0;
}

/* Where in the request the pointers to its (at most two) names are; 0: none. */
struct name_places {
	__u32 at[2];
	bool is_filename[2]; /* a struct filename, else bytes */
};

#define IN_COMMAND(type, field) \
	(bpf_core_field_offset(struct io_kiocb, cmd) + bpf_core_field_offset(struct type, field))
#define PLACE(type, field)                                                   \
	(bpf_core_field_exists(struct type, field) ? IN_COMMAND(type, field) \
						   : IN_COMMAND(type##___delayed, field))

static __always_inline bool find_places(__u8 op, struct name_places *p)
{
	p->is_filename[0] = p->is_filename[1] = true;
	if (op == IORING_OP_OPENAT || op == IORING_OP_OPENAT2) {
		p->at[0] = PLACE(io_open, filename);
	} else if (op == IORING_OP_RENAMEAT) {
		p->at[0] = PLACE(io_rename, oldpath);
		p->at[1] = PLACE(io_rename, newpath);
	} else if (op == IORING_OP_UNLINKAT) {
		p->at[0] = PLACE(io_unlink, filename);
	} else if (op == IORING_OP_MKDIRAT) {
		p->at[0] = PLACE(io_mkdir, filename);
	} else if (op == IORING_OP_LINKAT || op == IORING_OP_SYMLINKAT) {
		p->at[0] = PLACE(io_link, oldpath);
		p->at[1] = PLACE(io_link, newpath);
	} else if (op == IORING_OP_SETXATTR || op == IORING_OP_FSETXATTR) {
		if (op == IORING_OP_SETXATTR)
			p->at[0] = PLACE(io_xattr, filename);
		p->at[1] = IN_COMMAND(io_xattr, ctx.kname);
		p->is_filename[1] = false;
	} else {
		return false;
	}
	return true;
}

static __always_inline void copy_name(char to[URING_NAME_LEN], struct io_kiocb *req, __u32 at,
				      bool is_filename)
{
	void *from = 0;

	to[0] = 0;
	if (!at || bpf_probe_read_kernel(&from, sizeof(from), (void *)req + at))
		return;
	if (is_filename)
		from = (void *)BPF_CORE_READ((struct filename *)from, name);
	if (bpf_probe_read_kernel_str(to, URING_NAME_LEN, from) < 0)
		to[0] = 0;
}

/* The kernel's copy of the address, where it has been made by now: struct sockaddr_storage. */
static __always_inline bool copy_address(struct uring_names *names, struct io_kiocb *req)
{
	struct io_async_msghdr *io = BPF_CORE_READ(req, async_data);

	if (!io || !bpf_core_field_exists(io->addr))
		return false;
	return !bpf_probe_read_kernel(names->name[0], 128,
				      (void *)io +
					      bpf_core_field_offset(struct io_async_msghdr, addr));
}

#define REQ_F_CQE_SKIP		(1u << 6)
#define IORING_ACCEPT_MULTISHOT 1

static __always_inline void note_many(struct io_kiocb *req)
{
	struct io_accept *accept = URING_OP(req, io_accept);
	struct uring_many_key key = {};
	struct uring_many many = {};

	/* In 6.1 the flag is the request's; there each accept is noted, which does no harm. */
	if (bpf_core_field_exists(accept->iou_flags) &&
	    !(BPF_CORE_READ(accept, iou_flags) & IORING_ACCEPT_MULTISHOT))
		return;
	key.ring = (__u64)BPF_CORE_READ(req, ctx);
	key.user_data = BPF_CORE_READ(req, cqe.user_data);
	many.file = BPF_CORE_READ(req, file);
	many.is_direct = BPF_CORE_READ(accept, file_slot);
	bpf_map_update_elem(&uring_many, &key, &many, BPF_ANY);
}

/* REQ_F_CQE_SKIP: its success passes no tracepoint. */
static __always_inline bool skips_completion(struct io_kiocb *req)
{
	__u32 flags = 0;

	bpf_probe_read_kernel(&flags, sizeof(flags),
			      (void *)req + bpf_core_field_offset(struct io_kiocb, flags));
	return flags & REQ_F_CQE_SKIP;
}

/* The kind that a request would make a record of; 0: none. */
static __always_inline __u16 kind_of(struct io_kiocb *req, __u8 op)
{
	if (op == IORING_OP_OPENAT || op == IORING_OP_OPENAT2)
		return EV_OPEN;
	if (op == IORING_OP_RENAMEAT)
		return EV_RENAME;
	if (op == IORING_OP_UNLINKAT)
		return EV_UNLINK;
	if (op == IORING_OP_MKDIRAT)
		return EV_MKDIR;
	if (op == IORING_OP_LINKAT)
		return EV_LINK;
	if (op == IORING_OP_SYMLINKAT)
		return EV_SYMLINK;
	if (op == IORING_OP_SETXATTR || op == IORING_OP_FSETXATTR)
		return EV_XATTR;
	if (op == IORING_OP_FTRUNCATE)
		return EV_TRUNCATE;
	if (op == IORING_OP_CONNECT)
		return EV_CONNECT;
	if (op == IORING_OP_ACCEPT)
		return EV_ACCEPT;
	if (op == IORING_OP_BIND)
		return EV_BIND;
	if (op == IORING_OP_LISTEN)
		return EV_LISTEN;
	if (op == IORING_OP_SOCKET && bpf_core_type_exists(struct io_socket) &&
	    (BPF_CORE_READ(URING_OP(req, io_socket), type) & 0xf) == SOCK_RAW &&
	    BPF_CORE_READ(URING_OP(req, io_socket), domain) != AF_NETLINK)
		return EV_RAW_SOCKET;
	return 0;
}

static __always_inline __u32 class_of(__u16 kind)
{
#define EV(number, NAME, name, group) \
	if (kind == EV_##NAME)        \
		return EV_CLASS_##group;
#include "events.def"
	return EV_CLASS_CNT;
}

/*
 * What becomes of it is not seen if it succeeds; so it is lost as of now. One that fails makes its
 * record as well: that is one event too many, not one too few.
 */
static __always_inline void lose(struct io_kiocb *req, __u8 op)
{
	__u16 kind = kind_of(req, op);
	__u64 cgid;

	if (kind && current_in_scope(&cgid))
		record_lose(kind, class_of(kind), cgid, EV_CAUSE_NO_COMPLETION);
}

static __always_inline int submitted(struct io_kiocb *req)
{
	__u8 op = BPF_CORE_READ(req, opcode);
	struct name_places places = {};
	struct uring_names *names;
	__u64 cgid;
	bool named = find_places(op, &places);

	if (!is_current())
		return 0;
	if (op == IORING_OP_ACCEPT && current_in_scope(&cgid))
		note_many(req);
	if (uring_by_function >> (op & 63) & 1)
		return 0;
	if (skips_completion(req)) {
		lose(req, op);
		return 0;
	}
	if ((!named && op != IORING_OP_CONNECT && op != IORING_OP_BIND) || !current_in_scope(&cgid))
		return 0;
	names = take_slot(pointer_value(req));
	if (!names)
		return 0; /* the record will have no name */
	if (named) {
		copy_name(names->name[0], req, places.at[0], places.is_filename[0]);
		copy_name(names->name[1], req, places.at[1], places.is_filename[1]);
	} else if (!copy_address(names, req)) {
		names->name[0][0] = names->name[0][1] = 0;
	}
	return 0;
}

SEC("?" TASK_TP("io_uring", "io_uring_submit_req"))
int uring_submit(void *ctx)
{
	submitted(submitted_req(ctx));
	return TASK_TP_DONE;
}

/* Its name before 6.3. */
SEC("?tp_btf/io_uring_submit_sqe")
int uring_submit_sqe(__u64 *ctx)
{
	return submitted((void *)ctx[0]);
}

SEC("?" TASK_TP("io_uring", "io_uring_complete"))
int core_uring(void *ctx)
{
	struct io_kiocb *req = uring_done(ctx).req;
	__u8 op = BPF_CORE_READ(req, opcode);

	if (!req)
		op = URING_MANY;
	if (op > URING_MANY || uring_by_function >> op & 1 || !is_current())
		return TASK_TP_DONE;
	bpf_tail_call(ctx, &uring_progs, op);
	return TASK_TP_DONE;
}
