/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * container_start: the cgroup of a container was made, 10-60 ms before its first exec. From here on
 * it is in scope; deciding it here and not in the sensor is what makes a container of 50 ms whole.
 *
 * A cgroup within a container's, or made from within one, is that container's. Else it is a
 * container if its name ends in 64 hex digits (".scope" may follow; not of a "conmon-"), or if an
 * OCI runtime makes it and its name is the container id, the runtime's last argument (plain runc).
 * The maker's arguments and working directory go along: they name the bundle.
 */
#include "args.bpf.h"

#define ID_HEX_LEN     64
#define NAME_MAX_LEN   256
#define MAKER_ARGS_MAX 4096

/* Copies for the sensor's thread that reads what the runtime says of a container. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 128 << 10);
} births SEC(".maps");

/*
 * The scans below are global functions with their state in memory, for the verifier's sake: it looks
 * at each once, and does not follow every string there could be. The name is at s->path.
 */
__noinline int name_step(__u32 slot, __u32 i)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	struct name_scan *n;
	char c;

	if (!s || i >= s->scan.len)
		return 1;
	n = &s->scan;
	c = s->path[i & (NAME_MAX_LEN - 1)];
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) {
		n->hex++;
	} else {
		if (n->hex == ID_HEX_LEN && c == '.' && n->len - i == 6 &&
		    s->path[(i + 2) & (NAME_MAX_LEN - 1)] == 'c') /* not ".slice" */
			n->found = 1;
		n->hex = 0;
	}
	/* "conmon-", the monitor of a container: how much of it ends here. */
	if (n->conmon < 7)
		n->conmon = c == "conmon-"[n->conmon & 7] ? n->conmon + 1 : c == 'c';
	return 0;
}

static __always_inline bool name_has_id(struct scratch *s, __u32 slot, __u32 len)
{
	struct name_scan *n = &s->scan;
	__u32 i;

	__builtin_memset(n, 0, sizeof(*n));
	n->len = len;
	for (i = 0; i < NAME_MAX_LEN; i++) {
		if (name_step(slot, i))
			break;
	}
	return (n->found || n->hex == ID_HEX_LEN) && n->conmon < 7;
}

/* Of both so many bytes are there. */
static __always_inline bool begins_with(const char *s, const char *what, __u32 len)
{
	bool same = true;
	__u32 i;

#pragma unroll
	for (i = 0; i < len; i++)
		same &= s[i] == what[i];
	return same;
}

static __always_inline bool comm_is_runtime(const char *comm)
{
#define IS(runtime) || begins_with(comm, runtime, sizeof(runtime))
	return false EV_RUNTIMES(IS);
#undef IS
}

/* 0: the first len bytes of the name and of what was put behind it are the same. */
__noinline int name_differs(__u32 slot, __u32 len)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	__u32 i;

	if (!s)
		return 1;
	for (i = 0; i < NAME_MAX_LEN; i++) {
		if (i >= len)
			break;
		if (s->path[i] != s->path[NAME_MAX_LEN + 1 + i])
			return 1;
	}
	return 0;
}

/* True if the last argument of the current task is the name. */
static __always_inline bool name_is_last_arg(struct scratch *s, __u32 slot,
					     struct task_struct *task, __u32 len)
{
	__u64 start = BPF_CORE_READ(task, mm, arg_start), end = BPF_CORE_READ(task, mm, arg_end);
	__u8 *last = s->path + NAME_MAX_LEN;

	len &= NAME_MAX_LEN - 1;
	if (!len || end - start < len + 2)
		return false;
	/* The byte before it has to end the argument before. */
	if (bpf_probe_read_user(last, len + 1, (void *)(end - len - 2)) || last[0])
		return false;
	return !name_differs(slot, len);
}

/* "runc-<name>.scope", as a systemd makes it for a runtime that is used alone. A unit of another
 * type is none: "runc-cleanup.service". */
static __always_inline bool name_is_runtime_scope(const char *n, __u32 len)
{
#define IS(runtime) \
	|| (begins_with(n, runtime "-", sizeof(runtime)) && len > sizeof(runtime "-.scope") - 1)
	bool prefixed = false EV_RUNTIMES(IS);
#undef IS

	return prefixed && n[(len - 6) & (NAME_MAX_LEN - 1)] == '.' &&
	       n[(len - 4) & (NAME_MAX_LEN - 1)] == 'c';
}

/* Podman gives a pod, which is no container, a cgroup of 64 hex digits below this one. */
static __always_inline bool is_podman_parent(struct cgroup *cgrp)
{
	static const char want[] = "libpod_parent";
	char name[sizeof(want)] = {};
	__u32 i;

	bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(cgrp, kn, name));
	for (i = 0; i < sizeof(want); i++) {
		if (name[i] != want[i])
			return false;
	}
	return true;
}

/*
 * The container that a cgroup lies in, by its parent or by its maker: whoever can make cgroups in a
 * container, or from one, stays what it is, whatever names it gives them.
 */
static __always_inline __u64 container_around(struct cgroup *parent)
{
	__u64 id = cgroup_id(parent);
	struct ev_scope *in = bpf_map_lookup_elem(&scope, &id);

	if (!in) {
		id = current_cgroup();
		in = bpf_map_lookup_elem(&scope, &id);
	}
	return in ? in->container : 0;
}

/* The cgroup's container: the one that it lies in, or itself; 0: none. */
static __always_inline __u64 container_of_cgroup(struct scratch *s, __u32 slot,
						 struct cgroup *cgrp, __u64 cgid,
						 struct task_struct *task)
{
	char *name = (void *)s->path, comm[EV_COMM_LEN] = {};
	struct cgroup *parent = cgroup_parent(cgrp);
	__u64 around = container_around(parent);
	long len;

	if (around)
		return around;
	len = bpf_probe_read_kernel_str(name, NAME_MAX_LEN, BPF_CORE_READ(cgrp, kn, name)) - 1;
	if (len <= 0)
		return 0;
	if (name_has_id(s, slot, len))
		return len == ID_HEX_LEN && is_podman_parent(parent) ? 0 : cgid;
	if (name_is_runtime_scope(name, len))
		return cgid;
	bpf_get_current_comm(comm, sizeof(comm));
	return comm_is_runtime(comm) && name_is_last_arg(s, slot, task, len) ? cgid : 0;
}

/* Not evidence: where there is no room the sensor does without. */
static __always_inline void announce(struct build *b)
{
	__u32 len = record_finish(b);

	/* Told once more for the verifier. */
	asm volatile("" : "+r"(len));
	if (len > EV_REC_MAX)
		len = EV_REC_MAX;
	bpf_ringbuf_output(&births, b->s->rec, len, BPF_RB_FORCE_WAKEUP);
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(container_start, struct cgroup *cgrp, const char *path)
{
	struct task_struct *task = current_task();
	__u64 cgid = cgroup_id(cgrp);
	struct ev_container_start *ev;
	struct ev_scope in = {};
	struct scratch *s;
	struct build b;
	__u32 slot;
	long n;

	if (!cgroup_counts(cgrp))
		return 0;
	s = scratch_get(&slot);
	if (!s) {
		count_lost_on_node(EV_CLASS_container);
		return 0;
	}
	in.container = container_of_cgroup(s, slot, cgrp, cgid, task);
	scratch_put(s);
	if (!in.container && !cfg_scope_all)
		return 0;
	if (in.container && bpf_map_update_elem(&scope, &cgid, &in, BPF_ANY) && !cfg_scope_all) {
		count_lost_on_node(EV_CLASS_container);
		return 0;
	}
	if (!in.container)
		return 0;
	ev = (void *)record_begin(&b, EV_CONTAINER_START, EV_CLASS_container, cgid, sizeof(*ev));
	if (!ev)
		return 0;
	ev->container = in.container;
	task_fill(&ev->hdr.task, task);
	n = bpf_probe_read_kernel_str(rec_at(b.s, b.len), EV_PATH_MAX, path);
	if (n > 0 && n <= EV_PATH_MAX) {
		ev->cgroup_path.off = b.len;
		ev->cgroup_path.len = n - 1;
		b.len += n;
	}
	args_append(&b, &ev->maker_args, task, MAKER_ARGS_MAX);
	file_fill_cwd(&b, &ev->maker_cwd, task);
	/* The bundle may be gone soon. */
	if (in.container == cgid)
		announce(&b);
	record_submit(&b, BPF_RB_FORCE_WAKEUP);
	return 0;
}
