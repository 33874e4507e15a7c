/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/record.h"
#include "evidence/arena.h"
#include "evidence/base.h"
#include "evidence/event.h"
#include "sensor/events/fill.h"
#include <string.h>

typedef int (*fill_fn)(const struct record *rec, struct arena *arena, Varve__V1__Event *ev);

static const struct {
	size_t size; /* of the fixed part */
	fill_fn fill;
} kinds[EV_KIND_END] = {
#define EV(number, NAME, name, group) [number] = {sizeof(struct ev_##name), event_fill_##name},
#include "bpf/events.def"
	[EV_PROCESS_SNAPSHOT] = {sizeof(struct ev_process_snapshot), event_fill_process_snapshot},
};

/* One number for kernel, sensor and consumers. */
#define EV(number, NAME, name, group)                                                  \
	_Static_assert(number == (int)VARVE__V1__EVENT__BODY_##NAME, "events.def and " \
								     "varve.proto");
#define EV_SENSOR(number, NAME, name, group) EV(number, NAME, name, group)
#include "bpf/events.def"

int record_check(const void *data, size_t len, struct record *ret_rec)
{
	const struct ev_hdr *hdr = data;

	if (len < sizeof(*hdr) || hdr->len != len || len % 8 || hdr->kind >= EV_KIND_END ||
	    !kinds[hdr->kind].fill || len < kinds[hdr->kind].size)
		return -EBADMSG;
	ret_rec->hdr = hdr;
	ret_rec->len = len;
	return 0;
}

const char *record_bytes(const struct record *rec, const struct ev_ref *ref)
{
	const char *base = (const char *)rec->hdr;

	if (ref->off < kinds[rec->hdr->kind].size || ref->off >= rec->len ||
	    ref->len >= rec->len - ref->off || base[ref->off + ref->len])
		return NULL;
	return base + ref->off;
}

static int fill_kernel_number(const struct ev_hdr *hdr, struct arena *arena, Varve__V1__Event *ev)
{
	Varve__V1__KernelNumber *n = arena_alloc(arena, sizeof(*n));

	if (!n)
		return -ENOMEM;
	varve__v1__kernel_number__init(n);
	SET(n, cgroup_id, hdr->cgroup_id);
	SET(n, cpu, hdr->cpu);
	n->event_class = (char *)event_kind_class(hdr->kind);
	SET(n, number, hdr->number);
	ev->kernel_number = n;
	return 0;
}

static int fill_process(const struct ev_hdr *hdr, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_task *t = &hdr->task;
	Varve__V1__Process *p = arena_alloc(arena, sizeof(*p));

	if (!p)
		return -ENOMEM;
	varve__v1__process__init(p);
	SET(p, pid, t->tgid);
	SET(p, tid, t->tid);
	SET(p, start_boot_time_nano, t->start_ns);
	if (t->obtained & EV_TASK_HAS_NS_PID)
		SET(p, ns_pid, t->ns_tgid);
	if (t->obtained & EV_TASK_OUTSIDE) {
		SET(p, outside, 1);
		SET(p, outside_cgroup_id, (uint64_t)t->outside_high << 32 | t->outside_low);
	}
	if (t->obtained & EV_TASK_HAS_CRED) {
		SET(p, uid, t->uid);
		SET(p, gid, t->gid);
		SET(p, euid, t->euid);
		SET(p, egid, t->egid);
		SET(p, cap_effective, t->cap_effective);
	}
	ev->process = p;
	return fill_text(arena, t->comm, strnlen(t->comm, sizeof(t->comm)), &p->name,
			 &p->has_name_raw, &p->name_raw);
}

/* Whose a socket is may not be known. */
static bool is_nobody(const struct ev_hdr *hdr)
{
	return (hdr->kind == EV_UDP_FLOW || hdr->kind == EV_DNS) && !hdr->task.tgid;
}

int record_to_event(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_hdr *hdr = rec->hdr;
	int err;

	varve__v1__event__init(ev);
	ev->kind = (char *)event_kind_name(hdr->kind);
	SET(ev, boot_time_nano, hdr->time_ns);
	err = is_nobody(hdr) ? 0 : fill_process(hdr, arena, ev);
	if (!err && hdr->kind != EV_PROCESS_SNAPSHOT)
		err = fill_kernel_number(hdr, arena, ev);
	return err ? err : kinds[hdr->kind].fill(rec, arena, ev);
}
