/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/ring.h"
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

static void *map_part(const struct ring *r, size_t len, uint64_t offset)
{
	return MUST(
		mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, offset));
}

void ring_open(struct ring *r, uint32_t setup_flags)
{
	struct utsname uts;
	struct io_uring_params p = {.flags = setup_flags, .sq_thread_idle = 2000};
	char *sq, *cq;

	uname(&uts);
	if (atoi(uts.release) < 6)
		live_skip("what goes through io_uring is not seen before 6.0 (EVENTS.md)");
	r->fd = syscall(SYS_io_uring_setup, 8, &p);
	if (r->fd < 0)
		live_skip("no io_uring here: %s", strerror(errno));
	r->flags = setup_flags;
	sq = map_part(r, p.sq_off.array + p.sq_entries * sizeof(uint32_t), IORING_OFF_SQ_RING);
	cq = map_part(r, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
		      IORING_OFF_CQ_RING);
	r->sqes = map_part(r, p.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	r->sq_tail = (void *)(sq + p.sq_off.tail);
	r->sq_mask = (void *)(sq + p.sq_off.ring_mask);
	r->sq_flags = (void *)(sq + p.sq_off.flags);
	r->sq_array = (void *)(sq + p.sq_off.array);
	r->cq_head = (void *)(cq + p.cq_off.head);
	r->cq_tail = (void *)(cq + p.cq_off.tail);
	r->cq_mask = (void *)(cq + p.cq_off.ring_mask);
	r->cqes = (void *)(cq + p.cq_off.cqes);
}

static void enter(struct ring *r, unsigned int submit, unsigned int wait, unsigned int flags)
{
	while (syscall(SYS_io_uring_enter, r->fd, submit, wait, flags, NULL, 0) < 0)
		if (errno != EINTR)
			FAIL("io_uring_enter: %s", strerror(errno));
}

void ring_submit(struct ring *r, const struct io_uring_sqe *sqe)
{
	uint32_t tail = *r->sq_tail, index = tail & *r->sq_mask;

	r->sqes[index] = *sqe;
	r->sq_array[index] = index;
	__atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_RELEASE);
	if (!(r->flags & IORING_SETUP_SQPOLL))
		enter(r, 1, 0, 0);
	else if (__atomic_load_n(r->sq_flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
		enter(r, 1, 0, IORING_ENTER_SQ_WAKEUP);
}

struct io_uring_cqe ring_wait(struct ring *r)
{
	struct io_uring_cqe cqe;
	uint32_t head = *r->cq_head;

	while (__atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE) == head)
		enter(r, 0, 1, IORING_ENTER_GETEVENTS);
	cqe = r->cqes[head & *r->cq_mask];
	__atomic_store_n(r->cq_head, head + 1, __ATOMIC_RELEASE);
	return cqe;
}

int ring_do(struct ring *r, const struct io_uring_sqe *sqe)
{
	int res;

	ring_submit(r, sqe);
	res = ring_wait(r).res;
	if (res == -EINVAL && sqe->opcode > IORING_OP_NOP)
		live_skip("this kernel's io_uring does not know operation %u", sqe->opcode);
	return res;
}
