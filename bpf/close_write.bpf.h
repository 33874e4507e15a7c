/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What open.bpf.c tells close_write.bpf.c: a file was opened for writing. */
#ifndef VARVE_CLOSE_WRITE_H
#define VARVE_CLOSE_WRITE_H

#include "probe.bpf.h"

enum close_seen {
	CLOSE_NOW,   /* by the current task, which may be the kernel's */
	CLOSE_FPUT,  /* the same, and the file is still whole */
	CLOSE_FOUND, /* it was, some time ago */
};

/* opened_ns: of the open; 0: whichever had this memory, if any. seen: enum close_seen. */
extern int close_write_end(__u64 file, __u64 opened_ns, __u32 seen);

/* What had this memory before is closed. Before a record of the open is begun, which would come after
 * what this makes. */
static __always_inline void close_write_reused(__u64 file)
{
	close_write_end(file, 0, CLOSE_FOUND);
}

/*
 * The record of the open, an ev_open, is in the scratch buffer of that slot, and is sent
 * afterwards. fd: -1 if it is not known.
 */
extern int close_write_begin(__u32 slot, __u64 file, __s32 fd);

#endif
