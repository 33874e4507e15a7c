/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * close_write: a file that was opened for writing is not open any more: the last descriptor that
 * led to it was closed, in whatever process and way.
 *
 * Each such open is kept in `write_opens`, under a key that is never used twice. Whoever takes it
 * out makes the record; so there is exactly one. `written` finds the open by its struct file, and
 * counts the bytes that system calls wrote through it. That a file is closed is seen
 *
 *   - in __fput(), which the kernel calls when the last reference is gone (trampoline set);
 *   - at the exit of close(2), dup2(2) or dup3(2), if that was the descriptor which the open gave,
 * and the last reference;
 *   - when another open gets the memory of the struct file;
 *   - by the look that the sensor has over all of them from time to time: which finds the rest,
 * such as what ended with its process.
 *
 * A file's memory may be used again before we look, so that not only its count of references tells,
 * but also whether it is still of the same inode and name. A file that is opened again, in the same
 * memory, by somebody out of scope, passes for the old one until it is closed, too.
 */
#include "syscall.bpf.h"
#include "path.bpf.h"
#include "close_write.bpf.h"
#include "each.bpf.h"

#define WRITE_OPENS    8192
#define WRITE_PATH_MAX 512 /* of longer ones the end */

struct write_key {
	__u64 opened_ns; /* the time of the OPEN record */
	__u64 file;
};

struct write_open {
	struct ev_task task;
	__u64 cgid;
	__u64 container;
	struct inode *inode;
	struct dentry *dentry;
	struct ev_file file;
	char path[WRITE_PATH_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WRITE_OPENS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct write_key);
	__type(value, struct write_open);
} write_opens SEC(".maps");

struct written {
	__u64 opened_ns;
	__u64 bytes;
	__u64 size; /* of the file, after the last write that was counted */
	struct inode *inode;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WRITE_OPENS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct written);
} written SEC(".maps");

/*
 * What a process's descriptor was opened as. Eviction only makes us find the close later. An exec
 * closes descriptors whose numbers are then used again, hence exec_id.
 */
struct write_fd {
	__u32 tgid;
	__s32 fd;
	__u64 exec_id;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, WRITE_OPENS);
	__type(key, struct write_fd);
	__type(value, struct write_key);
} write_fds SEC(".maps");

static __always_inline void write_fd_key(struct write_fd *key, __s32 fd)
{
	key->tgid = bpf_get_current_pid_tgid() >> 32;
	key->fd = fd;
	key->exec_id = task_exec_id(current_task());
}

/* --- the record */

/* Where to book it: a cgroup within the container may have gone before the file. 0: nowhere. */
static __always_inline __u64 closed_cgroup(const struct write_open *w)
{
	if (in_scope(w->cgid))
		return w->cgid;
	return in_scope(w->container) ? w->container : 0;
}

static __always_inline void closed_fill_path(struct build *b, struct ev_close_write *ev,
					     const struct write_open *w)
{
	__u32 len = w->file.path.len;

	if (!(w->file.flags & EV_FILE_HAS_PATH))
		return;
	asm volatile("" : "+r"(len));
	if (len > WRITE_PATH_MAX)
		len = WRITE_PATH_MAX;
	bpf_probe_read_kernel(rec_at(b->s, b->len), len, w->path);
	ev->file.path.off = b->len;
	ev->file.path.len = len;
	b->len += len;
	tail_end(b);
}

static __always_inline void closed_fill_closer(struct ev_close_write *ev)
{
	struct task_struct *task = current_task();

	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return;
	ev->closer_tgid = BPF_CORE_READ(task, tgid);
	ev->closer_start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	ev->flags |= EV_CLOSE_WRITE_HAS_CLOSER;
}

static __always_inline void closed_fill(struct build *b, const struct write_open *w,
					const struct write_key *key, __u32 seen)
{
	struct ev_close_write *ev = (void *)b->s->rec;
	struct written *n = bpf_map_lookup_elem(&written, &key->file);

	b->len = sizeof(*ev);
	__builtin_memset(ev, 0, sizeof(*ev));
	__builtin_memcpy(&ev->hdr.task, &w->task, sizeof(w->task));
	__builtin_memcpy(&ev->file, &w->file, sizeof(w->file));
	ev->opened_ns = key->opened_ns;
	closed_fill_path(b, ev, w);
	if (n && n->opened_ns == key->opened_ns) {
		ev->bytes = n->bytes;
		ev->file.size = n->size;
		ev->flags |= EV_CLOSE_WRITE_HAS_BYTES;
	}
	if (seen == CLOSE_FPUT)
		file_fill_inode(&ev->file, w->inode, w->dentry);
	if (seen == CLOSE_FOUND)
		ev->flags |= EV_CLOSE_WRITE_FOUND;
	else
		closed_fill_closer(ev);
}

/* Takes it out. False: somebody else did. */
static __always_inline bool closed_claim(const struct write_key *key)
{
	struct written *n;

	if (bpf_map_delete_elem(&write_opens, key))
		return false;
	n = bpf_map_lookup_elem(&written, &key->file);
	if (n && n->opened_ns == key->opened_ns)
		bpf_map_delete_elem(&written, &key->file);
	return true;
}

/* Numbers and sends it. */
static __always_inline void closed_send(struct build *b, __u64 cgid)
{
	__u64 number;

	if (!cgid) { /* it outlived its container */
		count_lost_on_node(EV_CLASS_file);
	} else if (record_number(b, EV_CLOSE_WRITE, EV_CLASS_file, cgid, &number)) {
		if (b->s) {
			record_head(b, EV_CLOSE_WRITE, cgid, number);
			record_submit(b, BPF_RB_NO_WAKEUP);
			return;
		}
		count_lost(b->count, EV_CAUSE_SCRATCH_BUSY);
	}
	if (b->s)
		scratch_put(b->s);
}

/* Global, to be verified once: hence numbers only. */
__noinline int close_write_end(__u64 file, __u64 opened_ns, __u32 seen)
{
	struct write_key key = {.opened_ns = opened_ns, .file = file};
	struct write_open *w;
	struct build b = {};
	struct written *n;
	__u64 cgid;

	if (!opened_ns) {
		n = bpf_map_lookup_elem(&written, &key.file);
		if (!n)
			return 0;
		key.opened_ns = n->opened_ns;
	}
	w = bpf_map_lookup_elem(&write_opens, &key);
	if (!w)
		return 0;
	cgid = closed_cgroup(w);
	b.s = scratch_get(&b.slot);
	if (b.s)
		closed_fill(&b, w, &key, seen);
	if (closed_claim(&key))
		closed_send(&b, cgid);
	else if (b.s)
		scratch_put(b.s);
	return 0;
}

/* --- opened */

/* What is entered into the maps; in s->path, which nobody uses any more: the stack has no room. */
struct write_entry {
	struct write_open open;
	struct write_key key;
	struct written written;
	struct write_fd fd;
};

/* From the open's record. */
static __always_inline void write_open_fill(struct scratch *s, struct write_open *w,
					    struct file *file)
{
	struct ev_open *ev = (void *)s->rec;
	__u32 off = ev->file.path.off, len = ev->file.path.len;
	struct ev_scope *in;

	__builtin_memset(w, 0, sizeof(*w) - sizeof(w->path));
	__builtin_memcpy(&w->task, &ev->hdr.task, sizeof(w->task));
	__builtin_memcpy(&w->file, &ev->file, sizeof(w->file));
	w->cgid = ev->hdr.cgroup_id;
	in = bpf_map_lookup_elem(&scope, &w->cgid);
	w->container = in ? in->container : 0;
	w->inode = BPF_CORE_READ(file, f_inode);
	w->dentry = BPF_CORE_READ(file, f_path.dentry);
	if (len > WRITE_PATH_MAX) {
		off += len - WRITE_PATH_MAX;
		len = WRITE_PATH_MAX;
		w->file.flags |= EV_FILE_CUT;
	}
	w->file.path.len = len;
	asm volatile("" : "+r"(len));
	if (len <= WRITE_PATH_MAX)
		bpf_probe_read_kernel(w->path, len, rec_at(s, off));
}

__noinline int close_write_begin(__u32 slot, __u64 file, __s32 fd)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	struct write_entry *e;

	if (!s)
		return 0;
	e = (void *)s->path;
	write_open_fill(s, &e->open, (void *)file);
	e->key.opened_ns = e->written.opened_ns = ((struct ev_open *)s->rec)->hdr.time_ns;
	e->key.file = file;
	e->written.bytes = 0;
	e->written.size = e->open.file.size;
	e->written.inode = e->open.inode;
	if (bpf_map_update_elem(&write_opens, &e->key, &e->open, BPF_NOEXIST)) {
		record_lose(EV_CLOSE_WRITE, EV_CLASS_file, e->open.cgid, EV_CAUSE_MAP_FULL);
		return 0;
	}
	bpf_map_update_elem(&written, &e->key.file, &e->written, BPF_ANY);
	if (fd >= 0) {
		write_fd_key(&e->fd, fd);
		bpf_map_update_elem(&write_fds, &e->fd, &e->key, BPF_ANY);
	}
	return 0;
}

/* --- written */

static __always_inline int written_fd(const struct syscall *sc)
{
	return sc->nr == NR_splice || sc->nr == NR_copy_file_range ? sc->arg[2] : sc->arg[0];
}

SYSCALL_PROBE(close_write_bytes)
{
	struct file *file;
	struct inode *inode;
	struct written *w;

	if (sc->ret <= 0)
		return 0;
	file = file_of_fd(sc->task, written_fd(sc));
	w = bpf_map_lookup_elem(&written, &file);
	if (!w)
		return 0;
	inode = BPF_CORE_READ(file, f_inode);
	if (w->inode != inode)
		return 0;
	__sync_fetch_and_add(&w->bytes, sc->ret);
	w->size = BPF_CORE_READ(inode, i_size);
	return 0;
}

SERVES_SYSCALL(close_write_bytes, write);
SERVES_SYSCALL(close_write_bytes, pwrite64);
SERVES_SYSCALL(close_write_bytes, writev);
SERVES_SYSCALL(close_write_bytes, pwritev);
SERVES_SYSCALL(close_write_bytes, pwritev2);
SERVES_SYSCALL(close_write_bytes, sendfile);
SERVES_SYSCALL(close_write_bytes, sendfile64);
SERVES_SYSCALL(close_write_bytes, splice);
SERVES_SYSCALL(close_write_bytes, copy_file_range);

/* --- closed */

static __always_inline bool write_open_is_closed(const struct write_key *key)
{
	struct write_open *w = bpf_map_lookup_elem(&write_opens, key);
	struct file *file = (void *)key->file;

	if (!w)
		return false;
	return file_is_dead(file) || BPF_CORE_READ(file, f_inode) != w->inode ||
	       BPF_CORE_READ(file, f_path.dentry) != w->dentry ||
	       !(BPF_CORE_READ(file, f_mode) & FMODE_WRITE);
}

SYSCALL_PROBE(close_write_exit)
{
	bool is_dup = sc->nr == NR_dup2 || sc->nr == NR_dup3;
	struct write_key *found, key;
	struct write_fd fd_key;

	/* close(2) closes even if it fails, but for what was not open. dup2(a, a) does nothing. */
	if (is_dup ? sc->ret < 0 || sc->arg[0] == sc->arg[1] : sc->ret == -EBADF)
		return 0;
	write_fd_key(&fd_key, is_dup ? sc->arg[1] : sc->arg[0]);
	found = bpf_map_lookup_elem(&write_fds, &fd_key);
	if (!found)
		return 0;
	key = *found;
	bpf_map_delete_elem(&write_fds, &fd_key);
	if (write_open_is_closed(&key))
		close_write_end(key.file, key.opened_ns, CLOSE_NOW);
	return 0;
}

SERVES_SYSCALL(close_write_exit, close);
SERVES_SYSCALL(close_write_exit, dup2);
SERVES_SYSCALL(close_write_exit, dup3);

/* Each file that the machine closes passes here. Mostly in the task that closed it, on its way out
 * of the kernel; else in the kernel's own. */
SEC("?fentry/__fput")
int BPF_PROG(close_write_fput, struct file *file)
{
	__u64 key = pointer_value(file);
	struct written *w;

	if (!(file->f_mode & FMODE_WRITE))
		return 0;
	w = bpf_map_lookup_elem(&written, &key);
	if (w && w->inode == BPF_CORE_READ(file, f_inode))
		close_write_end(key, w->opened_ns, CLOSE_FPUT);
	return 0;
}

INSTEAD_OF(close_write_fput, close_write_exit);

/* The sensor's look over what is open. */
static __always_inline void write_open_look(const struct write_key *at, struct write_open *open)
{
	struct write_key key = *at;

	if (write_open_is_closed(&key))
		close_write_end(key.file, key.opened_ns, CLOSE_FOUND);
}

FOR_EACH_ELEMENT(close_write_look, write_opens, struct write_key, struct write_open,
		 write_open_look)
