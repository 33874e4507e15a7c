/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <linux/io_uring.h>
#include <sys/syscall.h>

static void set_up(struct live *t, void *arg)
{
	struct io_uring_params good = {.flags = IORING_SETUP_CQSIZE, .cq_entries = 64}, bad = {};

	(void)arg;
	t->shared->value[0] = syscall(SYS_io_uring_setup, 8, &good);
	t->shared->value[1] = errno;
	EXPECT(syscall(SYS_io_uring_setup, 0, &bad) < 0 && errno == EINVAL);
	EXPECT(syscall(SYS_io_uring_setup, 8, NULL) < 0 && errno == EFAULT);
}

LIVE(io_uring_setup, LIVE_FIRST)
{
	pid_t pid = live_do(t, set_up, NULL);
	const Varve__V1__IoUring *u;

	if ((int)t->shared->value[0] < 0)
		live_skip("io_uring: %s", strerror(t->shared->value[1]));
	live_end(t);
	EXPECT_UINT(live_count(t, "IO_URING", 0), 3);
	u = live_nth(t, "IO_URING", pid, 0)->io_uring;
	EXPECT_FIELD(u, entries, 8);
	EXPECT_FIELD(u, setup_flags, IORING_SETUP_CQSIZE);
	EXPECT_FIELD(u, fd, t->shared->value[0]);
	EXPECT(!u->has_call_errno);
	u = live_nth(t, "IO_URING", pid, 1)->io_uring;
	EXPECT_FIELD(u, entries, 0);
	EXPECT_FIELD(u, call_errno, EINVAL);
	EXPECT(!u->has_fd);
	u = live_nth(t, "IO_URING", pid, 2)->io_uring;
	EXPECT_FIELD(u, call_errno, EFAULT);
	EXPECT(!u->has_setup_flags);
	EXPECT_STR(live_nth(t, "IO_URING", pid, 0)->kernel_number->event_class, "kernel");
}
