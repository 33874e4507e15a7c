/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

/* Arguments are not in the record (an iterator cannot read another's memory everywhere):
 * sensor/snapshot.c adds them. */
int event_fill_process_snapshot(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_process_snapshot *in = (const void *)rec->hdr;
	Varve__V1__ProcessSnapshot *out;
	int err = NEW_BODY(arena, ev, PROCESS_SNAPSHOT, process_snapshot, out);

	if (!err)
		err = fill_file(rec, &in->exe, arena, &out->exe);
	if (!err)
		err = fill_file(rec, &in->cwd, arena, &out->cwd);
	if (!err)
		err = fill_namespaces(&in->ns, arena, &out->namespaces);
	return err ? err : fill_tty(in->tty, arena, &out->tty);
}
