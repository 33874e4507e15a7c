/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* mode: a file's permissions were changed, or the attempt failed. */
#include "attribute.bpf.h"

static __always_inline void mode_fill(struct ev_mode *ev, const struct syscall *sc)
{
	bool at = sc->nr == NR_fchmodat || sc->nr == NR_fchmodat2;

	ev->mode = (at ? sc->arg[2] : sc->arg[1]) & 07777;
	ev->err = syscall_errno(sc->ret);
	if (sc->nr == NR_fchmodat2) {
		ev->call_flags = sc->arg[3];
		ev->flags = EV_MODE_HAS_FLAGS;
	}
}

SYSCALL_PROBE(mode_exit)
{
	struct attribute_name name = {.name = (void *)sc->arg[0], .dfd = AT_FDCWD};
	struct ev_mode *ev;
	struct build b;

	if (sc->nr == NR_fchmodat || sc->nr == NR_fchmodat2)
		name = (struct attribute_name){.name = (void *)sc->arg[1], .dfd = sc->arg[0]};
	if (sc->nr == NR_fchmod)
		name = (struct attribute_name){.dfd = sc->arg[0]};
	ev = attribute_begin(&b, EV_MODE, sizeof(*ev), sc, &name);
	if (!ev)
		return 0;
	mode_fill(ev, sc);
	pending_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(mode_exit, chmod);
SERVES_SYSCALL(mode_exit, fchmod);
SERVES_SYSCALL(mode_exit, fchmodat);
SERVES_SYSCALL(mode_exit, fchmodat2);

SEC("?fentry/chmod_common")
int BPF_PROG(mode_keep, struct path *path)
{
	return attribute_keep(EV_MODE, sizeof(struct ev_mode), path);
}

HELPS(mode_keep, mode_exit);
