/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * perf_event: perf_event_open(2). Where the returned descriptor leads to the event, its attributes
 * and whom it watches are the kernel's; of a failed attempt they are from user memory, marked so.
 */
#include "syscall.bpf.h"
#include "path.bpf.h"

/* struct perf_event_attr, UAPI; its beginning, the same for 32-bit programs. */
struct attr {
	__u32 type, size;
	__u64 config, sample_period, sample_type, read_format, bits;
};

static __always_inline struct perf_event *event_of_fd(struct task_struct *task, int fd)
{
	const char name[16] = "[perf_event]";
	struct file *file = file_of_fd(task, fd);

	return file_is_anon(file, name) ? BPF_CORE_READ(file, private_data) : 0;
}

static __always_inline void attr_fill(struct ev_perf_event *ev, const struct attr *attr)
{
	ev->type = attr->type;
	ev->config = attr->config;
	ev->sample_type = attr->sample_type;
	ev->attr_bits = attr->bits;
	ev->flags |= EV_PERF_HAS_ATTR;
}

static __always_inline void event_fill(struct ev_perf_event *ev, struct perf_event *event)
{
	struct task_struct *target;
	struct attr attr = {};

	bpf_probe_read_kernel(&attr, sizeof(attr),
			      (void *)event + bpf_core_field_offset(struct perf_event, attr));
	attr_fill(ev, &attr);
	target = BPF_CORE_READ(event, hw.target);
	if (!target)
		return;
	ev->target_pid = BPF_CORE_READ(target, pid);
	ev->flags |= EV_PERF_HAS_TARGET;
}

static __always_inline void event_fill_asked(struct ev_perf_event *ev, const void *from)
{
	struct attr attr = {};

	if (bpf_probe_read_user(&attr, sizeof(attr), from))
		return;
	attr_fill(ev, &attr);
	ev->flags |= EV_PERF_USER_MEMORY;
}

SYSCALL_PROBE(perf_event_exit)
{
	struct perf_event *event = sc->ret < 0 ? 0 : event_of_fd(sc->task, sc->ret);
	struct ev_perf_event *ev;
	struct build b;

	ev = (void *)record_begin(&b, EV_PERF_EVENT, EV_CLASS_kernel, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	ev->pid = sc->arg[1];
	ev->cpu = sc->arg[2];
	ev->group_fd = sc->arg[3];
	ev->open_flags = sc->arg[4];
	if (sc->ret < 0)
		ev->err = syscall_errno(sc->ret);
	else
		ev->fd = sc->ret;
	if (event)
		event_fill(ev, event);
	else
		event_fill_asked(ev, (void *)sc->arg[0]);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(perf_event_exit, perf_event_open);
