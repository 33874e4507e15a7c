/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel side's arithmetic of shares and rates, with a ring that is two numbers. */
#include "bpf/event.h"
#include "evidence/base.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* What bpf/limit.bpf.h asks the kernel for. */
enum { BPF_RB_AVAIL_DATA, BPF_RB_CONS_POS };
static struct {
	uint64_t avail, pos;
} events, decisive;
static uint64_t now_ns;

static uint64_t query(const uint64_t avail, uint64_t pos, int what)
{
	return what == BPF_RB_AVAIL_DATA ? avail : pos;
}
#define bpf_ringbuf_query(ring, what) query((ring)->avail, (ring)->pos, what)
#define bpf_ktime_get_boot_ns()	      now_ns
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#include "bpf/limit.bpf.h"

#define SIZE (1u << 20)
#define CPUS 2
volatile __u64 policy_rate_interval_ns[EV_CLASS_ROOM] = {[EV_CLASS_file] = NSEC_PER_SEC / 100};
volatile __u64 policy_rate_burst_ns[EV_CLASS_ROOM] = {[EV_CLASS_file] = NSEC_PER_SEC};
volatile __u8 policy_fair_share = 1;
const volatile __u64 cfg_share_ring_size = SIZE;
const volatile __u64 cfg_share_decisive_size = SIZE;
const volatile __u64 cfg_share_cpus = CPUS;

static int setup(void **state)
{
	(void)state;
	memset(&events, 0, sizeof(events));
	memset(&decisive, 0, sizeof(decisive));
	now_ns = 1000 * NSEC_PER_SEC;
	return 0;
}

/* An event of 256 bytes, if the cgroup may. */
static bool try_event(struct ev_count *count, uint32_t event_class)
{
	bool counts;

	if (!share_allows(count, event_class, &counts))
		return false;
	events.avail += 256;
	if (counts)
		share_take(count, 256);
	return true;
}

static void test_what_was_read_comes_back(void **state)
{
	struct ev_count count = {.share_bytes = 1000, .share_pos = 5000};

	(void)state;
	assert_true(share_is_left(&count, 0, 5600, SIZE, 1));
	assert_int_equal(count.share_bytes, 400);
	assert_int_equal(count.share_pos, 5600);
	share_is_left(&count, 0, 5600, SIZE, 1);
	assert_int_equal(count.share_bytes, 400);
	share_is_left(&count, 0, 10000, SIZE, 1);
	assert_int_equal(count.share_bytes, 0);
}

/* An interrupt's probe looked between our read of the position and our look: it was further. */
static void test_an_older_position_gives_nothing_back(void **state)
{
	struct ev_count count = {.share_bytes = SIZE, .share_pos = 5000};

	(void)state;
	assert_false(share_is_left(&count, SIZE / 2, 4999, SIZE, 1));
	assert_int_equal(count.share_bytes, SIZE);
	assert_int_equal(count.share_pos, 5000);
	/* The counters of positions may pass the end of their range. */
	count.share_pos = UINT64_MAX - 99;
	assert_false(share_is_left(&count, SIZE / 2, 100, SIZE, 1));
	assert_int_equal(count.share_bytes, SIZE - 200);
	assert_int_equal(count.share_pos, 100);
}

/* As many cgroups as given do what they can on all CPUs, of so many classes; what is left free. */
static uint64_t free_after(size_t cgroup_cnt, size_t class_cnt)
{
	static const uint32_t classes[] = {EV_CLASS_file, EV_CLASS_network};
	struct ev_count counts[16][2][CPUS] = {};
	bool any = true;

	while (any) {
		any = false;
		for (size_t i = 0; i < cgroup_cnt * class_cnt * CPUS; i++)
			any |= try_event(
				&counts[i / CPUS / class_cnt][i / CPUS % class_cnt][i % CPUS],
				classes[i / CPUS % class_cnt]);
	}
	return SIZE - events.avail;
}

static void test_noisy_ones_leave_their_part(void **state)
{
	static const size_t cgroups[] = {1, 2, 5, 16};

	for (size_t i = 0; i < ARRAY_SIZE(cgroups); i++) {
		for (size_t classes = 1; classes <= 2; classes++) {
			size_t k = classes * cgroups[i];
			uint64_t part = SIZE / 8 * 3 / (k + 1);

			setup(state);
			/* Up to 3/4 nobody waits: whoever has much by then has no more. */
			assert_in_range(free_after(cgroups[i], classes), part - part / 50,
					SIZE / 4);
		}
	}
}

static void test_a_quiet_one_has_room(void **state)
{
	struct ev_count quiet = {};

	(void)state;
	free_after(8, 2);
	for (int i = 0; i < 10; i++)
		assert_true(try_event(&quiet, EV_CLASS_file));
}

static void test_a_second_at_once_then_the_rate(void **state)
{
	struct ev_count count = {};
	unsigned int n = 0;

	(void)state;
	while (rate_allows(&count, EV_CLASS_file))
		n++;
	assert_int_equal(n, 100);
	for (int ms = 0; ms < 1000; ms++) {
		now_ns += NSEC_PER_MSEC;
		n += rate_allows(&count, EV_CLASS_file);
	}
	assert_int_equal(n, 200);
	now_ns += 3600 * NSEC_PER_SEC; /* idle: no more than a second's worth is saved */
	while (rate_allows(&count, EV_CLASS_file))
		n++;
	assert_int_equal(n, 300);
	assert_true(rate_allows(&count, EV_CLASS_process));
}

int main(void)
{
#define T(test) cmocka_unit_test_setup(test, setup)
	const struct CMUnitTest tests[] = {
		T(test_what_was_read_comes_back),
		T(test_an_older_position_gives_nothing_back),
		T(test_noisy_ones_leave_their_part),
		T(test_a_quiet_one_has_room),
		T(test_a_second_at_once_then_the_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
