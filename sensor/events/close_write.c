/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_close_write(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_close_write *in = (const void *)rec->hdr;
	Varve__V1__CloseWrite *out;
	int err = NEW_BODY(arena, ev, CLOSE_WRITE, close_write, out);

	if (err)
		return err;
	if (in->flags & EV_CLOSE_WRITE_HAS_BYTES)
		SET(out, bytes_written, in->bytes);
	SET(out, open_boot_time_nano, in->opened_ns);
	if (in->flags & EV_CLOSE_WRITE_HAS_CLOSER) {
		SET(out, closed_by_pid, in->closer_tgid);
		SET(out, closed_by_start_boot_time_nano, in->closer_start_ns);
	}
	if (in->flags & EV_CLOSE_WRITE_FOUND)
		SET(out, found_late, 1);
	return fill_file(rec, &in->file, arena, &out->file);
}
