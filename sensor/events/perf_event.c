/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"
#include <linux/perf_event.h>

static const char *const types[] = {
	[PERF_TYPE_HARDWARE] = "hardware", [PERF_TYPE_SOFTWARE] = "software",
	[PERF_TYPE_TRACEPOINT] = "tracepoint", [PERF_TYPE_HW_CACHE] = "hw_cache",
	[PERF_TYPE_RAW] = "raw", [PERF_TYPE_BREAKPOINT] = "breakpoint",
};

/* Bits of perf_event_attr, in their order there. */
#define EXCLUDE_USER   (1u << 4)
#define EXCLUDE_KERNEL (1u << 5)

static void fill_attr(const struct ev_perf_event *in, Varve__V1__PerfEvent *out)
{
	if (!(in->flags & EV_PERF_HAS_ATTR))
		return;
	SET(out, type, in->type);
	if (in->type < ARRAY_SIZE(types))
		out->type_name = (char *)types[in->type];
	/* Consumers' 64-bit integers are signed; a number beyond would come out as another one. */
	if (in->config <= INT64_MAX)
		SET(out, config, in->config);
	if (in->sample_type <= INT64_MAX)
		SET(out, sample_type, in->sample_type);
	if (in->attr_bits & EXCLUDE_USER)
		SET(out, exclude_user, 1);
	if (in->attr_bits & EXCLUDE_KERNEL)
		SET(out, exclude_kernel, 1);
	if (in->flags & EV_PERF_USER_MEMORY)
		SET(out, attr_user_memory, 1);
}

int event_fill_perf_event(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_perf_event *in = (const void *)rec->hdr;
	Varve__V1__PerfEvent *out;
	int err = NEW_BODY(arena, ev, PERF_EVENT, perf_event, out);

	if (err)
		return err;
	fill_attr(in, out);
	SET(out, pid, in->pid);
	SET(out, cpu, in->cpu);
	SET(out, group_fd, in->group_fd);
	if (in->open_flags <= INT64_MAX)
		SET(out, flags, in->open_flags);
	if (in->flags & EV_PERF_HAS_TARGET)
		SET(out, target_tid, in->target_pid);
	if (in->err)
		SET(out, call_errno, in->err);
	else
		SET(out, fd, in->fd);
	return 0;
}
