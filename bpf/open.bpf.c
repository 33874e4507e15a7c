/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * open: a file was opened, or an attempt failed. What was opened is the kernel's own file, whatever
 * was asked for: the descriptor that the call returned leads to it, or the function that all opens
 * go through, io_uring's too, returns it. Of a failed attempt there is only the name: the kernel's
 * copy in that function, user memory after a system call.
 *
 * Creations and opens for writing are always recorded, those for reading as the policy says (the
 * options read-opens, read-opens-host, read-opens-always); what it leaves out is counted.
 */
#include "process_memory.bpf.h"
#include "uring.bpf.h"
#include "always.bpf.h"
#include "close_write.bpf.h"

/* A file that a process has opened for reading: its first time is recorded. Eviction only repeats
 * one. The number alone is not the file: that of one that was removed soon is another's. */
struct open_key {
	__u64 start_ns;
	__u64 ino;
	__u32 dev;
	__u32 tgid;
	__u32 generation;
	__u32 pad0;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct open_key);
	__type(value, __u8);
} opened SEC(".maps");

/* The same of attempts that failed, by the end of the name. */
#define NAME_END_LEN 112

struct open_failed_key {
	__u64 start_ns;
	__u32 tgid;
	__u32 err;
	char name_end[NAME_END_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct open_failed_key);
	__type(value, __u8);
} open_failed SEC(".maps");

enum { READ_OPENS_OFF, READ_OPENS_FIRST, READ_OPENS_ALL };

/* What becomes of an open for reading. */
enum { READ_RECORDED, READ_REPEATED, READ_WAITS };

/* An open as either set sees it. */
struct opening {
	struct task_struct *task;
	__u64 cgid;
	struct file *file; /* NULL: it failed, or the descriptor is gone */
	const char *name;
	enum name_memory memory;
	__s32 dfd;
	__u32 asked; /* O_* */
	__u32 fd;
	__u32 err;
	__u32 flags;	/* EV_OPEN_HAS_* */
	bool is_direct; /* opened into a ring's own table: all that is known is what was asked for
			 */
};

/* Which opens for reading are recorded where this one happens. */
static __always_inline __u32 read_opens(const struct opening *o)
{
	__u64 cgid = o->cgid;

	if (!cfg_scope_all || policy_read_opens == policy_read_opens_host ||
	    bpf_map_lookup_elem(&scope, &cgid))
		return policy_read_opens;
	return policy_read_opens_host;
}

static __always_inline bool decisive_waits(__u64 cgid, __u32 class)
{
	struct ev_count *count = count_find(cgid, class);
	bool counts;

	return count && !share_allows(count, class, &counts);
}

/*
 * A ring fills, and the cgroup has had its share: its reading waits first. So it does while the
 * cgroup's share of `decisive` is used up. Not marked as recorded, so the file's next open may be.
 */
static __noinline int reads_must_wait(__u64 cgid)
{
	__u64 size = cfg_share_ring_size, avail;
	struct ev_count *count;

	if (!policy_fair_share)
		return 0;
	avail = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);
	if (avail > size / 8 * 5) {
		count = count_find(cgid, EV_CLASS_file);
		if (count &&
		    !share_is_left(count, avail, bpf_ringbuf_query(&events, BPF_RB_CONS_POS), size,
				   READS_PART))
			return 1;
	}
	size = cfg_share_decisive_size;
	if (bpf_ringbuf_query(&decisive, BPF_RB_AVAIL_DATA) <= size / 8 * 7)
		return 0;
	return decisive_waits(cgid, EV_CLASS_process) || decisive_waits(cgid, EV_CLASS_kernel);
}

enum read_what { READ_LOOK, READ_MARK, READ_FORGET };

/* Whether it has been opened before; from now on it has; it was marked and then not recorded, so
 * the next may be. Apart, since open_emit()'s stack has no room for the key. */
static __noinline int read_seen(struct task_struct *task, struct file *file, enum read_what what)
{
	struct open_key key = {};
	__u8 one = 1;

	key.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	key.tgid = BPF_CORE_READ(task, tgid);
	key.ino = BPF_CORE_READ(file, f_inode, i_ino);
	key.dev = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
	key.generation = inode_generation(BPF_CORE_READ(file, f_inode));
	if (what == READ_MARK)
		return bpf_map_update_elem(&opened, &key, &one, BPF_ANY);
	if (what == READ_FORGET)
		return bpf_map_delete_elem(&opened, &key);
	return bpf_map_lookup_elem(&opened, &key) != 0;
}

static __always_inline __u32 read_look(struct task_struct *task, struct file *file, __u64 cgid)
{
	if (read_seen(task, file, READ_LOOK))
		return READ_REPEATED;
	if (reads_must_wait(cgid))
		return READ_WAITS;
	read_seen(task, file, READ_MARK);
	return READ_RECORDED;
}

/*
 * A program that looks for its libraries fails a hundred times to open what is not there; one that
 * was refused, or that wanted to write, is always worth a record. Name and key are made in a
 * scratch buffer: the stack has no room.
 */
static __always_inline __u32 failure_look_with(struct opening *o, struct scratch *s, bool forget)
{
	struct open_failed_key *key = (void *)s->path;
	struct task_struct *task = o->task;
	__u32 start = 0;
	__u8 one = 1;
	long n;

	__builtin_memset(key, 0, sizeof(*key));
	n = name_read(s->rec, EV_PATH_MAX, o->name, o->memory);
	if (n > NAME_END_LEN)
		start = n - NAME_END_LEN;
	if (n > 0)
		bpf_probe_read_kernel_str(key->name_end, sizeof(key->name_end), rec_at(s, start));
	key->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	key->tgid = BPF_CORE_READ(task, tgid);
	key->err = o->err;
	if (forget)
		return bpf_map_delete_elem(&open_failed, key);
	if (bpf_map_lookup_elem(&open_failed, key))
		return READ_REPEATED;
	if (reads_must_wait(o->cgid))
		return READ_WAITS;
	return bpf_map_update_elem(&open_failed, key, &one, BPF_ANY) ? READ_REPEATED
								     : READ_RECORDED;
}

/* forget: it was marked and then not recorded, so the next may be. */
static __noinline int failure_look(struct opening *o, bool forget)
{
	struct scratch *s;
	__u32 slot, what;

	s = scratch_get(&slot);
	if (!s)
		return READ_RECORDED;
	what = failure_look_with(o, s, forget);
	scratch_put(s);
	return what;
}

/* Whatever the policy for opens that read says. */
static __always_inline bool is_more_than_read(const struct opening *o, __u32 mode)
{
	if (o->err)
		return o->err == EACCES || o->err == EPERM ||
		       o->asked & (O_ACCMODE | O_CREAT | O_TRUNC);
	return !o->file || mode & (FMODE_WRITE | FMODE_CREATED);
}

/* Of enum ev_suppress; EV_SUPPRESS_CNT: nothing. */
static __always_inline __u32 read_suppressed_by(struct opening *o)
{
	__u32 which = read_opens(o), what;

	if (which == READ_OPENS_OFF)
		return EV_SUPPRESS_READ_OPENS_OFF;
	if (which == READ_OPENS_ALL)
		return reads_must_wait(o->cgid) ? EV_SUPPRESS_FAIR_SHARE : EV_SUPPRESS_CNT;
	what = o->err ? failure_look(o, false) : read_look(o->task, o->file, o->cgid);
	if (what == READ_WAITS)
		return EV_SUPPRESS_FAIR_SHARE;
	return what == READ_REPEATED ? EV_SUPPRESS_READ_OPEN_REPEATED : EV_SUPPRESS_CNT;
}

/* False: it is left out by policy, which is counted. */
static __always_inline bool open_is_wanted(struct opening *o, __u32 mode)
{
	__u32 reason;

	if (kind_is_off(EV_OPEN) || is_more_than_read(o, mode)) /* the one is counted later on */
		return true;
	reason = read_suppressed_by(o);
	if (reason == EV_SUPPRESS_CNT || (!o->err && file_always_counts(o->file, o->task)))
		return true;
	asm volatile("" : "+r"(reason)); /* told once more for the verifier */
	if (reason < EV_SUPPRESS_CNT)
		count_suppressed(o->cgid, EV_CLASS_file, reason);
	return false;
}

/* There is no record of the open, so there will be none of the close. */
static __always_inline void close_held(struct build *b)
{
	if (kind_is_off(EV_CLOSE_WRITE))
		suppress(b->count, EV_CLASS_file, EV_SUPPRESS_KIND_OFF);
	else
		suppress_held(b, EV_CLASS_file);
}

static __noinline int open_emit(struct opening *o)
{
	struct file *file = o->file;
	__u32 mode = BPF_CORE_READ(file, f_mode);
	struct ev_open *ev;
	struct build b;

	if (mode & FMODE_PATH) /* a handle to a name; nothing can be read or written through it */
		return 0;
	if (file_is_process_memory(file))
		process_memory_opened(file, o->task, o->cgid, mode,
				      o->flags & EV_OPEN_HAS_FD ? o->fd : -1);
	if (!open_is_wanted(o, mode))
		return 0;
	if (file && mode & FMODE_WRITE)
		close_write_reused(pointer_value(file));
	ev = (void *)record_begin(&b, EV_OPEN, EV_CLASS_file, o->cgid, sizeof(*ev));
	if (!ev) {
		if (b.held && file && mode & FMODE_WRITE)
			close_held(&b);
		else if (b.held && file)
			read_seen(o->task, file, READ_FORGET);
		else if (b.held && o->err)
			failure_look(o, true);
		return 0;
	}
	task_fill(&ev->hdr.task, o->task);
	ev->fd = o->fd;
	ev->err = o->err;
	ev->flags = o->flags;
	if (file) {
		ev->o_flags = BPF_CORE_READ(file, f_flags);
		ev->flags |= (mode & FMODE_CREATED ? EV_OPEN_CREATED : 0) |
			     (mode & FMODE_WRITE ? EV_OPEN_WRITTEN : 0) | EV_OPEN_HAS_FLAGS;
		file_fill(&b, &ev->file, file, o->task);
		if (mode & FMODE_WRITE)
			close_write_begin(b.slot, pointer_value(file),
					  o->flags & EV_OPEN_HAS_FD ? (__s32)o->fd : -1);
	} else if (o->err || o->is_direct) {
		ev->o_flags = o->asked & ~O_INTERNAL; /* that entries for 64-bit programs and io_uring add */
		file_fill_name(&b, &ev->file, o->dfd, o->name, o->memory, o->task);
	} /* else another thread has closed it: the open is recorded, the file is not known */
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

/* What was asked for. */
static __always_inline void open_arguments(struct opening *o, const struct syscall *sc)
{
	__u64 how = 0;

	o->dfd = AT_FDCWD;
	o->name = (void *)sc->arg[0];
	o->flags = EV_OPEN_HAS_FLAGS;
	if (sc->nr == NR_open) {
		o->asked = sc->arg[1];
		return;
	}
	if (sc->nr == NR_creat) {
		o->asked = O_CREAT | O_WRONLY | O_TRUNC;
		return;
	}
	o->dfd = sc->arg[0];
	o->name = sc->nr == NR_open_by_handle_at ? 0 : (void *)sc->arg[1];
	o->asked = sc->arg[2];
	if (sc->nr == NR_openat2) { /* struct open_how begins with the flags */
		if (bpf_probe_read_user(&how, sizeof(how), (void *)sc->arg[2]))
			o->flags = 0;
		o->asked = how;
	}
}

static __always_inline int open_returned(const struct syscall *sc)
{
	struct opening o = {.task = sc->task, .cgid = sc->cgid, .memory = sc->memory};

	open_arguments(&o, sc);
	if (sc->ret < 0) {
		o.err = syscall_errno(sc->ret);
	} else if (sc->is_direct) {
		o.is_direct = true;
	} else {
		o.fd = sc->ret;
		o.flags = EV_OPEN_HAS_FD;
		o.file = file_of_fd(sc->task, sc->ret);
	}
	hide_values(&o);
	return open_emit(&o);
}

SYSCALL_PROBE(open_exit)
{
	return open_returned(sc);
}

SERVES_SYSCALL(open_exit, open);
SERVES_SYSCALL(open_exit, creat);
SERVES_SYSCALL(open_exit, openat);
SERVES_SYSCALL(open_exit, openat2);
URING_PROBE(open_exit)
SERVES_URING(open_exit, IORING_OP_OPENAT);
SERVES_URING(open_exit, IORING_OP_OPENAT2);

/* Apart, since no kernel function is common to it and the others. */
SYSCALL_PROBE(open_handle_exit)
{
	return open_returned(sc);
}

SERVES_SYSCALL(open_handle_exit, open_by_handle_at);

/*
 * do_filp_open(), do_file_open() since 7.0. exec opens its program here, too: that is an EXEC.
 * -EAGAIN is io_uring's first try, which may not sleep; another one follows.
 */
SEC("?fexit/do_filp_open")
int BPF_PROG(open_fn, int dfd, struct filename *name, const struct open_flags *op, struct file *ret)
{
	long value = pointer_value(ret), err = 0;
	struct syscall sc;
	struct opening o = {.dfd = dfd, .memory = NAME_KERNEL};

	if (value < 0 && value >= -MAX_ERRNO)
		err = syscall_errno(value);
	o.asked = BPF_CORE_READ(op, open_flag);
	if (o.asked & FMODE_EXEC || err == EAGAIN || !syscall_in_scope(&sc))
		return 0;
	o.flags = EV_OPEN_HAS_FLAGS;
	o.task = sc.task;
	o.cgid = sc.cgid;
	o.err = err;
	o.file = err ? 0 : ret;
	o.name = BPF_CORE_READ(name, name);
	hide_values(&o);
	return open_emit(&o);
}

INSTEAD_OF_URING_TOO(open_fn, open_exit);
