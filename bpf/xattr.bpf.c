/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * xattr: an extended attribute was set or removed, or the attempt failed. Its name and its value
 * are from user memory in both sets: the kernel functions that have copies of them, vfs_setxattr()
 * and its like, know no mount, and overlayfs calls them for its own ends in the middle of other
 * calls.
 */
#include "uring.bpf.h"

/* struct xattr_args of <linux/xattr.h>, of setxattrat(2). */
struct xattr_args {
	__u64 value;
	__u32 size;
	__u32 flags;
};

/* What is asked for, whatever the call. */
struct xattr_call {
	const char *path; /* NULL: the descriptor is the file */
	const char *name;
	__s32 dfd;
	__u32 at_flags;
	const void *value; /* NULL: io_uring's copy of it is gone */
	__u64 size;
	__u32 call_flags;
	bool removes;
	bool has_args;
};

static __always_inline void xattr_by_path(struct xattr_call *c, const struct syscall *sc)
{
	c->dfd = AT_FDCWD;
	c->path = (void *)sc->arg[0];
	c->name = (void *)sc->arg[1];
	if (sc->nr == NR_fsetxattr || sc->nr == NR_fremovexattr) {
		c->dfd = sc->arg[0];
		c->path = 0;
	}
	if (sc->nr == NR_lsetxattr || sc->nr == NR_lremovexattr)
		c->at_flags = AT_SYMLINK_NOFOLLOW;
	c->value = sc->memory == NAME_USER ? (void *)sc->arg[2] : 0;
	c->size = sc->arg[3];
	c->call_flags = sc->arg[4];
	c->has_args = true;
}

static __always_inline void xattr_at(struct xattr_call *c, const struct syscall *sc)
{
	struct xattr_args args = {};

	c->dfd = sc->arg[0];
	c->path = (void *)sc->arg[1];
	c->at_flags = sc->arg[2];
	c->name = (void *)sc->arg[3];
	if (bpf_probe_read_user(&args, sizeof(args), (void *)sc->arg[4]))
		return;
	c->value = (void *)args.value;
	c->size = args.size;
	c->call_flags = args.flags;
	c->has_args = true;
}

static __always_inline void xattr_fill_value(struct ev_xattr *ev, const struct xattr_call *c)
{
	__u32 len = c->size < EV_XATTR_VALUE_MAX ? c->size : EV_XATTR_VALUE_MAX;

	if (c->removes) {
		ev->flags |= EV_XATTR_REMOVED;
		return;
	}
	if (!c->has_args)
		return;
	ev->size = c->size;
	ev->call_flags = c->call_flags;
	ev->flags |= EV_XATTR_HAS_SIZE;
	asm volatile("" : "+r"(len));
	if (len > EV_XATTR_VALUE_MAX)
		len = EV_XATTR_VALUE_MAX;
	if (c->value && !bpf_probe_read_user(ev->value, len, c->value))
		ev->flags |= EV_XATTR_HAS_VALUE;
}

static __always_inline void xattr_fill_name(struct build *b, struct ev_xattr *ev, const char *name,
					    enum name_memory memory)
{
	long n = name_read(rec_at(b->s, b->len), EV_XATTR_NAME_MAX + 1, name, memory);

	if (n <= 0 || n > EV_XATTR_NAME_MAX + 1)
		return;
	ev->name.off = b->len;
	ev->name.len = n - 1;
	b->len += n;
}

SYSCALL_PROBE(xattr_exit)
{
	struct xattr_call c = {};
	struct ev_xattr *ev;
	struct build b;

	c.removes = sc->nr == NR_removexattr || sc->nr == NR_lremovexattr ||
		    sc->nr == NR_fremovexattr || sc->nr == NR_removexattrat;
	if (sc->nr == NR_setxattrat || sc->nr == NR_removexattrat)
		xattr_at(&c, sc);
	else
		xattr_by_path(&c, sc);
	ev = (void *)record_begin(&b, EV_XATTR, EV_CLASS_file, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	ev->at_flags = c.at_flags;
	ev->err = syscall_errno(sc->ret);
	if (sc->memory == NAME_KERNEL)
		ev->flags |= EV_XATTR_KERNEL_MEMORY;
	xattr_fill_value(ev, &c);
	xattr_fill_name(&b, ev, c.name, sc->memory);
	if (c.path)
		file_fill_arg(&b, &ev->file, sc, c.dfd, (__u64)c.path);
	else
		file_fill(&b, &ev->file, syscall_file(sc, 0), sc->task);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(xattr_exit, setxattr);
SERVES_SYSCALL(xattr_exit, lsetxattr);
SERVES_SYSCALL(xattr_exit, fsetxattr);
SERVES_SYSCALL(xattr_exit, setxattrat);
SERVES_SYSCALL(xattr_exit, removexattr);
SERVES_SYSCALL(xattr_exit, lremovexattr);
SERVES_SYSCALL(xattr_exit, fremovexattr);
SERVES_SYSCALL(xattr_exit, removexattrat);
URING_PROBE(xattr_exit)
SERVES_URING(xattr_exit, IORING_OP_FSETXATTR);
SERVES_URING(xattr_exit, IORING_OP_SETXATTR);
