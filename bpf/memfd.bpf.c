/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * memfd: a file that is nowhere but in memory was made, or the attempt failed. Its name is from
 * user memory; of one that was made the kernel's copy is in the file's path.
 */
#include "syscall.bpf.h"
#include "path.bpf.h"

SYSCALL_PROBE(memfd_exit)
{
	struct ev_memfd *ev;
	struct file *file;
	struct build b;

	ev = (void *)record_begin(&b, EV_MEMFD, EV_CLASS_process, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	ev->memfd_flags = sc->arg[1];
	tail_user_string(&b, &ev->name, (void *)sc->arg[0]);
	if (sc->ret < 0) {
		ev->err = syscall_errno(sc->ret);
	} else {
		ev->fd = sc->ret;
		file = file_of_fd(sc->task, sc->ret);
		if (file) /* else another thread has closed it */
			file_fill(&b, &ev->file, file, sc->task);
	}
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(memfd_exit, memfd_create);
