/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where: a path as its process sees it, from the kernel's dentries and mounts.
 *
 * The walk goes from the file up to the root directory of the current task and writes the path from
 * its end. It takes no lock: a rename of a parent directory at the same instant can mix the old
 * name of one component with the new name of another. bpf_d_path() would not, but is allowed in few
 * hooks.
 */
#ifndef VARVE_PATH_H
#define VARVE_PATH_H

#include "probe.bpf.h"

/* Walks s->walk of a scratch buffer; see path.bpf.c. */
extern int path_walk(__u32 slot);

/* Appends the path up to the root that was put into the walk. */
static __always_inline void path_append_walk(struct build *b, struct ev_file *f, struct path *path)
{
	struct path_walk *w = &b->s->walk;
	__u32 len;

	w->dentry = BPF_CORE_READ(path, dentry);
	w->mnt = BPF_CORE_READ(path, mnt);
	if (!w->dentry || !w->mnt)
		return;
	path_walk(b->slot);
	len = EV_PATH_MAX - w->pos;
	asm volatile("" : "+r"(len));
	if (len > EV_PATH_MAX)
		return;
	bpf_probe_read_kernel(rec_at(b->s, b->len), len, &b->s->path[w->pos & (EV_PATH_MAX - 1)]);
	f->path.off = b->len;
	f->path.len = len;
	f->path_len = w->total;
	f->flags |= w->flags | EV_FILE_HAS_PATH;
	b->len += len;
}

/*
 * Appends the path to the record's tail without a NUL, as f->path and f->path_len. task: whose root
 * directory counts.
 */
static __always_inline void path_append(struct build *b, struct ev_file *f, struct path *path,
					struct task_struct *task)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct path_walk *w = &b->s->walk;

	w->root_dentry = BPF_CORE_READ(fs, root.dentry);
	w->root_mnt = BPF_CORE_READ(fs, root.mnt);
	path_append_walk(b, f, path);
}

/* Ends the string that was appended last. */
static __always_inline void tail_end(struct build *b)
{
	*(__u8 *)rec_at(b->s, b->len) = 0;
	b->len++;
}

static __always_inline bool dentry_is_unlinked(struct dentry *dentry)
{
	return !BPF_CORE_READ(dentry, d_hash.pprev) && BPF_CORE_READ(dentry, d_parent) != dentry;
}

/*
 * A memfd's dentry has no parent and is called "memfd:NAME"; a file of that name in a tmpfs has
 * one.
 */
static __always_inline bool dentry_is_memfd(struct dentry *dentry, unsigned long magic)
{
	char name[6] = {};

	if (magic != TMPFS_MAGIC && magic != HUGETLBFS_MAGIC)
		return false;
	if (BPF_CORE_READ(dentry, d_parent) != dentry)
		return false;
	bpf_probe_read_kernel(name, sizeof(name), BPF_CORE_READ(dentry, d_name.name));
	return name[0] == 'm' && name[1] == 'e' && name[2] == 'm' && name[3] == 'f' &&
	       name[4] == 'd' && name[5] == ':';
}

/*
 * An overlay's inode is embedded in struct ovl_inode, and the pointer to the dentry on the upper
 * layer follows it directly (fs/overlayfs/ovl_entry.h, 4.13 to 6.18); the type itself is in no BTF
 * when overlay is a module.
 */
static __always_inline struct dentry *inode_overlay_upper(struct inode *inode)
{
	struct dentry *upper = 0;

	bpf_probe_read_kernel(&upper, sizeof(upper),
			      (void *)inode + bpf_core_type_size(struct inode));
	return upper;
}

/*
 * Tells a file from an earlier one of the same number. An overlay's inode has none of its own; what
 * is on a lower layer does not change.
 */
static __always_inline __u32 inode_generation(struct inode *inode)
{
	struct dentry *upper = 0;

	if (BPF_CORE_READ(inode, i_sb, s_magic) == OVERLAYFS_SUPER_MAGIC)
		upper = inode_overlay_upper(inode);
	return upper ? BPF_CORE_READ(upper, d_inode, i_generation)
		     : BPF_CORE_READ(inode, i_generation);
}

static __always_inline void file_fill_inode(struct ev_file *f, struct inode *inode,
					    struct dentry *dentry)
{
	unsigned long magic = BPF_CORE_READ(inode, i_sb, s_magic);

	if (!inode)
		return;
	f->ino = BPF_CORE_READ(inode, i_ino);
	f->size = BPF_CORE_READ(inode, i_size);
	f->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	f->mode = BPF_CORE_READ(inode, i_mode);
	f->uid = BPF_CORE_READ(inode, i_uid.val);
	f->gid = BPF_CORE_READ(inode, i_gid.val);
	f->flags |= EV_FILE_HAS_INODE;
	if (magic == OVERLAYFS_SUPER_MAGIC && inode_overlay_upper(inode))
		f->flags |= EV_FILE_UPPER;
	if (dentry_is_unlinked(dentry))
		f->flags |= EV_FILE_UNLINKED;
	if (dentry_is_memfd(dentry, magic))
		f->flags |= EV_FILE_MEMFD;
}

/* A place that the kernel has resolved. */
static __always_inline void file_fill_path(struct build *b, struct ev_file *f, struct path *path,
					   struct task_struct *task)
{
	struct dentry *dentry = BPF_CORE_READ(path, dentry);

	file_fill_inode(f, BPF_CORE_READ(dentry, d_inode), dentry);
	path_append(b, f, path, task);
	tail_end(b);
}

static __always_inline void file_fill(struct build *b, struct ev_file *f, struct file *file,
				      struct task_struct *task)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);

	file_fill_inode(f, BPF_CORE_READ(file, f_inode), dentry);
	path_append(b, f, (void *)file + bpf_core_field_offset(struct file, f_path), task);
	tail_end(b);
}

/* The working directory of a task. */
static __always_inline void file_fill_cwd(struct build *b, struct ev_file *f,
					  struct task_struct *task)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);

	if (fs)
		file_fill_path(b, f, (void *)fs + bpf_core_field_offset(struct fs_struct, pwd),
			       task);
}

/* The file behind a descriptor of the current task; NULL if there is none. */
static __always_inline struct file *file_of_fd(struct task_struct *task, int fd)
{
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file **array = BPF_CORE_READ(fdt, fd);
	struct file *file = 0;

	if (fd < 0 || (__u32)fd >= BPF_CORE_READ(fdt, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), array + fd);
	return file;
}

/*
 * True if the file is one of the kernel's that have no place in any tree, and called so: then its
 * private_data is what such files have there. name: up to 15 letters, cleared behind.
 */
static __always_inline bool file_is_anon(struct file *file, const char name[16])
{
	__u64 got[2] = {}, want[2];

	if (!file || BPF_CORE_READ(file, f_inode, i_sb, s_magic) != ANON_INODE_FS_MAGIC)
		return false;
	bpf_probe_read_kernel_str(got, sizeof(got),
				  BPF_CORE_READ(file, f_path.dentry, d_name.name));
	__builtin_memcpy(want, name, sizeof(want));
	return got[0] == want[0] && got[1] == want[1];
}

/* The directory that a relative name starts from; without a NUL behind it. */
static __always_inline void path_append_start(struct build *b, struct ev_file *f, int dfd,
					      struct task_struct *task)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct file *dir;

	if (dfd == AT_FDCWD) {
		path_append(b, f, (void *)fs + bpf_core_field_offset(struct fs_struct, pwd), task);
		return;
	}
	dir = file_of_fd(task, dfd);
	path_append(b, f, (void *)dir + bpf_core_field_offset(struct file, f_path), task);
}

enum name_memory { NAME_USER, NAME_KERNEL };

static __always_inline long name_read(void *dst, __u32 size, const char *name,
				      enum name_memory memory)
{
	return memory == NAME_KERNEL ? bpf_probe_read_kernel_str(dst, size, name)
				     : user_string_read(dst, size, name);
}

/*
 * A path that was given as (directory descriptor, name): the kernel's path of the directory, then
 * the name. An empty name is the descriptor's own file (AT_EMPTY_PATH). After a system call the
 * kernel's own copy of the name is gone, so it is read from user memory; hence the flag.
 */
static __always_inline void file_fill_name(struct build *b, struct ev_file *f, int dfd,
					   const char *name, enum name_memory memory,
					   struct task_struct *task)
{
	__u32 start = b->len;
	char first[2] = {};
	long n;

	if (name_read(first, sizeof(first), name, memory) < 0)
		return;
	if (first[0] != '/') {
		path_append_start(b, f, dfd, task);
		if (!(f->flags & EV_FILE_HAS_PATH))
			return;
		if (f->path.len > 1 && first[0]) {
			*(__u8 *)rec_at(b->s, b->len) = '/';
			b->len++;
			f->path_len++;
		}
	}
	/* One byte more than the kernel takes, so that a name it refuses is not taken for one that ends here. */
	n = name_read(rec_at(b->s, b->len), EV_PATH_MAX + 1, name, memory);
	if (n <= 0 || n > EV_PATH_MAX) {
		f->flags = 0; /* nor what was said of the directory */
		b->len = start;
		return;
	}
	b->len += n;
	f->path.off = start;
	f->path.len = b->len - start - 1;
	f->path_len += n - 1;
	f->flags |= EV_FILE_HAS_PATH | (memory == NAME_USER ? EV_FILE_USER_MEMORY : 0);
}

/* Appends a string of the process's memory as it is. */
static __always_inline void tail_user_string(struct build *b, struct ev_ref *ref, const void *from)
{
	long n = user_string_read(rec_at(b->s, b->len), EV_PATH_MAX, from);

	if (n <= 0 || n > EV_PATH_MAX)
		return;
	ref->off = b->len;
	ref->len = n - 1;
	b->len += n;
}

static __always_inline void file_fill_at(struct build *b, struct ev_file *f, int dfd,
					 const char *name, struct task_struct *task)
{
	file_fill_name(b, f, dfd, name, NAME_USER, task);
}

/*
 * The same from within the function that was given the name: a struct filename, which holds the
 * kernel's copy. An unusable name (fault, too long) is an error pointer, and leaves the path
 * absent.
 */
static __always_inline void file_fill_filename(struct build *b, struct ev_file *f, int dfd,
					       void *name, struct task_struct *task)
{
	file_fill_name(b, f, dfd, BPF_CORE_READ((struct filename *)name, name), NAME_KERNEL, task);
}

/* Appends a text in user memory, at most max bytes of it. True if it was longer. */
static __always_inline bool text_append_user(struct build *b, struct ev_ref *ref, const void *text,
					     __u32 max)
{
	long n = bpf_probe_read_user_str(rec_at(b->s, b->len), max + 2, text);
	bool cut = n == max + 2;

	if (!n) /* of an empty text, before 6.16 */
		n = 1;
	n -= cut;
	if (n <= 0 || n > max + 1)
		return false;
	ref->off = b->len;
	ref->len = n - 1;
	b->len += n - 1;
	tail_end(b);
	return cut;
}

#endif
