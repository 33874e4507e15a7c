/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_oom_kill(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_oom_kill *in = (const void *)rec->hdr;
	Varve__V1__OomKill *out;
	int err = NEW_BODY(arena, ev, OOM_KILL, oom_kill, out);

	if (err)
		return err;
	SET(out, oom_score_adj, in->oom_score_adj);
	if (in->flags & EV_OOM_HAS_MEMORY) {
		SET(out, total_vm_bytes, in->total_vm & INT64_MAX);
		SET(out, anon_rss_bytes, in->anon_rss & INT64_MAX);
		SET(out, file_rss_bytes, in->file_rss & INT64_MAX);
		SET(out, shmem_rss_bytes, in->shmem_rss & INT64_MAX);
	}
	return fill_peer(&in->trigger, arena, &out->trigger);
}
