/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an earlier sensor left when its hooks were pinned: its books, and what it wrote to the log
 * after it last kept them. From both the next sensor knows of each number whether it is recorded,
 * declared, or still to come.
 */
#ifndef VARVE_RESUME_H
#define VARVE_RESUME_H

#include <stdbool.h>
#include <stdint.h>

struct intake;
struct taken;

/*
 * Fills streams and containers, of which existing_tell() then says that they were found. log_dir:
 * where that sensor wrote to; end: index of the first record
 * that is ours. ret_taken gets its last records, for intake.taken. *ret_known: they are in this
 * log, so that nothing is unwatched; else what they were is declared lost. 0, or what reading the
 * log says.
 */
int resume_open(struct intake *in, const char *log_dir, uint64_t end, struct taken *ret_taken,
		bool *ret_known);

#endif
