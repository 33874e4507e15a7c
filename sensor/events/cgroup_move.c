/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

static int fill_by(const struct record *rec, const struct ev_cgroup_move *in, struct arena *arena,
		   Varve__V1__CgroupMove *out)
{
	const char *args;
	int err;

	if (in->by_args.off) {
		args = record_bytes(rec, &in->by_args);
		if (!args)
			return -EBADMSG;
		err = fill_cmd_line(arena, args, in->by_args.len, NULL, 0, &out->by_cmd_line);
		if (err)
			return err;
	}
	return fill_peer(&in->by, arena, &out->by);
}

int event_fill_cgroup_move(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_cgroup_move *in = (const void *)rec->hdr;
	Varve__V1__CgroupMove *out;
	int err = NEW_BODY(arena, ev, CGROUP_MOVE, cgroup_move, out);

	if (err)
		return err;
	out->how = (char *)(in->flags & EV_MOVE_CLONED ? "cloned" : "moved");
	if (in->from_cgroup_id)
		SET(out, from_cgroup_id, in->from_cgroup_id);
	SET(out, to_cgroup_id, in->to_cgroup_id);
	if (in->flags & EV_MOVE_INTO_CONTAINER)
		SET(out, into_container, 1);
	if (in->to_container)
		SET(out, to_container_cgroup_id, in->to_container);
	if (in->flags & EV_MOVE_LOST)
		SET(out, not_followed, 1);
	err = fill_ref(rec, &in->to_path, arena, &out->to_cgroup_path, &out->has_to_cgroup_path_raw,
		       &out->to_cgroup_path_raw);
	return err ? err : fill_by(rec, in, arena, out);
}
