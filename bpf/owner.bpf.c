/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* owner: a file's owner or group was changed, or the attempt failed. */
#include "attribute.bpf.h"

static __always_inline void owner_fill(struct ev_owner *ev, const struct syscall *sc)
{
	bool at = sc->nr == NR_fchownat;

	ev->uid = at ? sc->arg[2] : sc->arg[1];
	ev->gid = at ? sc->arg[3] : sc->arg[2];
	ev->err = syscall_errno(sc->ret);
	if (at || sc->nr == NR_lchown) {
		ev->call_flags = at ? sc->arg[4] : AT_SYMLINK_NOFOLLOW;
		ev->flags = EV_MODE_HAS_FLAGS;
	}
}

SYSCALL_PROBE(owner_exit)
{
	struct attribute_name name = {.name = (void *)sc->arg[0], .dfd = AT_FDCWD};
	struct ev_owner *ev;
	struct build b;

	if (sc->nr == NR_fchownat)
		name = (struct attribute_name){.name = (void *)sc->arg[1], .dfd = sc->arg[0]};
	if (sc->nr == NR_fchown)
		name = (struct attribute_name){.dfd = sc->arg[0]};
	ev = attribute_begin(&b, EV_OWNER, sizeof(*ev), sc, &name);
	if (!ev)
		return 0;
	owner_fill(ev, sc);
	pending_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(owner_exit, chown);
SERVES_SYSCALL(owner_exit, fchown);
SERVES_SYSCALL(owner_exit, lchown);
SERVES_SYSCALL(owner_exit, fchownat);

SEC("?fentry/chown_common")
int BPF_PROG(owner_keep, struct path *path)
{
	return attribute_keep(EV_OWNER, sizeof(struct ev_owner), path);
}

HELPS(owner_keep, owner_exit);
