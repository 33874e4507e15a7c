/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_exec_session(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_exec_session *in = (const void *)rec->hdr;
	const char *args;
	Varve__V1__ExecSession *out;
	int err = NEW_BODY(arena, ev, EXEC_SESSION, exec_session, out);

	if (err)
		return err;
	out->how = (char *)(in->flags & EV_SESSION_CLONED ? "cloned" : "moved");
	if (in->from_cgroup_id)
		SET(out, from_cgroup_id, in->from_cgroup_id);
	if (in->by_args.off) {
		args = record_bytes(rec, &in->by_args);
		if (!args)
			return -EBADMSG;
		err = fill_cmd_line(arena, args, in->by_args.len, NULL, 0, &out->by_cmd_line);
	}
	if (!err)
		err = fill_namespaces(&in->ns, arena, &out->namespaces);
	return err ? err : fill_peer(&in->by, arena, &out->by);
}
