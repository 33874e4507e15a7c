/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outline of a log by its indexes: what is named is given, nothing that is of it is ever left
 * out, whatever has become of the index.
 */
#include "tests/unit/log.h"
#include "evidence/crc32c.h"

#define EVERY 10 /* frames of which one is of the outline */

static void append_marked(struct log *log, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		append(log, i);
		if (i % EVERY == 0)
			log_mark(log);
	}
	assert_int_equal(log_flush(log), 0);
}

static uint64_t number_of(const uint8_t *p, size_t len)
{
	uint64_t i = log_get_u64(p);

	expect_payload(p, len, i);
	return i;
}

struct outline {
	uint64_t cnt, damages, skipped;
	bool has[10000];
};

static struct outline read_outline(const struct log_range *whole, size_t cnt)
{
	struct outline o = {};
	struct log_reader *r;
	struct log_pos pos;
	const uint8_t *p;
	size_t len;
	int res;

	assert_int_equal(log_reader_open_outline(dir, whole, cnt, &r), 0);
	while ((res = log_reader_next(r, &p, &len, &pos)) == 1 || res == -EBADMSG) {
		if (res == -EBADMSG) {
			o.damages++;
			continue;
		}
		uint64_t i = number_of(p, len);

		assert_false(o.has[i]);
		o.has[i] = true;
		o.cnt++;
		o.skipped += log_reader_skipped(r);
	}
	assert_int_equal(res, 0);
	o.skipped += log_reader_skipped(r);
	log_reader_close(r);
	return o;
}

static void assert_outline_whole(const struct outline *o, uint64_t to)
{
	for (uint64_t i = 0; i < to; i += EVERY)
		if (!o->has[i])
			fail_msg("frame %llu is of the outline and was not given",
				 (unsigned long long)i);
}

static void test_only_what_is_named(void **state)
{
	struct log *log = open_log(4096, 0, NULL);

	(void)state;
	append_marked(log, 0, 1000);
	struct outline o = read_outline(NULL, 0);

	assert_outline_whole(&o, 1000);
	assert_int_equal(o.cnt + o.skipped, 1000);
	/* One in ten, the first of each segment, the end of the newest one. */
	assert_true(o.cnt < 100 + log->seg_cnt + EVERY);
	append_marked(log, 1000, 1005);
	o = read_outline(NULL, 0);
	assert_outline_whole(&o, 1005);
	assert_int_equal(o.cnt + o.skipped, 1005);
	assert_int_equal(log_size_bytes(log), size_of_log());
	log_close(log);
	/* Also what an earlier writer left, and an index begun anew. */
	log = open_log(4096, 0, NULL);
	assert_int_equal(log_size_bytes(log), size_of_log());
	log_close(log);
}

/* While the writer writes; the buffer of entries overflows, too. */
static void test_followed(void **state)
{
	struct log *log = open_log(1 << 20, 0, NULL);
	struct log_reader *r;
	struct log_pos pos;
	const uint8_t *p;
	uint64_t seen = 0;
	size_t len;

	(void)state;
	append(log, 0);
	assert_int_equal(log_flush(log), 0);
	assert_int_equal(log_reader_open_outline(dir, NULL, 0, &r), 0);
	for (uint64_t i = 1; i < 2000; i++) {
		append(log, i);
		log_mark(log);
		while (log_reader_next(r, &p, &len, &pos) == 1)
			seen += number_of(p, len) == seen;
	}
	assert_int_equal(log_flush(log), 0);
	while (log_reader_next(r, &p, &len, &pos) == 1)
		seen += number_of(p, len) == seen;
	assert_int_equal(seen, 2000);
	log_reader_close(r);
	log_close(log);
}

static void test_segments_that_are_wanted_whole(void **state)
{
	struct log *log = open_log(4096, 0, NULL);

	(void)state;
	append_marked(log, 0, 1000);
	assert_true(log->seg_cnt > 5);
	const struct log_range whole = {log->segs[2].first, log->segs[3].first};
	struct outline o = read_outline(&whole, 1);

	assert_outline_whole(&o, 1000);
	for (uint64_t i = whole.from; i < log->segs[4].first; i++)
		assert_true(o.has[i]);
	assert_false(o.has[whole.from - 1]);
	assert_int_equal(o.cnt + o.skipped, 1000);
	log_close(log);
}

/* Cut anywhere, flipped anywhere, gone: never less than the outline. */
static void test_damaged_index(void **state)
{
	struct log *log = open_log(4096, 0, NULL);

	(void)state;
	append_marked(log, 0, 300);
	uint64_t second = log->segs[1].first;
	off_t size = size_of(index_path(second));

	assert_true(size > LOG_SEG_HDR_LEN + 3 * LOG_ENTRY_LEN);
	for (off_t off = 0; off < size; off++) {
		flip(index_path(second), off);
		struct outline o = read_outline(NULL, 0);

		flip(index_path(second), off);
		assert_outline_whole(&o, 300);
		assert_int_equal(o.cnt + o.skipped, 300);
		assert_int_equal(o.damages, 0);
	}
	for (off_t off = size - 1; off >= 0; off--) {
		assert_int_equal(truncate(index_path(second), off), 0);
		struct outline o = read_outline(NULL, 0);

		assert_outline_whole(&o, 300);
		assert_int_equal(o.cnt + o.skipped, 300);
	}
	for (size_t i = 0; i < log->seg_cnt; i++)
		assert_int_equal(unlink(index_path(log->segs[i].first)), 0);
	struct outline o = read_outline(NULL, 0);

	assert_int_equal(o.cnt, 300);
	log_close(log);
}

/* What the index names is damaged: the segment is read, and the damage told. */
static void test_damaged_frame(void **state)
{
	struct log *log = open_log(4096, 0, NULL);

	(void)state;
	append_marked(log, 0, 300);
	flip(segment_path(0), frame_offset(30) + LOG_FRAME_HDR_LEN + 9);
	struct outline o = read_outline(NULL, 0);

	assert_int_equal(o.damages, 1);
	assert_false(o.has[30]);
	o.has[30] = true;
	assert_outline_whole(&o, 300);
	log_close(log);
}

/* Frames cut off a segment that its index says to be longer. */
static void test_cut_segment(void **state)
{
	struct log *log = open_log(4096, 0, NULL);

	(void)state;
	append_marked(log, 0, 300);
	uint64_t second = log->segs[1].first;
	off_t size = size_of(segment_path(0));

	assert_int_equal(truncate(segment_path(0), size - 5), 0);
	struct outline o = read_outline(NULL, 0);

	assert_int_equal(o.damages, 1);
	assert_true(o.has[second]);
	log_close(log);
}

/* A killed writer's frames that no index names, and those of the next one. */
static void test_reopened(void **state)
{
	struct log *log = open_log(1 << 20, 0, NULL);

	(void)state;
	append_marked(log, 0, 95);
	log_free(log);
	log = open_log(1 << 20, 0, NULL);
	append_marked(log, 95, 200);
	struct outline o = read_outline(NULL, 0);

	assert_outline_whole(&o, 200);
	assert_int_equal(o.cnt + o.skipped, 200);
	assert_true(o.skipped > 80); /* behind the restart the index is used */
	log_free(log);
	/* Torn, and cut by the next writer. */
	assert_int_equal(truncate(segment_path(0), frame_offset(155) + 3), 0);
	log = open_log(1 << 20, 0, NULL);
	append_marked(log, 155, 300);
	o = read_outline(NULL, 0);
	assert_outline_whole(&o, 300);
	assert_int_equal(o.cnt + o.skipped, 300);
	log_close(log);
}

/* An index of what the disk never got, left by a power cut. */
static void test_index_beyond_the_segment(void **state)
{
	struct log *log = open_log(4096, 0, NULL);

	(void)state;
	append_marked(log, 0, 300);
	log_free(log);
	assert_int_equal(truncate(segment_path(0), frame_offset(50)), 0);
	struct outline o = read_outline(NULL, 0);

	assert_outline_whole(&o, 50);
	assert_false(o.has[50]);
}

static void test_goes_with_its_segment(void **state)
{
	struct log *log = open_log(4096, 16384, NULL);
	struct log_removed removed;

	(void)state;
	append_marked(log, 0, 1000);
	assert_int_equal(size_of(index_path(0)) > 0, 1);
	assert_int_equal(log_enforce_limit(log, &removed), 1);
	assert_int_equal(size_of(index_path(0)), -1);
	assert_int_equal(size_of(segment_path(0)), -1);
	log_close(log);
}

/* No index can be made: the log does not mind. */
static void test_no_index(void **state)
{
	struct log *log = open_log(4096, 0, NULL);

	(void)state;
	append_marked(log, 0, 10);
	uint64_t first = log_segment(log);

	assert_int_equal(unlink(index_path(first)), 0);
	assert_int_equal(mkdir(index_path(first), 0700), 0);
	append_marked(log, 10, 100);
	assert_int_equal(read_outline(NULL, 0).cnt, 100);
	assert_int_equal(rmdir(index_path(first)), 0);
	close(log->index.fd);
	log->index.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	append_marked(log, 100, 120);
	assert_int_equal(log->index.fd, -1);
	assert_int_equal(read_outline(NULL, 0).cnt, 120);
	log_close(log);
}

/* A segment is read in large pieces, not frame by frame. */
static void test_reads_ahead(void **state)
{
	struct log *log = open_log(1 << 20, 0, NULL);
	struct log_reader *r;
	struct log_pos pos;
	const uint8_t *p, *before;
	size_t len, before_len;

	(void)state;
	append_many(log, 0, 1000);
	r = open_reader(0);
	assert_int_equal(log_reader_next(r, &before, &before_len, &pos), 1);
	for (int i = 1; i < 1000; i++) {
		assert_int_equal(log_reader_next(r, &p, &len, &pos), 1);
		assert_ptr_equal(p, before + before_len + LOG_FRAME_HDR_LEN);
		before = p;
		before_len = len;
	}
	log_reader_close(r);
	log_close(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_only_what_is_named),
		LOG_TEST(test_followed),
		LOG_TEST(test_segments_that_are_wanted_whole),
		LOG_TEST(test_damaged_index),
		LOG_TEST(test_damaged_frame),
		LOG_TEST(test_cut_segment),
		LOG_TEST(test_reopened),
		LOG_TEST(test_index_beyond_the_segment),
		LOG_TEST(test_goes_with_its_segment),
		LOG_TEST(test_no_index),
		LOG_TEST(test_reads_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
