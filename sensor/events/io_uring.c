/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_io_uring(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_io_uring *in = (const void *)rec->hdr;
	Varve__V1__IoUring *out;
	int err = NEW_BODY(arena, ev, IO_URING, io_uring, out);

	if (err)
		return err;
	SET(out, entries, in->entries);
	if (in->flags & EV_IO_URING_HAS_FLAGS)
		SET(out, setup_flags, in->setup_flags);
	if (in->err)
		SET(out, call_errno, in->err);
	else
		SET(out, fd, in->fd);
	return 0;
}
