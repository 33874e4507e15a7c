/* SPDX-License-Identifier: Apache-2.0 */
/* A small io_uring, for tests of what goes through one. */
#ifndef VARVE_LIVE_RING_H
#define VARVE_LIVE_RING_H

#include "tests/live/harness.h"
#include <linux/io_uring.h>

struct ring {
	int fd;
	uint32_t flags;
	uint32_t *sq_tail, *sq_mask, *sq_array, *sq_flags;
	uint32_t *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

/* Skips the test where the kernel has no io_uring. setup_flags: IORING_SETUP_*. */
void ring_open(struct ring *r, uint32_t setup_flags);
void ring_submit(struct ring *r, const struct io_uring_sqe *sqe);
/* Waits for the next completion. */
struct io_uring_cqe ring_wait(struct ring *r);
/* ring_submit, ring_wait; the result. Skips the test where the kernel does not know the operation.
 */
int ring_do(struct ring *r, const struct io_uring_sqe *sqe);

#endif
