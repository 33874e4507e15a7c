/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * container_stop: the cgroup of a container was removed. A cgroup that has a process cannot be, so
 * nothing of it comes after this. The sensor closes the account and takes the cgroup out of the
 * maps.
 */
#include "probe.bpf.h"

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(container_stop, struct cgroup *cgrp, const char *path)
{
	__u64 cgid = cgroup_id(cgrp);
	struct ev_container_stop *ev;
	struct ev_scope *in;
	struct build b;
	long n;

	if (!cgroup_counts(cgrp))
		return 0;
	in = bpf_map_lookup_elem(&scope, &cgid);
	if (!in)
		return 0;
	in->flags |= EV_SCOPE_GONE;
	ev = (void *)record_begin(&b, EV_CONTAINER_STOP, EV_CLASS_container, cgid, sizeof(*ev));
	if (!ev)
		return 0;
	ev->container = in->container;
	task_fill(&ev->hdr.task, current_task());
	n = bpf_probe_read_kernel_str(rec_at(b.s, b.len), EV_PATH_MAX, path);
	if (n > 0 && n <= EV_PATH_MAX) {
		ev->cgroup_path.off = b.len;
		ev->cgroup_path.len = n - 1;
		b.len += n;
	}
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}
