/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * credentials: a task changed its user or group ids, its groups or its capabilities, or tried to.
 * What it has afterwards is the kernel's. Three ways lead here:
 *
 * - the calls that are for that, done or refused;
 * - an exec that the kernel itself takes for privileged (exec_credentials.bpf.c);
 * - in the trampoline set, commit_creds() within any other call: nothing that a program may ask the
 *   kernel for, so what a kernel that is being subverted does.
 */
#include "syscall.bpf.h"

#define PR_SET_KEEPCAPS	  8
#define PR_CAPBSET_DROP	  24
#define PR_SET_SECUREBITS 28
#define PR_CAP_AMBIENT	  47
#define AMBIENT_IS_SET	  1

#define CAPABILITY_VERSION_1 0x19980330

/* prctl is also for much that has nothing to do with it. */
static __always_inline bool is_about_credentials(const struct syscall *sc)
{
	if (sc->nr != NR_prctl)
		return true;
	if (sc->arg[0] == PR_CAP_AMBIENT)
		return sc->arg[1] != AMBIENT_IS_SET;
	return sc->arg[0] == PR_SET_KEEPCAPS || sc->arg[0] == PR_CAPBSET_DROP ||
	       sc->arg[0] == PR_SET_SECUREBITS;
}

static __always_inline void fill_caps_asked(struct ev_credentials *ev, const struct syscall *sc)
{
	__u32 version = 0, data[6] = {}, i;
	__u32 size = sizeof(data);

	if (bpf_probe_read_user(&version, sizeof(version), (void *)sc->arg[0]))
		return;
	if (version == CAPABILITY_VERSION_1)
		size /= 2;
	if (bpf_probe_read_user(data, size, (void *)sc->arg[1]))
		return;
	for (i = 0; i < 3; i++)
		ev->caps_asked[i] = data[i] | (__u64)data[i + 3] << 32;
	ev->flags |= EV_CREDENTIALS_HAS_CAPS;
}

static __always_inline void fill_groups(struct ev_credentials *ev, const struct cred *cred)
{
	struct group_info *info = BPF_CORE_READ(cred, group_info);
	__u32 n = BPF_CORE_READ(info, ngroups);

	ev->groups_cnt = n;
	if (n > EV_CREDENTIALS_GROUPS)
		n = EV_CREDENTIALS_GROUPS;
	bpf_probe_read_kernel(ev->groups, n * sizeof(__u32),
			      (void *)info + bpf_core_field_offset(struct group_info, gid));
}

SYSCALL_PROBE(credentials_exit)
{
	struct task_struct *task = sc->task;
	const struct cred *cred = BPF_CORE_READ(task, cred);
	bool fs = sc->nr == NR_setfsuid || sc->nr == NR_setfsgid;
	struct ev_credentials *ev;
	struct build b;

	if (!is_about_credentials(sc))
		return 0;
	ev = (void *)record_begin(&b, EV_CREDENTIALS, EV_CLASS_process, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, task);
	cred_fill(&ev->after, cred);
	ev->call = sc->nr;
	ev->arg[0] = sc->arg[0];
	ev->arg[1] = sc->arg[1];
	ev->arg[2] = sc->arg[2];
	if (sc->nr == NR_capset)
		fill_caps_asked(ev, sc);
	if (sc->nr == NR_setgroups)
		fill_groups(ev, cred);
	if (sc->ret < 0 && !fs) /* those give the id before, and never an error */
		ev->err = syscall_errno(sc->ret);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(credentials_exit, setuid);
SERVES_SYSCALL(credentials_exit, setgid);
SERVES_SYSCALL(credentials_exit, setreuid);
SERVES_SYSCALL(credentials_exit, setregid);
SERVES_SYSCALL(credentials_exit, setresuid);
SERVES_SYSCALL(credentials_exit, setresgid);
SERVES_SYSCALL(credentials_exit, setfsuid);
SERVES_SYSCALL(credentials_exit, setfsgid);
SERVES_SYSCALL(credentials_exit, setgroups);
SERVES_SYSCALL(credentials_exit, capset);
SERVES_SYSCALL(credentials_exit, prctl);

/* Calls that change credentials for their caller; each makes a record of its own. */
static __always_inline bool is_known_to_change(__u32 nr)
{
	switch (nr) {
	case NR_setuid:
	case NR_setgid:
	case NR_setreuid:
	case NR_setregid:
	case NR_setresuid:
	case NR_setresgid:
	case NR_setfsuid:
	case NR_setfsgid:
	case NR_setgroups:
	case NR_capset:
	case NR_prctl:
	case NR_execve:
	case NR_execveat:
	case NR_unshare:
	case NR_setns:
		return true;
	}
	return false;
}

#define CAP_DIFFERS(set)             \
	({                           \
		CAP_READ(x, a, set); \
		CAP_READ(y, b, set); \
		x != y;              \
	})

static __always_inline bool cap_differs(const struct cred *a, const struct cred *b)
{
	__u64 x, y;

	return CAP_DIFFERS(cap_effective) || CAP_DIFFERS(cap_permitted) ||
	       CAP_DIFFERS(cap_inheritable) || CAP_DIFFERS(cap_bset);
}

/* Keys, Landlock and labels change credentials, too, but nothing of this. */
static __always_inline bool cred_differs(const struct cred *a, const struct cred *b)
{
#define ID_DIFFERS(id) (BPF_CORE_READ(a, id.val) != BPF_CORE_READ(b, id.val))
	return ID_DIFFERS(uid) || ID_DIFFERS(gid) || ID_DIFFERS(euid) || ID_DIFFERS(egid) ||
	       ID_DIFFERS(suid) || ID_DIFFERS(sgid) || ID_DIFFERS(fsuid) || ID_DIFFERS(fsgid) ||
	       BPF_CORE_READ(a, user_ns) != BPF_CORE_READ(b, user_ns) || cap_differs(a, b);
}

/* What the new ones replace is still the task's: hdr.task has those before. */
SEC("?fentry/commit_creds")
int BPF_PROG(credentials_commit, struct cred *new)
{
	struct ev_credentials *ev;
	struct task_struct *task;
	struct pt_regs *regs;
	struct build b;
	__u64 cgid;
	__u32 nr;

	if (!current_in_scope(&cgid))
		return 0;
	task = current_task();
	regs = task_regs(task);
	nr = BPF_CORE_READ(regs, orig_ax);
	if (is_known_to_change(syscall_is_compat(task) ? ia32_nr[nr & (EV_SYSCALL_CNT - 1)]
						       : nr & ~X32_BIT))
		return 0;
	if (!cred_differs(BPF_CORE_READ(task, real_cred), new))
		return 0;
	ev = (void *)record_begin(&b, EV_CREDENTIALS, EV_CLASS_process, cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, task);
	cred_fill(&ev->after, new);
	ev->call = EV_CREDENTIALS_KERNEL;
	ev->within_nr = nr;
	ev->flags = syscall_is_compat(task) ? EV_CREDENTIALS_NR_32 : 0;
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}
