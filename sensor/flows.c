/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/flows.h"
#include "evidence/base.h"
#include "sensor/probes.h"

#define LOOK_NS (1 * NSEC_PER_SEC)
/* Records of one sweep, so that the ring holds them. */
#define SWEEP_MAX 2048

/* The fuller the table, the shorter a flow may be idle. */
static uint64_t idle_ns(uint32_t live, bool full)
{
	if (full || live > EV_FLOW_MAX / 4 * 3)
		return 1 * NSEC_PER_SEC;
	return live > EV_FLOW_MAX / 2 ? 5 * NSEC_PER_SEC : EV_FLOW_IDLE_NS;
}

void flows_tick(struct flows *f, struct probes *probes, uint64_t now_ns)
{
	bool full = probes_flows_full(probes);
	struct probes_flow_sweep sweep = {.limit = SWEEP_MAX};

	if (now_ns < f->next_ns && !full)
		return;
	sweep.idle_ns = idle_ns(f->live, full);
	/* A hook that is not there, or no memory for the moment: the next look comes. */
	if (!probes_sweep_flows(probes, &sweep))
		f->live = sweep.live;
	f->next_ns = now_ns + LOOK_NS;
}

void flows_end_cgroup(struct probes *probes, uint64_t cgroup_id)
{
	struct probes_flow_sweep sweep;
	int rounds = EV_FLOW_MAX / SWEEP_MAX + 1;

	/* Again until there is none: a walk may miss some as others go. */
	do
		sweep = (struct probes_flow_sweep){
			.limit = SWEEP_MAX, .idle_ns = UINT64_MAX, .cgroup_id = cgroup_id};
	while (!probes_sweep_flows(probes, &sweep) && sweep.ended && --rounds);
}

size_t flows_end_some(struct probes *probes)
{
	struct probes_flow_sweep sweep = {.limit = SWEEP_MAX, .idle_ns = UINT64_MAX, .all = true};

	return probes_sweep_flows(probes, &sweep) ? 0 : sweep.ended;
}
