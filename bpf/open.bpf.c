/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * open: a file was opened. The descriptor that the call returned leads to the kernel's own file, so
 * the path is what was opened, not what was asked for. Creations and opens for writing are always
 * recorded, those for reading as the policy says; what it leaves out is counted.
 */
#include "syscall.bpf.h"
#include "path.bpf.h"

/* A file that a process has opened for reading: its first time is recorded. Eviction only repeats
 * one. */
struct open_key {
	__u64 start_ns;
	__u64 ino;
	__u32 dev;
	__u32 tgid;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct open_key);
	__type(value, __u8);
} opened SEC(".maps");

enum { READ_OPENS_OFF, READ_OPENS_FIRST, READ_OPENS_ALL };

static __always_inline bool open_read_is_wanted(struct task_struct *task, struct file *file)
{
	struct open_key key = {};
	__u8 one = 1;

	if (cfg_read_opens != READ_OPENS_FIRST)
		return cfg_read_opens == READ_OPENS_ALL;
	key.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	key.tgid = BPF_CORE_READ(task, tgid);
	key.ino = BPF_CORE_READ(file, f_inode, i_ino);
	key.dev = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
	if (bpf_map_lookup_elem(&opened, &key))
		return false;
	bpf_map_update_elem(&opened, &key, &one, BPF_ANY);
	return true;
}

SEC("tp_btf/sys_exit")
int open_exit(__u64 *ctx)
{
	struct syscall sc;
	struct ev_open *ev;
	struct file *file;
	struct build b;
	__u32 mode;

	if ((long)ctx[1] < 0 || !syscall_begin(&sc, ctx))
		return 0;
	file = file_of_fd(sc.task, sc.ret);
	mode = BPF_CORE_READ(file, f_mode);
	if (mode & FMODE_PATH) /* a handle to a name; nothing can be read or written through it */
		return 0;
	if (file && !(mode & (FMODE_WRITE | FMODE_CREATED)) &&
	    !open_read_is_wanted(sc.task, file)) {
		count_suppressed(sc.cgid, EV_CLASS_file);
		return 0;
	}
	ev = (void *)record_begin(&b, EV_OPEN, EV_CLASS_file, sc.cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc.task);
	ev->fd = sc.ret;
	if (file) { /* else another thread has closed it: the open is recorded, the file is not
		       known */
		ev->o_flags = BPF_CORE_READ(file, f_flags);
		ev->flags = (mode & FMODE_CREATED ? EV_OPEN_CREATED : 0) |
			    (mode & FMODE_WRITE ? EV_OPEN_WRITTEN : 0);
		file_fill(&b, &ev->file, file, sc.task);
	}
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(open_exit, NR_open);
SERVES_SYSCALL(open_exit, NR_creat);
SERVES_SYSCALL(open_exit, NR_openat);
SERVES_SYSCALL(open_exit, NR_openat2);
SERVES_SYSCALL(open_exit, NR_open_by_handle_at);
