/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts in a mount namespace of the calling process's own, which end with it. */
#ifndef VARVE_LIVE_MOUNTS_H
#define VARVE_LIVE_MOUNTS_H

#include "tests/live/harness.h"

/* Enters a private mount namespace: one MOUNT record, the first. Skips the test where it may not.
 */
void mounts_enter(void);
/* What /proc/self/mountinfo says of the mount at this path. False: there is none. */
struct mounts_line {
	char type[64];
	char source[512];
	char options[512];
};
bool mounts_find(const char *path, struct mounts_line *ret_line);
/* A path that was looked up: resolved by the kernel in the trampoline set, as given otherwise. */
void mounts_expect_place(const Varve__V1__File *file, const char *given, const char *resolved);

#endif
