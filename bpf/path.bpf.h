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

#define PATH_STEPS_MAX \
	4200 /* components and mounts: EV_PATH_MAX / 2 of the shortest names, and as many again */

struct path_walk {
	struct scratch *s;
	struct dentry *dentry, *root_dentry;
	struct vfsmount *mnt, *root_mnt;
	__u32 pos;   /* the path so far is s->path[pos .. EV_PATH_MAX) */
	__u32 total; /* its whole length, also of what does not fit */
	__u32 flags; /* EV_FILE_* */
	__u32 done;
};

static __always_inline void path_prepend(struct path_walk *w, struct dentry *dentry, bool slash)
{
	__u32 len = BPF_CORE_READ(dentry, d_name.len), pos;
	const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);

	len &= 0xff;
	w->total += len + slash;
	if (w->flags & EV_FILE_CUT || w->pos < len + slash) {
		w->flags |= EV_FILE_CUT;
		return;
	}
	pos = w->pos - len;
	bpf_probe_read_kernel(&w->s->path[pos & (EV_PATH_MAX - 1)], len, name);
	if (slash)
		w->s->path[--pos & (EV_PATH_MAX - 1)] = '/';
	w->pos = pos;
}

static long path_step(__u32 i, struct path_walk *w)
{
	struct dentry *dentry = w->dentry, *parent;
	struct vfsmount *vfsmnt = w->mnt;
	struct mount *mnt, *up;

	if (dentry == w->root_dentry && vfsmnt == w->root_mnt) {
		w->done = 1;
		return 1;
	}
	if (dentry == BPF_CORE_READ(vfsmnt, mnt_root)) {
		mnt = (void *)vfsmnt - bpf_core_field_offset(struct mount, mnt);
		up = BPF_CORE_READ(mnt, mnt_parent);
		if (!up || up == mnt) { /* the namespace's root, past the process's own */
			w->flags |= EV_FILE_UNREACHABLE;
			w->done = 1;
			return 1;
		}
		w->dentry = BPF_CORE_READ(mnt, mnt_mountpoint);
		w->mnt = (void *)up + bpf_core_field_offset(struct mount, mnt);
		return 0;
	}
	parent = BPF_CORE_READ(dentry, d_parent);
	if (!parent || parent == dentry) { /* a pseudo file, such as a memfd; or a directory gone */
		path_prepend(w, dentry, false);
		w->flags |= EV_FILE_UNREACHABLE;
		w->done = 1;
		return 1;
	}
	path_prepend(w, dentry, true);
	w->dentry = parent;
	return 0;
}

/*
 * Appends the path to the record's tail without a NUL, as f->path and f->path_len. task: whose root
 * directory counts.
 */
static __always_inline void path_append(struct build *b, struct ev_file *f, struct path *path,
					struct task_struct *task)
{
	struct path_walk w = {.s = b->s, .pos = EV_PATH_MAX};
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	__u32 len;

	w.dentry = BPF_CORE_READ(path, dentry);
	w.mnt = BPF_CORE_READ(path, mnt);
	w.root_dentry = BPF_CORE_READ(fs, root.dentry);
	w.root_mnt = BPF_CORE_READ(fs, root.mnt);
	if (!w.dentry || !w.mnt)
		return;
	bpf_loop(PATH_STEPS_MAX, path_step, &w, 0);
	if (!w.done)
		w.flags |= EV_FILE_CUT;
	if (!w.total) { /* the root itself */
		w.s->path[--w.pos & (EV_PATH_MAX - 1)] = '/';
		w.total = 1;
	}
	len = EV_PATH_MAX - w.pos;
	asm volatile("" : "+r"(len));
	if (len > EV_PATH_MAX)
		return;
	bpf_probe_read_kernel(rec_at(b->s, b->len), len, &b->s->path[w.pos & (EV_PATH_MAX - 1)]);
	f->path.off = b->len;
	f->path.len = len;
	f->path_len = w.total;
	f->flags |= w.flags | EV_FILE_HAS_PATH;
	b->len += len;
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
static __always_inline bool inode_is_overlay_upper(struct inode *inode)
{
	struct dentry *upper = 0;

	bpf_probe_read_kernel(&upper, sizeof(upper),
			      (void *)inode + bpf_core_type_size(struct inode));
	return upper;
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
	if (magic == OVERLAYFS_SUPER_MAGIC && inode_is_overlay_upper(inode))
		f->flags |= EV_FILE_UPPER;
	if (dentry_is_unlinked(dentry))
		f->flags |= EV_FILE_UNLINKED;
	if (dentry_is_memfd(dentry, magic))
		f->flags |= EV_FILE_MEMFD;
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
	struct dentry *dentry = BPF_CORE_READ(fs, pwd.dentry);

	if (!fs)
		return;
	file_fill_inode(f, BPF_CORE_READ(dentry, d_inode), dentry);
	path_append(b, f, (void *)fs + bpf_core_field_offset(struct fs_struct, pwd), task);
	tail_end(b);
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
 * A path that was given as (directory descriptor, name in user memory): the kernel's path of the
 * directory, then the name. The kernel's own copy of the name is gone at the system call's exit,
 * hence the flag.
 */
static __always_inline void file_fill_at(struct build *b, struct ev_file *f, int dfd,
					 const char *name, struct task_struct *task)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct file *dir;
	__u32 start = b->len;
	char first = 0;
	long n;

	f->flags |= EV_FILE_USER_MEMORY;
	if (bpf_probe_read_user(&first, 1, name))
		return;
	if (first != '/') {
		if (dfd == AT_FDCWD) {
			path_append(b, f, (void *)fs + bpf_core_field_offset(struct fs_struct, pwd),
				    task);
		} else {
			dir = file_of_fd(task, dfd);
			path_append(b, f, (void *)dir + bpf_core_field_offset(struct file, f_path),
				    task);
		}
		if (!(f->flags & EV_FILE_HAS_PATH))
			return;
		if (f->path.len > 1) {
			*(__u8 *)rec_at(b->s, b->len) = '/';
			b->len++;
			f->path_len++;
		}
	}
	n = bpf_probe_read_user_str(rec_at(b->s, b->len), EV_PATH_MAX, name);
	if (n <= 0 || n > EV_PATH_MAX) {
		f->flags &= ~EV_FILE_HAS_PATH;
		b->len = start;
		return;
	}
	b->len += n;
	f->path.off = start;
	f->path.len = b->len - start - 1;
	f->path_len += n - 1;
	f->flags |= EV_FILE_HAS_PATH;
}

#endif
