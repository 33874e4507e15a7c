/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"
#include <string.h>

int event_fill_memory_protect(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_memory_protect *in = (const void *)rec->hdr;
	Varve__V1__MemoryProtect *out;
	int err = NEW_BODY(arena, ev, MEMORY_PROTECT, memory_protect, out);

	if (err)
		return err;
	out->call = fill_call(in->call);
	/* Consumers' 64-bit integers are signed; a number beyond would come out as another one. */
	if (in->address <= INT64_MAX)
		SET(out, address, in->address);
	if (in->length <= INT64_MAX)
		SET(out, length, in->length);
	SET(out, protection, in->protection);
	if (out->call && !strcmp(out->call, "mmap"))
		SET(out, map_flags, in->map_flags);
	if (in->err)
		SET(out, call_errno, in->err);
	return fill_file(rec, &in->file, arena, &out->file);
}
