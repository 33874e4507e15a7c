/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The walk from a file up to its process's root directory.
 *
 * Global functions, which the verifier checks once and not in each program that calls them; before
 * 5.12 such a function takes numbers only, so the walk is in the scratch buffer whose slot is
 * given. A loop of a few steps in a function that another one calls often enough does what
 * bpf_loop() does since 5.17. Three such loops, since each program that walks has these functions
 * verified with it, and the time that takes is that of the sum of their rounds.
 */
#include "probe.bpf.h"

/* Components and mounts, 4,224 in all: EV_PATH_MAX / 2 of the shortest names, and as many again. */
#define STEPS	   4
#define MORE_STEPS 33
#define ROUNDS	   32

static __always_inline void prepend(struct scratch *s, struct dentry *dentry, bool slash)
{
	__u32 len = BPF_CORE_READ(dentry, d_name.len), pos = s->walk.pos;
	const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);

	len &= 0xff;
	s->walk.total += len + slash;
	if (s->walk.flags & EV_FILE_CUT || pos < len + slash) {
		s->walk.flags |= EV_FILE_CUT;
		return;
	}
	pos -= len;
	bpf_probe_read_kernel(&s->path[pos & (EV_PATH_MAX - 1)], len, name);
	if (slash)
		s->path[--pos & (EV_PATH_MAX - 1)] = '/';
	s->walk.pos = pos;
}

/* From the root of a mount to where it is mounted. False: the end. */
static __always_inline bool leave_mount(struct path_walk *w)
{
	struct mount *mnt = (void *)w->mnt - bpf_core_field_offset(struct mount, mnt);
	struct mount *up = BPF_CORE_READ(mnt, mnt_parent);

	if (!up || up == mnt) { /* the namespace's root, past the process's own */
		w->flags |= EV_FILE_UNREACHABLE;
		return false;
	}
	w->dentry = BPF_CORE_READ(mnt, mnt_mountpoint);
	w->mnt = (void *)up + bpf_core_field_offset(struct mount, mnt);
	return true;
}

/* False: the end. */
static __always_inline bool step(struct scratch *s)
{
	struct path_walk *w = &s->walk;
	struct dentry *dentry = w->dentry, *parent;
	struct vfsmount *mnt = w->mnt;

	if (dentry == w->root_dentry && mnt == w->root_mnt)
		return false;
	if (dentry == BPF_CORE_READ(mnt, mnt_root))
		return leave_mount(w);
	parent = BPF_CORE_READ(dentry, d_parent);
	if (!parent || parent == dentry) { /* a pseudo file, such as a memfd; or a directory gone */
		prepend(s, dentry, false);
		w->flags |= EV_FILE_UNREACHABLE;
		return false;
	}
	prepend(s, dentry, true);
	w->dentry = parent;
	return true;
}

__noinline int path_steps(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	int i;

	if (!s)
		return 0;
	for (i = 0; i < STEPS; i++) {
		if (!step(s)) {
			s->walk.done = 1;
			return 0;
		}
	}
	return 1;
}

__noinline int path_more_steps(__u32 slot)
{
	int i;

	for (i = 0; i < MORE_STEPS; i++) {
		if (!path_steps(slot))
			return 0;
	}
	return 1;
}

/* From s->walk's dentry and mount; leaves the path at s->path[walk.pos], its length and flags in
 * s->walk. */
__noinline int path_walk(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	int i;

	if (!s)
		return 0;
	s->walk.pos = EV_PATH_MAX;
	s->walk.total = s->walk.flags = s->walk.done = 0;
	for (i = 0; i < ROUNDS; i++) {
		if (!path_more_steps(slot))
			break;
	}
	if (!s->walk.done)
		s->walk.flags |= EV_FILE_CUT;
	if (!s->walk.total) { /* the root itself */
		s->path[EV_PATH_MAX - 1] = '/';
		s->walk.pos = EV_PATH_MAX - 1;
		s->walk.total = 1;
	}
	return 0;
}
