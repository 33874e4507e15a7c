/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading rings: a file of records there and back, and the live reader on rings in ordinary memory,
 * laid out as kernel/bpf/ringbuf.c does, with this file as the producer.
 */
#include "sensor/ring.c"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SIZE 4096ul /* of a ring: a page, mapped twice */

struct fake {
	struct ring ring;
	unsigned long consumer[2], producer[2];
	char *data[2];
	uint64_t got[256]; /* times, in the order of the callbacks */
	size_t len[256];
	size_t got_cnt;
};

static char *map_twice(void)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);
	char *at = mmap(NULL, 2 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(fd >= 0 && at != MAP_FAILED);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	for (int i = 0; i < 2; i++)
		assert_ptr_equal(mmap(at + i * SIZE, SIZE, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_FIXED, fd, 0),
				 at + i * SIZE);
	close(fd);
	return at;
}

static int setup(void **state)
{
	struct fake *f = calloc(1, sizeof(*f));

	for (int i = 0; i < 2; i++) {
		f->data[i] = map_twice();
		f->ring.live[i] = (struct live_ring){.consumer_pos = &f->consumer[i],
						     .producer_pos = &f->producer[i],
						     .data = f->data[i],
						     .size = SIZE};
	}
	f->ring.cnt = 2;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fake *f = *state;

	munmap(f->data[0], 2 * SIZE);
	munmap(f->data[1], 2 * SIZE);
	free(f);
	return 0;
}

/* Reserves len bytes and fills them as a record of that time; flags are of the header. Returns the
 * header. */
static __u32 *produce(struct fake *f, int ring, uint64_t time_ns, size_t len, __u32 flags)
{
	unsigned long pos = f->producer[ring];
	char *at = f->data[ring] + (pos & (SIZE - 1));

	assert_true(pos + len + 8 - f->consumer[ring] <= SIZE);
	memset(at + 8, 0, len);
	if (len >= sizeof(struct ev_hdr))
		((struct ev_hdr *)(at + 8))->time_ns = time_ns;
	*(__u32 *)at = len | flags;
	f->producer[ring] = pos + ((len + 8 + 7) & ~7ul);
	return (__u32 *)at;
}

static void on_record(const void *data, size_t len, void *ctx)
{
	struct fake *f = ctx;

	assert_true(f->got_cnt < ARRAY_SIZE(f->got));
	f->len[f->got_cnt] = len;
	f->got[f->got_cnt++] = record_time(data, len);
}

static size_t turn(struct fake *f, size_t most)
{
	f->got_cnt = 0;
	return ring_turn(&f->ring, most, on_record, f);
}

static void expect_got(const struct fake *f, size_t cnt, const uint64_t *times)
{
	assert_int_equal(f->got_cnt, cnt);
	for (size_t i = 0; i < cnt; i++)
		assert_int_equal(f->got[i], times[i]);
}
#define EXPECT_GOT(f, ...) \
	expect_got(f, ARRAY_SIZE(((uint64_t[]){__VA_ARGS__})), (uint64_t[]){__VA_ARGS__})

static bool is_emptied(const struct ring *ring)
{
	struct ring_mark mark = ring_mark(ring);

	return ring_is_past(ring, &mark);
}

static void test_merged_by_time(void **state)
{
	struct fake *f = *state;

	assert_int_equal(turn(f, 10), 0);
	assert_true(is_emptied(&f->ring));
	produce(f, 0, 3, 144, 0);
	produce(f, 0, 5, 152, 0);
	produce(f, 1, 1, 136, 0);
	produce(f, 1, 4, 144, 0);
	produce(f, 1, 6, 144, 0);
	assert_int_equal(turn(f, 3), 3);
	EXPECT_GOT(f, 1, 3, 4);
	assert_int_equal(f->len[0], 136);
	assert_false(is_emptied(&f->ring));
	assert_int_equal(turn(f, 10), 2);
	EXPECT_GOT(f, 5, 6);
	assert_true(is_emptied(&f->ring));
}

static void test_space_goes_back_on_commit(void **state)
{
	struct fake *f = *state;

	produce(f, 0, 1, 144, 0);
	turn(f, 10);
	assert_int_equal(f->consumer[0], 0);
	ring_commit(&f->ring);
	assert_int_equal(f->consumer[0], 152);
	assert_int_equal(f->consumer[1], 0);
}

static void test_discarded_are_passed_over(void **state)
{
	struct fake *f = *state;

	produce(f, 0, 1, 144, BPF_RINGBUF_DISCARD_BIT);
	produce(f, 0, 2, 147, 0);
	produce(f, 0, 3, 13, BPF_RINGBUF_DISCARD_BIT);
	assert_int_equal(turn(f, 10), 1);
	EXPECT_GOT(f, 2);
	assert_int_equal(f->len[0], 147);
	assert_true(is_emptied(&f->ring));
	ring_commit(&f->ring);
	assert_int_equal(f->consumer[0], f->producer[0]);
}

/* Its maker has not finished it: neither what is behind it, nor what may be younger in the other
 * ring. */
static void test_a_busy_record_stops(void **state)
{
	struct fake *f = *state;
	__u32 *busy;

	produce(f, 1, 1, 144, 0);
	busy = produce(f, 1, 2, 144, BPF_RINGBUF_BUSY_BIT);
	produce(f, 1, 3, 144, 0);
	produce(f, 0, 4, 144, 0);
	assert_int_equal(turn(f, 10), 1);
	EXPECT_GOT(f, 1);
	assert_false(is_emptied(&f->ring));
	ring_commit(&f->ring);
	assert_int_equal(f->consumer[1], 152);
	*busy &= ~BPF_RINGBUF_BUSY_BIT;
	assert_int_equal(turn(f, 10), 3);
	EXPECT_GOT(f, 2, 3, 4);
	assert_true(is_emptied(&f->ring));
}

/* However much is added, what was there at a time comes to be taken. */
static void test_past_a_mark(void **state)
{
	struct fake *f = *state;
	struct ring_mark mark;

	produce(f, 0, 1, 144, 0);
	produce(f, 1, 2, 144, 0);
	produce(f, 0, 3, 144, 0);
	mark = ring_mark(&f->ring);
	produce(f, 1, 4, 144, 0);
	assert_int_equal(turn(f, 2), 2);
	assert_false(ring_is_past(&f->ring, &mark));
	produce(f, 0, 5, 144, 0);
	assert_int_equal(turn(f, 1), 1);
	assert_true(ring_is_past(&f->ring, &mark));
	assert_false(is_emptied(&f->ring));
	assert_int_equal(turn(f, 10), 2);
	assert_true(is_emptied(&f->ring));
}

static void test_wraps(void **state)
{
	struct fake *f = *state;

	for (uint64_t i = 1; i <= 500; i++) {
		produce(f, 0, i, 144 + i % 1000, 0); /* crosses the end now and then */
		assert_int_equal(turn(f, 10), 1);
		EXPECT_GOT(f, i);
		assert_int_equal(f->len[0], 144 + i % 1000);
		ring_commit(&f->ring);
	}
	assert_true(f->producer[0] > 20 * SIZE);
	assert_int_equal(f->consumer[0], f->producer[0]);
}

/* Too short for a header: still given to the callback, whose business it is. */
static void test_a_short_record(void **state)
{
	struct fake *f = *state;

	produce(f, 0, 0, 0, 0);
	produce(f, 0, 0, 4, 0);
	assert_int_equal(turn(f, 10), 2);
	assert_int_equal(f->len[0], 0);
	assert_int_equal(f->len[1], 4);
	assert_true(is_emptied(&f->ring));
}

/* --- files */

static char path[] = "/tmp/varve-ring-XXXXXX";

static int file_setup(void **state)
{
	int fd;

	(void)state;
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int file_teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void write_records(size_t cnt)
{
	struct ev_hdr hdr = {};
	int fd = -1;

	assert_int_equal(ring_record_open(path, &fd), 0);
	for (size_t i = 0; i < cnt; i++) {
		hdr.time_ns = 10 + i;
		assert_int_equal(ring_record(fd, &hdr, sizeof(hdr)), 0);
	}
	close(fd);
}

/* Reads all of it, two at a time. */
static size_t read_records(struct fake *f)
{
	struct ring *ring = NULL;
	size_t n;

	f->got_cnt = 0;
	assert_int_equal(ring_open_file(path, &ring), 0);
	while ((n = ring_turn(ring, 2, on_record, f)))
		assert_true(n <= 2);
	assert_true(is_emptied(ring));
	ring_commit(ring);
	ring_close(ring);
	return f->got_cnt;
}

static void test_file(void **state)
{
	struct fake f = {};

	(void)state;
	write_records(0);
	assert_int_equal(read_records(&f), 0);
	write_records(5);
	assert_int_equal(read_records(&f), 5);
	EXPECT_GOT(&f, 10, 11, 12, 13, 14);
	assert_int_equal(f.len[4], sizeof(struct ev_hdr));
}

static void test_file_cut(void **state)
{
	off_t whole = 8 + 3 * (4 + sizeof(struct ev_hdr));
	struct fake f = {};

	(void)state;
	write_records(3);
	for (off_t size = whole - 1; size >= 8; size--) {
		assert_int_equal(truncate(path, size), 0);
		assert_int_equal(read_records(&f), (size - 8) / (4 + sizeof(struct ev_hdr)));
	}
}

static void test_file_with_a_length_too_long(void **state)
{
	__u32 len = EV_REC_MAX + 1;
	struct fake f = {};
	int fd = -1;

	(void)state;
	assert_int_equal(ring_record_open(path, &fd), 0);
	assert_int_equal(write(fd, &len, sizeof(len)), sizeof(len));
	assert_int_equal(ftruncate(fd, EV_REC_MAX * 2), 0);
	close(fd);
	assert_int_equal(read_records(&f), 0);
}

static void test_no_such_file(void **state)
{
	struct ring *ring = NULL;
	int fd = -1;

	(void)state;
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(ring_open_file(path, &ring), -EPROTO);
	assert_int_equal(ring_open_file("/tmp/varve-ring-none", &ring), -ENOENT);
	assert_int_equal(ring_record_open("/nonexistent/x", &fd), -ENOENT);
	assert_null(ring);
	assert_int_equal(fd, -1);
	ring_close(NULL);
	fd = open("/dev/full", O_WRONLY);
	assert_int_equal(ring_record(fd, "x", 1), -EIO);
	close(fd);
}

#define LIVE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, file_setup, file_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_merged_by_time),
		LIVE_TEST(test_space_goes_back_on_commit),
		LIVE_TEST(test_discarded_are_passed_over),
		LIVE_TEST(test_a_busy_record_stops),
		LIVE_TEST(test_past_a_mark),
		LIVE_TEST(test_wraps),
		LIVE_TEST(test_a_short_record),
		FILE_TEST(test_file),
		FILE_TEST(test_file_cut),
		FILE_TEST(test_file_with_a_length_too_long),
		FILE_TEST(test_no_such_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
