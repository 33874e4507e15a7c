/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

static char *name_of_way(const struct ev_process_memory *in)
{
	if (in->how == EV_MEMORY_OPENED)
		return (char *)"open";
	return (char *)(in->flags & EV_MEMORY_WRITE ? "process_vm_writev" : "process_vm_readv");
}

int event_fill_process_memory(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_process_memory *in = (const void *)rec->hdr;
	Varve__V1__ProcessMemory *out;
	int err = NEW_BODY(arena, ev, PROCESS_MEMORY, process_memory, out);

	if (err)
		return err;
	out->call = name_of_way(in);
	if (in->flags & EV_MEMORY_WRITE)
		SET(out, write, 1);
	if (in->how == EV_MEMORY_CALL) {
		SET(out, target_ns_pid, in->ns_pid);
		if (in->err)
			SET(out, call_errno, in->err);
		else
			SET(out, bytes, in->bytes & INT64_MAX);
	}
	if (in->flags & EV_MEMORY_HAS_FD)
		SET(out, fd, in->fd);
	if (in->flags & EV_MEMORY_HAS_ADDRESS && in->address <= INT64_MAX)
		SET(out, address, in->address);
	return fill_peer(&in->target, arena, &out->target);
}
