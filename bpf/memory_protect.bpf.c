/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * memory_protect: memory was made writable and executable at once, or the attempt failed.
 */
#include "syscall.bpf.h"
#include "path.bpf.h"

#define PROT_WRITE    0x2
#define PROT_EXEC     0x4
#define MAP_ANONYMOUS 0x20

SYSCALL_PROBE(memory_protect_exit)
{
	bool is_map = sc->nr == NR_mmap || sc->nr == NR_mmap_pgoff, failed;
	struct ev_memory_protect *ev;
	struct file *file;
	struct build b;

	if ((sc->arg[2] & (PROT_WRITE | PROT_EXEC)) != (PROT_WRITE | PROT_EXEC))
		return 0;
	ev = (void *)record_begin(&b, EV_MEMORY_PROTECT, EV_CLASS_process, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	failed = sc->ret < 0 && sc->ret >= -MAX_ERRNO; /* a 32-bit address can be negative, too */
	ev->call = is_map ? NR_mmap : sc->nr;
	ev->err = failed ? -sc->ret : 0;
	ev->address = !is_map || failed ? sc->arg[0] : sc->is_32 ? (__u32)sc->ret : sc->ret;
	ev->length = sc->arg[1];
	ev->protection = sc->arg[2];
	ev->map_flags = sc->arg[3];
	if (is_map && !(sc->arg[3] & MAP_ANONYMOUS)) {
		file = file_of_fd(sc->task, sc->arg[4]);
		if (file)
			file_fill(&b, &ev->file, file, sc->task);
	}
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(memory_protect_exit, mmap);
SERVES_SYSCALL(memory_protect_exit, mmap_pgoff);
SERVES_SYSCALL(memory_protect_exit, mprotect);
SERVES_SYSCALL(memory_protect_exit, pkey_mprotect);
