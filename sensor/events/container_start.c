/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_container_start(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_container_start *in = (const void *)rec->hdr;
	Varve__V1__ContainerStart *out;
	int err = NEW_BODY(arena, ev, CONTAINER_START, container_start, out);

	if (err)
		return err;
	if (in->container != in->hdr.cgroup_id)
		SET(out, nested_cgroup, 1);
	return fill_ref(rec, &in->cgroup_path, arena, &out->cgroup_path, &out->has_cgroup_path_raw,
			&out->cgroup_path_raw);
}
