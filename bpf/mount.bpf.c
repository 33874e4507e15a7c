/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * mount: a mount was made, moved or changed, or the attempt failed.
 *
 * The record is made at the call's exit. The trampoline set has saved what the kernel had resolved
 * by then, if the call got so far: path_mount() and security_move_mount() are not reached when the
 * lookup fails. What was not saved is read from user memory, marked so.
 */
#include "names.bpf.h"

/* The kernel's own account of a mount: file system and source. */
static __always_inline void mount_fill(struct build *b, struct ev_mount *ev, struct vfsmount *mnt)
{
	struct mount *m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);

	if (!mnt)
		return;
	text_append(b, &ev->type, BPF_CORE_READ(mnt, mnt_sb, s_type, name), NAME_KERNEL);
	text_append(b, &ev->source, BPF_CORE_READ(m, mnt_devname), NAME_KERNEL);
}

static __always_inline void mount_fill_fd(struct build *b, struct ev_mount *ev,
					  const struct syscall *sc, int fd)
{
	struct file *file = file_of_fd(sc->task, fd);

	mount_fill(b, ev, BPF_CORE_READ(file, f_path.mnt));
}

static __always_inline void mount_texts(struct build *b, struct ev_mount *ev,
					const struct syscall *sc)
{
	ev->flags |= EV_MOUNT_USER_TEXTS;
	text_append(b, &ev->source, (void *)sc->arg[0], NAME_USER);
	text_append(b, &ev->type, (void *)sc->arg[2], NAME_USER);
	text_append(b, &ev->data, (void *)sc->arg[4], NAME_USER);
}

/* True if the mount is the descriptor's own: its path would be the one that it was moved to. */
static __always_inline bool moves_descriptor(const struct syscall *sc)
{
	char first = 0;

	if (sc->nr != NR_move_mount || !(sc->arg[4] & MOVE_MOUNT_F_EMPTY_PATH))
		return false;
	bpf_probe_read_user(&first, sizeof(first), (void *)sc->arg[1]);
	return !first;
}

/* Places and texts from the call's arguments. */
static __always_inline void mount_fill_asked(struct build *b, struct ev_mount *ev,
					     const struct syscall *sc)
{
	bool moved = sc->nr == NR_move_mount, old = sc->nr == NR_mount;

	if (old)
		mount_texts(b, ev, sc);
	if (old || moved || sc->nr == NR_mount_setattr)
		file_fill_at(b, &ev->target, old ? AT_FDCWD : (int)sc->arg[moved ? 2 : 0],
			     (void *)sc->arg[moved ? 3 : 1], sc->task);
	if (moves_descriptor(sc))
		mount_fill_fd(b, ev, sc, sc->arg[0]);
	else if (moved || sc->nr == NR_open_tree || sc->nr == NR_open_tree_attr)
		file_fill_at(b, &ev->source_file, sc->arg[0], (void *)sc->arg[1], sc->task);
}

static __always_inline __u64 mount_flags(const struct syscall *sc)
{
	switch (sc->nr) {
	case NR_mount:
		return sc->arg[3];
	case NR_fsmount:
		return (__u32)sc->arg[1];
	case NR_move_mount:
		return (__u32)sc->arg[4];
	default:
		return (__u32)sc->arg[2];
	}
}

static __always_inline void mount_attributes(struct ev_mount *ev, const struct syscall *sc)
{
	__u64 attr[3] = {}; /* struct mount_attr: attr_set, attr_clr, propagation */

	if (sc->nr == NR_fsmount) {
		ev->attr_set = (__u32)sc->arg[2];
		ev->flags |= EV_MOUNT_HAS_SET;
		return;
	}
	if (sc->nr != NR_mount_setattr && sc->nr != NR_open_tree_attr)
		return;
	if (bpf_probe_read_user(attr, sizeof(attr), (void *)sc->arg[3]))
		return;
	ev->attr_set = attr[0];
	ev->attr_clear = attr[1];
	ev->propagation = attr[2];
	ev->flags |= EV_MOUNT_HAS_ATTR;
}

static __always_inline void mount_result(struct build *b, struct ev_mount *ev,
					 const struct syscall *sc)
{
	if (sc->ret < 0) {
		ev->err = syscall_errno(sc->ret);
		return;
	}
	if (sc->nr != NR_fsmount && sc->nr != NR_open_tree && sc->nr != NR_open_tree_attr)
		return;
	ev->fd = sc->ret;
	ev->flags |= EV_MOUNT_HAS_FD;
	mount_fill_fd(b, ev, sc, sc->ret);
}

SYSCALL_PROBE(mount_exit)
{
	struct ev_mount *ev;
	struct build b;

	/* Without these it is open(2) with O_PATH. */
	if ((sc->nr == NR_open_tree || sc->nr == NR_open_tree_attr) &&
	    !(sc->arg[2] & (OPEN_TREE_CLONE | OPEN_TREE_NAMESPACE)))
		return 0;
	ev = pending_take(&b, bpf_get_current_pid_tgid() | PENDING_MOUNT, EV_MOUNT, EV_CLASS_file,
			  sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	if (!ev->call)
		mount_fill_asked(&b, ev, sc);
	ev->call = sc->nr;
	ev->call_flags = mount_flags(sc);
	mount_attributes(ev, sc);
	mount_result(&b, ev, sc);
	pending_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(mount_exit, mount);
SERVES_SYSCALL(mount_exit, move_mount);
SERVES_SYSCALL(mount_exit, fsmount);
SERVES_SYSCALL(mount_exit, open_tree);
SERVES_SYSCALL(mount_exit, open_tree_attr);
SERVES_SYSCALL(mount_exit, mount_setattr);

static __always_inline struct ev_mount *mount_save(struct build *b, struct syscall *sc)
{
	struct ev_mount *ev;

	if (!syscall_in_scope(sc))
		return 0;
	return pending_begin(b, bpf_get_current_pid_tgid() | PENDING_MOUNT, sizeof(*ev));
}

/* What mount(2) comes to when its arguments are copied and its target is found. */
SEC("?fentry/path_mount")
int BPF_PROG(mount_enter, const char *source, struct path *target, const char *type,
	     unsigned long flags, void *data)
{
	struct ev_mount *ev;
	struct syscall sc;
	struct build b;

	ev = mount_save(&b, &sc);
	if (!ev)
		return 0;
	ev->call = NR_mount;
	text_append(&b, &ev->source, source, NAME_KERNEL);
	text_append(&b, &ev->type, type, NAME_KERNEL);
	text_append(&b, &ev->data, data, NAME_KERNEL);
	file_fill_path(&b, &ev->target, target, sc.task);
	pending_wait(&b);
	return 0;
}

SEC("?fentry/security_move_mount")
int BPF_PROG(mount_move_enter, struct path *from, struct path *to)
{
	struct ev_mount *ev;
	struct syscall sc;
	struct build b;

	ev = mount_save(&b, &sc);
	if (!ev)
		return 0;
	ev->call = NR_move_mount;
	mount_fill(&b, ev, BPF_CORE_READ(from, mnt));
	file_fill_path(&b, &ev->source_file, from, sc.task);
	file_fill_path(&b, &ev->target, to, sc.task);
	pending_wait(&b);
	return 0;
}
