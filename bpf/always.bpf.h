/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Files of which each open for reading counts (option `read-opens-always`).
 *
 * A path is walked and held against the patterns once for each name of a file and mount that it was
 * opened by; the verdict is kept. What is kept is of the name at the first look: a directory above
 * the file's own that was renamed since does not change it.
 */
#ifndef VARVE_ALWAYS_H
#define VARVE_ALWAYS_H

#include "path.bpf.h"

/*
 * The kernel's hash of a name is salted with the directory that it is in, so another hard link is
 * another key; the mount tells the same file in two containers, or bound elsewhere. A number that
 * is used again, of an inode or a mount, would have to come with the same hash.
 */
struct always_key {
	__u64 ino;
	__u64 mount; /* a pointer */
	__u32 dev;
	__u32 name_hash;
};

extern struct always_known_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct always_key);
	__type(value, __u8); /* 1: each open counts */
} always_known SEC(".maps");

extern const volatile __u32 cfg_always_words; /* of a row that are used; 0: no pattern */

/* The path that was walked matches a pattern; see always.bpf.c. */
extern int always_match(__u32 slot);

/* Negative: it cannot be told now. */
static __always_inline int always_find(struct file *file, struct task_struct *task)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct scratch *s;
	__u32 slot;
	int found;

	s = scratch_get(&slot);
	if (!s)
		return -1;
	s->walk.dentry = BPF_CORE_READ(file, f_path.dentry);
	s->walk.mnt = BPF_CORE_READ(file, f_path.mnt);
	s->walk.root_dentry = BPF_CORE_READ(fs, root.dentry);
	s->walk.root_mnt = BPF_CORE_READ(fs, root.mnt);
	path_walk(slot);
	found = always_match(slot);
	scratch_put(s);
	return found;
}

static __always_inline bool file_always_counts(struct file *file, struct task_struct *task)
{
	struct always_key key = {};
	__u8 *known, verdict;
	int found;

	if (!cfg_always_words)
		return false;
	key.ino = BPF_CORE_READ(file, f_inode, i_ino);
	key.dev = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
	key.mount = (__u64)BPF_CORE_READ(file, f_path.mnt);
	key.name_hash = BPF_CORE_READ(file, f_path.dentry, d_name.hash);
	known = bpf_map_lookup_elem(&always_known, &key);
	if (known)
		return *known;
	found = always_find(file, task);
	if (found < 0)
		return true; /* rather once too often */
	verdict = found;
	bpf_map_update_elem(&always_known, &key, &verdict, BPF_ANY);
	return verdict;
}

#endif
