/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_cgroup_move(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_cgroup_move *in = (const void *)rec->hdr;
	Varve__V1__CgroupMove *out;
	int err = NEW_BODY(arena, ev, CGROUP_MOVE, cgroup_move, out);

	if (err)
		return err;
	SET(out, to_cgroup_id, in->to_cgroup_id);
	if (in->flags & EV_MOVE_INTO_CONTAINER)
		SET(out, into_container, 1);
	if (in->flags & EV_MOVE_LOST)
		SET(out, not_followed, 1);
	err = fill_ref(rec, &in->to_path, arena, &out->to_cgroup_path, &out->has_to_cgroup_path_raw,
		       &out->to_cgroup_path_raw);
	return err ? err : fill_peer(&in->by, arena, &out->by);
}
