/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What open.bpf.c tells close_write.bpf.c: a file was opened for writing. */
#ifndef VARVE_CLOSE_WRITE_H
#define VARVE_CLOSE_WRITE_H

#include "probe.bpf.h"

/* Before a record of the open is begun, which would come after what this makes. */
extern int close_write_reused(__u64 file);
/*
 * The record of the open, an ev_open, is in the scratch buffer of that slot, and is sent
 * afterwards. fd: -1 if it is not known.
 */
extern int close_write_begin(__u32 slot, __u64 file, __s32 fd);

#endif
