/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence log torn, flipped and forged: what is cut, what is told, what is read all the same.
 */
#include "tests/unit/log.h"

static void test_torn_tail_everywhere(void **state)
{
	off_t last = frame_offset(9), end = frame_offset(10);
	struct log *log;

	(void)state;
	for (off_t cut = last; cut < end; cut++) {
		struct log_recovery rec;

		log = open_log(1 << 20, 0, NULL);
		append_many(log, 0, 10);
		log_close(log);
		assert_int_equal(truncate(segment_path(0), cut), 0);
		if (cut == last)
			expect_log(0, 9);
		log = open_log(1 << 20, 0, &rec);
		assert_int_equal(rec.cut_bytes, cut - last);
		assert_int_equal(rec.corrupt_cnt, 0);
		assert_int_equal(rec.next_index, 9);
		assert_int_equal(size_of(segment_path(0)), last);
		append_many(log, 9, 20);
		log_close(log);
		expect_log(0, 20);
		remove_dir();
	}
}

static void test_reader_waits_at_torn_tail(void **state)
{
	off_t last = frame_offset(9), end = frame_offset(10);
	const struct log_damage *damage;
	struct log_reader *r;
	struct log *log = open_log(1 << 20, 0, NULL);

	(void)state;
	append_many(log, 0, 10);
	log_close(log);
	for (off_t cut = end - 1; cut > last; cut--) {
		assert_int_equal(truncate(segment_path(0), cut), 0);
		r = open_reader(0);
		expect_frames(r, 0, 9);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(next_result(r), 0);
			damage = log_reader_damage(r);
			assert_non_null(damage);
			assert_true(damage->at_tail);
			assert_int_equal(damage->offset, last);
			assert_int_equal(damage->bytes, cut - last);
			assert_int_equal(damage->next_index, 9);
		}
		if (cut > last + 1) {
			log_reader_close(r);
			continue;
		}
		/* The writer comes back: the same reader goes on. */
		log = open_log(1 << 20, 0, NULL);
		append_many(log, 9, 12);
		log_close(log);
		expect_frames(r, 9, 12);
		log_reader_close(r);
	}
}

/* A rest that a newer segment shows to be damage is told once, and the reader goes on behind it. */
static void test_torn_before_newer_segment(void **state)
{
	const struct log_damage *damage;
	struct log_reader *r;
	struct log *log = open_log(frame_offset(10), 0, NULL);

	(void)state;
	append_many(log, 0, 20);
	log_close(log);
	assert_int_equal(truncate(segment_path(0), frame_offset(8) + 5), 0);
	r = open_reader(0);
	expect_frames(r, 0, 8);
	assert_int_equal(next_result(r), -EBADMSG);
	damage = log_reader_damage(r);
	assert_string_equal(damage->file, "00000000000000000000.seg");
	assert_int_equal(damage->offset, frame_offset(8));
	assert_int_equal(damage->bytes, 5);
	assert_int_equal(damage->next_index, 10);
	assert_true(damage->at_tail);
	expect_frames(r, 10, 20);
	assert_int_equal(next_result(r), 0);
	log_reader_close(r);
}

static void expect_one_frame_skipped(uint64_t bad, uint64_t cnt)
{
	struct log_reader *r = open_reader(0);
	const struct log_damage *damage;

	expect_frames(r, 0, bad);
	assert_int_equal(next_result(r), -EBADMSG);
	damage = log_reader_damage(r);
	assert_non_null(damage);
	assert_string_equal(damage->file, "00000000000000000000.seg");
	assert_int_equal(damage->offset, frame_offset(bad));
	assert_int_equal(damage->bytes, frame_offset(bad + 1) - frame_offset(bad));
	assert_int_equal(damage->next_index, bad + 1);
	assert_false(damage->at_tail);
	expect_frames(r, bad + 1, cnt);
	assert_int_equal(next_result(r), 0);
	log_reader_close(r);
}

static void test_flip_each_byte_of_a_frame(void **state)
{
	struct log *log = open_log(1 << 20, 0, NULL);

	(void)state;
	append_many(log, 0, 20);
	log_close(log);
	for (off_t off = frame_offset(10); off < frame_offset(11); off++) {
		flip(segment_path(0), off);
		expect_one_frame_skipped(10, 20);
		flip(segment_path(0), off);
	}
	expect_log(0, 20);
	/* In a part that a reader passes over it is not told; from just before, it is. */
	flip(segment_path(0), frame_offset(10) + 20);
	expect_log(11, 20);
	expect_log(15, 20);
}

static void test_flip_each_byte_of_the_header(void **state)
{
	struct log *log = open_log(1 << 20, 0, NULL);
	struct log_recovery rec;

	(void)state;
	append_many(log, 0, 5);
	log_close(log);
	for (off_t off = 0; off < (off_t)LOG_SEG_HDR_LEN; off++) {
		struct log_reader *r;

		flip(segment_path(0), off);
		r = open_reader(0);
		assert_int_equal(next_result(r), -EBADMSG);
		assert_int_equal(log_reader_damage(r)->offset, 0);
		assert_int_equal(log_reader_damage(r)->bytes, LOG_SEG_HDR_LEN);
		assert_int_equal(log_reader_damage(r)->next_index, 0);
		expect_frames(r, 0, 5);
		log_reader_close(r);
		flip(segment_path(0), off);
	}
	flip(segment_path(0), 3);
	log_close(open_log(1 << 20, 0, &rec));
	assert_int_equal(rec.corrupt_cnt, 1);
	assert_true(rec.next_index > 5);
}

/* A damaged last segment is left alone; new frames get indexes that no lost one can have had. */
static void test_damaged_last_segment(void **state)
{
	struct log *log = open_log(1 << 20, 0, NULL);
	struct log_recovery rec;
	struct log_reader *r;
	off_t size;
	uint64_t next;

	(void)state;
	append_many(log, 0, 20);
	log_close(log);
	flip(segment_path(0), frame_offset(10) + 4);
	size = size_of(segment_path(0));
	log = open_log(1 << 20, 0, &rec);
	assert_int_equal(rec.corrupt_cnt, 1);
	assert_int_equal(rec.cut_bytes, 0);
	assert_true(rec.next_index >= 20);
	assert_int_equal(size_of(segment_path(0)), size);
	next = rec.next_index;
	append_many(log, next, next + 5);
	log_close(log);
	r = open_reader(0);
	expect_frames(r, 0, 10);
	assert_int_equal(next_result(r), -EBADMSG);
	expect_frames(r, 11, 20);
	expect_frames(r, next, next + 5);
	log_reader_close(r);
	/* Found again, and nothing more, at the next open; the new segment is gone on with. */
	log = open_log(1 << 20, 0, &rec);
	assert_int_equal(rec.corrupt_cnt, 1);
	assert_int_equal(rec.next_index, next + 5);
	log_close(log);
}

/* The last frame whole but wrong, or garbage behind it, is no torn write: kept, told, gone beyond.
 */
static void test_damaged_last_frame(void **state)
{
	struct log *log = open_log(1 << 20, 0, NULL);
	struct log_recovery rec;

	(void)state;
	append_many(log, 0, 20);
	log_close(log);
	flip(segment_path(0), frame_offset(20) - 1);
	log = open_log(1 << 20, 0, &rec);
	assert_int_equal(rec.corrupt_cnt, 1);
	assert_int_equal(rec.cut_bytes, 0);
	assert_true(rec.next_index >= 20);
	assert_int_equal(size_of(segment_path(0)), frame_offset(20));
	log_close(log);
}

static void test_garbage_behind_last_frame(void **state)
{
	struct log *log = open_log(1 << 20, 0, NULL);
	struct log_recovery rec;
	struct log_reader *r;
	uint64_t next;

	(void)state;
	append_many(log, 0, 5);
	log_close(log);
	assert_int_equal(truncate(segment_path(0), frame_offset(5) + 4096), 0); /* zeros */
	r = open_reader(0);
	expect_frames(r, 0, 5);
	assert_int_equal(next_result(r), 0);
	assert_int_equal(log_reader_damage(r)->bytes, 4096);
	log = open_log(1 << 20, 0, &rec);
	assert_int_equal(rec.corrupt_cnt, 1);
	assert_int_equal(rec.cut_bytes, 0);
	next = rec.next_index;
	assert_true(next > 5);
	append_many(log, next, next + 2);
	log_close(log);
	assert_int_equal(next_result(r), -EBADMSG);
	assert_int_equal(log_reader_damage(r)->bytes, 4096);
	assert_int_equal(log_reader_damage(r)->next_index, next);
	expect_frames(r, next, next + 2);
	log_reader_close(r);
}

static void test_damaged_earlier_segment(void **state)
{
	struct log *log = open_log(frame_offset(10), 0, NULL);
	struct log_recovery rec;

	(void)state;
	append_many(log, 0, 25);
	log_close(log);
	flip(segment_path(0), frame_offset(4) + 14);
	flip(segment_path(0), frame_offset(7) + 14);
	log = open_log(frame_offset(10), 0, &rec);
	assert_int_equal(rec.corrupt_cnt, 2);
	assert_int_equal(rec.next_index, 25);
	append_many(log, 25, 30);
	log_close(log);
}

static void test_power_cut_leaves_empty_segment(void **state)
{
	struct log *log = open_log(frame_offset(10), 0, NULL);
	struct log_recovery rec;

	(void)state;
	append_many(log, 0, 10);
	log_close(log);
	for (size_t len = 0; len < LOG_SEG_HDR_LEN; len++) {
		uint8_t hdr[LOG_SEG_HDR_LEN];

		log_make_segment_header(hdr, 10);
		write_file("00000000000000000010.seg", hdr, len);
		log = open_log(frame_offset(10), 0, &rec);
		assert_int_equal(rec.next_index, 10);
		assert_int_equal(rec.cut_bytes, len);
		assert_int_equal(rec.corrupt_cnt, 0);
		append_many(log, 10, 12);
		log_close(log);
		expect_log(0, 12);
	}
}

static void test_min_next_index(void **state)
{
	struct log_opts opts = {.segment_bytes = 1 << 20, .min_next_index = 100};
	struct log_recovery rec;
	struct log *log = open_log(1 << 20, 0, NULL);
	struct log_reader *r;

	(void)state;
	append_many(log, 0, 5);
	log_close(log);
	assert_int_equal(log_open(dir, &opts, &log, &rec), 0);
	assert_int_equal(rec.next_index, 100);
	append_many(log, 100, 103);
	log_close(log);
	r = open_reader(0);
	expect_frames(r, 0, 5);
	expect_frames(r, 100, 103);
	log_reader_close(r);
	expect_log(100, 103);
}

/* A payload that carries the bytes of a frame is not taken for one when the frame around is
 * damaged. */
static void test_frame_within_payload(void **state)
{
	struct log *log = open_log(1 << 20, 0, NULL);
	uint8_t inner[64] = LOG_FRAME_MAGIC;
	struct log_reader *r;

	(void)state;
	log_put_u32(inner + 4, 20);
	log_put_u32(inner + 8, log_frame_crc(inner, 0, LOG_SEG_HDR_LEN));
	assert_int_equal(log_append(log, inner, sizeof(inner), NULL), 0);
	append_many(log, 1, 3);
	log_close(log);
	flip(segment_path(0), LOG_SEG_HDR_LEN + 5);
	r = open_reader(0);
	assert_int_equal(next_result(r), -EBADMSG);
	assert_int_equal(log_reader_damage(r)->bytes, LOG_FRAME_HDR_LEN + sizeof(inner));
	expect_frames(r, 1, 3);
	log_reader_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_torn_tail_everywhere),
		LOG_TEST(test_reader_waits_at_torn_tail),
		LOG_TEST(test_torn_before_newer_segment),
		LOG_TEST(test_flip_each_byte_of_a_frame),
		LOG_TEST(test_flip_each_byte_of_the_header),
		LOG_TEST(test_damaged_last_segment),
		LOG_TEST(test_damaged_last_frame),
		LOG_TEST(test_garbage_behind_last_frame),
		LOG_TEST(test_damaged_earlier_segment),
		LOG_TEST(test_power_cut_leaves_empty_segment),
		LOG_TEST(test_min_next_index),
		LOG_TEST(test_frame_within_payload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
