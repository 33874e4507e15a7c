/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

static void fill_value(const struct ev_xattr *in, Varve__V1__Xattr *out)
{
	size_t len = in->size < sizeof(in->value) ? in->size : sizeof(in->value);

	if (in->flags & EV_XATTR_REMOVED)
		SET(out, removed, 1);
	if (in->flags & EV_XATTR_HAS_SIZE) {
		/* Consumers' 64-bit integers are signed. */
		SET(out, value_length, in->size <= INT64_MAX ? in->size : INT64_MAX);
		SET(out, flags, in->call_flags);
	}
	if (in->flags & EV_XATTR_HAS_VALUE) {
		out->has_value = 1;
		out->value.data = (uint8_t *)in->value;
		out->value.len = len;
	}
}

int event_fill_xattr(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_xattr *in = (const void *)rec->hdr;
	Varve__V1__Xattr *out;
	int err = NEW_BODY(arena, ev, XATTR, xattr, out);

	if (err)
		return err;
	fill_value(in, out);
	if (in->at_flags)
		SET(out, at_flags, in->at_flags);
	if (in->err)
		SET(out, call_errno, in->err);
	if (!(in->flags & EV_XATTR_KERNEL_MEMORY))
		SET(out, user_memory, 1);
	err = fill_ref(rec, &in->name, arena, &out->name, &out->has_name_raw, &out->name_raw);
	return err ? err : fill_file(rec, &in->file, arena, &out->file);
}
