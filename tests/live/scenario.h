/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fixed list of system calls, each by the kernel's 64-bit or its 32-bit entry, with what each
 * returned noted down.
 */
#ifndef VARVE_LIVE_SCENARIO_H
#define VARVE_LIVE_SCENARIO_H

#include "tests/live/network.h"

struct scenario_step {
	char kind[16]; /* of the record that it has to make */
	char path[64]; /* in the directory; empty: no file */
	int32_t res;   /* what the call returned, or -errno */
	uint64_t ino;  /* of what it opened, by fstat(2) */
};

struct scenario {
	char dir[300]; /* below it files are made */
	struct end listener, closed;
	bool is_32;
	char program[300]; /* that it becomes at the end */
	size_t step_cnt;
	struct scenario_step step[64];
};

/* False if the kernel does not run 32-bit calls; ret_why says how it refuses. */
bool scenario_has_32(char *ret_why, size_t size);
/* In the test's shared memory, with two ports that stay the same. */
struct scenario *scenario_new(struct live *t);
/* For one more run: makes the directory, with the program. */
void scenario_begin(struct scenario *s, const char *dir, bool is_32);
/* For live_spawn; ends with the program's code, ACCOUNT_PROGRAM_CODE. */
void scenario_run(struct live *t, void *scenario);

#endif
