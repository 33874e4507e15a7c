/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in a form in which two runs of the same can be compared: kind, process, and the body as
 * JSON, without what differs from one run to the next.
 */
#ifndef VARVE_LIVE_NORMAL_H
#define VARVE_LIVE_NORMAL_H

#include "tests/live/harness.h"

/* A field that is left out: "inode" of every message that has one, "File.mode" of one message
 * alone. */
struct normal_drop {
	const char *kind; /* only in records of this kind; NULL: in all */
	const char *field;
	const char *why;
};

struct normal_how {
	const char *dir; /* becomes DIR */
	const struct normal_drop
		*also;	  /* beside those that no two runs share; ends with field NULL */
	uint16_t port[2]; /* the same in both runs; others are not told */
};

/* The container's records that the kernel side made, in the order of their times, and at the end
 * those whose time says nothing; of a process (0: all). Changes the events. */
size_t normal_records(struct live *t, pid_t pid, const struct normal_how *how, char ***ret_lines);
/* Prints both of the first that differ, and fails if there are any. */
void normal_expect_same(const char *const what[2], char **lines[2], const size_t cnt[2]);

#endif
