/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * bpf: a program was loaded, attached, detached or taken by its id, or this was tried. Maps are not
 * recorded, but for taking another's by its id.
 *
 * The arguments are a union in user memory, which another thread may change; what a program is, is
 * read from the kernel's own where a descriptor leads to it: the one that a load returned, or the
 * one that was attached.
 */
#include "syscall.bpf.h"
#include "path.bpf.h"

#define POINT_MAX 127

/* enum bpf_cmd of <linux/bpf.h>. */
#define CMD_PROG_LOAD		5
#define CMD_PROG_ATTACH		8
#define CMD_PROG_DETACH		9
#define CMD_PROG_GET_FD_BY_ID	13
#define CMD_MAP_GET_FD_BY_ID	14
#define CMD_RAW_TRACEPOINT_OPEN 17
#define CMD_LINK_CREATE		28
#define CMD_LINK_UPDATE		29
#define CMD_LINK_GET_FD_BY_ID	30
#define CMD_LINK_DETACH		34

#define CMD(n) (1ull << CMD_##n)
#define BY_ID  (CMD(PROG_GET_FD_BY_ID) | CMD(MAP_GET_FD_BY_ID) | CMD(LINK_GET_FD_BY_ID))
#define WANTED                                                                        \
	(CMD(PROG_LOAD) | CMD(PROG_ATTACH) | CMD(PROG_DETACH) | CMD(RAW_TRACEPOINT_OPEN) | \
	 CMD(LINK_CREATE) | CMD(LINK_UPDATE) | CMD(LINK_DETACH) | BY_ID)

/* union bpf_attr, as 32-bit words; the same for 32-bit programs. */
struct attr {
	__u32 w[18];
};

/* Words of BPF_PROG_LOAD's. */
#define LOAD_TYPE	 0
#define LOAD_INSN_CNT	 1
#define LOAD_NAME	 12
#define LOAD_ATTACH_TYPE 17

/* What is beyond the size that was given is zero to the kernel, too. */
static __always_inline bool attr_read(struct attr *attr, const void *from, __u32 size)
{
	asm volatile("" : "+r"(size));
	if (size > sizeof(*attr))
		size = sizeof(*attr);
	return size && !bpf_probe_read_user(attr, size, from);
}

static __always_inline struct bpf_prog *prog_of_fd(struct task_struct *task, int fd)
{
	const char name[16] = "bpf-prog";
	struct file *file = file_of_fd(task, fd);

	return file_is_anon(file, name) ? BPF_CORE_READ(file, private_data) : 0;
}

static __always_inline void prog_fill(struct build *b, struct ev_bpf *ev, struct bpf_prog *prog)
{
	struct bpf_prog_aux *aux = BPF_CORE_READ(prog, aux);
	const char *point = BPF_CORE_READ(aux, attach_func_name);
	long n;

	ev->flags |= EV_BPF_HAS_PROG;
	ev->prog_id = BPF_CORE_READ(aux, id);
	ev->prog_type = BPF_CORE_READ(prog, type);
	ev->prog_attach_type = BPF_CORE_READ(prog, expected_attach_type);
	ev->insn_cnt = BPF_CORE_READ(prog, len);
	BPF_CORE_READ_INTO(&ev->tag, prog, tag);
	BPF_CORE_READ_STR_INTO(&ev->prog_name, aux, name);
	if (!point)
		return;
	n = bpf_probe_read_kernel_str(rec_at(b->s, b->len), POINT_MAX + 1, point);
	if (n <= 1 || n > POINT_MAX + 1)
		return;
	ev->point.off = b->len;
	ev->point.len = n - 1;
	b->len += n;
	ev->flags |= EV_BPF_POINT_KERNEL;
}

/* A load that failed: what was asked for. */
static __always_inline void prog_fill_asked(struct ev_bpf *ev, const struct attr *attr)
{
	ev->flags |= EV_BPF_HAS_PROG | EV_BPF_PROG_USER_MEMORY;
	ev->prog_type = attr->w[LOAD_TYPE];
	ev->insn_cnt = attr->w[LOAD_INSN_CNT];
	ev->prog_attach_type = attr->w[LOAD_ATTACH_TYPE];
	__builtin_memcpy(ev->prog_name, &attr->w[LOAD_NAME], sizeof(ev->prog_name));
}

/* The descriptor of the program that the command is about; -1: none. */
static __always_inline int command_prog_fd(__u32 command, const struct attr *attr, long ret)
{
	__u32 first = attr->w[0], second = attr->w[1], third = attr->w[2];

	asm volatile("" : "+r"(first), "+r"(second), "+r"(third)); /* as in attach_fill() */
	if (command == CMD_PROG_LOAD || command == CMD_PROG_GET_FD_BY_ID)
		return ret;
	if (command == CMD_LINK_CREATE)
		return first;
	if (command == CMD_PROG_ATTACH || command == CMD_PROG_DETACH || command == CMD_LINK_UPDATE)
		return second;
	return command == CMD_RAW_TRACEPOINT_OPEN ? third : -1;
}

static __always_inline void attach_fill(struct ev_bpf *ev, const struct attr *attr)
{
	__u32 command = ev->command, first = attr->w[0], second = attr->w[1];

	/* Else the compiler computes which word it is, out of a pointer to the stack. */
	asm volatile("" : "+r"(first), "+r"(second));
	if (command == CMD_PROG_ATTACH || command == CMD_PROG_DETACH ||
	    command == CMD_LINK_CREATE) {
		ev->attach_type = attr->w[2];
		ev->target_fd = command == CMD_LINK_CREATE ? second : first;
		ev->flags |= EV_BPF_HAS_ATTACH | EV_BPF_HAS_TARGET;
	} else if (command == CMD_LINK_UPDATE || command == CMD_LINK_DETACH) {
		ev->target_fd = first;
		ev->flags |= EV_BPF_HAS_TARGET;
	} else if (BY_ID >> (command & 63) & 1) {
		ev->object_id = first;
		ev->flags |= EV_BPF_HAS_OBJECT;
	}
}

static __always_inline void bpf_fill(struct build *b, struct ev_bpf *ev, const struct syscall *sc,
				     const struct attr *attr)
{
	struct bpf_prog *prog = prog_of_fd(sc->task, command_prog_fd(ev->command, attr, sc->ret));
	__u64 name = (__u64)attr->w[1] << 32 | attr->w[0];

	if (prog)
		prog_fill(b, ev, prog);
	else if (ev->command == CMD_PROG_LOAD && sc->ret < 0)
		prog_fill_asked(ev, attr);
	attach_fill(ev, attr);
	if (ev->command == CMD_RAW_TRACEPOINT_OPEN && name && !ev->point.off)
		text_append_user(b, &ev->point, (void *)name, POINT_MAX);
}

SYSCALL_PROBE(bpf_exit)
{
	__u32 command = sc->arg[0];
	struct attr attr = {};
	struct ev_bpf *ev;
	struct build b;

	if (command > 63 || !(WANTED >> command & 1))
		return 0;
	ev = (void *)record_begin(&b, EV_BPF, EV_CLASS_kernel, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	ev->command = command;
	if (sc->ret < 0)
		ev->err = syscall_errno(sc->ret);
	else
		ev->fd = sc->ret;
	if (attr_read(&attr, (void *)sc->arg[1], sc->arg[2]))
		bpf_fill(&b, ev, sc, &attr);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(bpf_exit, bpf);
