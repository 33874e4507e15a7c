/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence log, written, read, followed, released; and what it refuses. */
#include "tests/unit/log.h"

static void test_append_and_read(void **state)
{
	struct log_recovery rec;
	struct log *log = open_log(1 << 20, 0, &rec);

	(void)state;
	assert_int_equal(rec.next_index, 0);
	assert_int_equal(rec.cut_bytes, 0);
	assert_int_equal(rec.corrupt_cnt, 0);
	expect_log(0, 0);
	append(log, 0);
	expect_log(0, 0); /* not flushed: not seen */
	append_many(log, 1, 100);
	assert_int_equal(log_sync(log), 0);
	assert_int_equal(log_next_index(log), 100);
	assert_int_equal(log_first_index(log), 0);
	assert_int_equal(log_size_bytes(log), frame_offset(100) + size_of(index_path(0)));
	expect_log(0, 100);
	expect_log(57, 100);
	log_close(log);
	expect_log(0, 100);
	assert_int_equal(size_of(path_of("format")), strlen(LOG_FORMAT_TEXT));
}

static void test_makes_directory(void **state)
{
	struct log *log;

	(void)state;
	rmdir(dir);
	log = open_log(1 << 20, 0, NULL);
	append_many(log, 0, 3);
	log_close(log);
	expect_log(0, 3);
}

static void test_payload_sizes(void **state)
{
	static uint8_t big[LOG_FRAME_MAX + 1];
	struct log *log = open_log(1 << 22, 0, NULL);
	struct log_reader *r;
	struct log_pos pos;
	const uint8_t *p;
	size_t len;

	(void)state;
	memset(big, 0x5a, sizeof(big));
	assert_int_equal(log_append(log, big, 0, NULL), -EINVAL);
	assert_int_equal(log_append(log, big, LOG_FRAME_MAX + 1, NULL), -EMSGSIZE);
	assert_int_equal(log_append(log, big, LOG_FRAME_MAX, NULL), 0);
	assert_int_equal(log_append(log, big, 1, NULL), 0);
	assert_int_equal(log_append(log, big, LOG_FRAME_MAX, NULL), 0);
	assert_int_equal(log_next_index(log), 3);
	log_close(log);
	r = open_reader(0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(log_reader_next(r, &p, &len, &pos), 1);
		assert_int_equal(len, i == 1 ? 1 : LOG_FRAME_MAX);
		assert_memory_equal(p, big, len);
	}
	assert_int_equal(next_result(r), 0);
	log_reader_close(r);
}

static void test_buffer_flushes_itself(void **state)
{
	struct log_opts opts = {.segment_bytes = 1 << 20, .buffer_bytes = 256};
	struct log_recovery rec;
	struct log *log;

	(void)state;
	assert_int_equal(log_open(dir, &opts, &log, &rec), 0);
	for (uint64_t i = 0; i < 100; i++)
		append(log, i);
	assert_in_range(size_of(segment_path(0)), frame_offset(90) - 256, frame_offset(100) - 1);
	log_close(log);
	expect_log(0, 100);
}

static void test_roll_and_reopen(void **state)
{
	struct log_recovery rec;

	(void)state;
	for (uint64_t run = 0; run < 10; run++) {
		struct log *log = open_log(512, 0, &rec);

		assert_int_equal(rec.next_index, run * 50);
		assert_int_equal(rec.corrupt_cnt, 0);
		assert_int_equal(rec.cut_bytes, 0);
		append_many(log, run * 50, run * 50 + 50);
		if (run % 2)
			assert_int_equal(log_sync(log), 0);
		log_close(log);
		expect_log(0, run * 50 + 50);
	}
	for (uint64_t from = 0; from <= 500; from += 7)
		expect_log(from, 500);
	assert_true(size_of(segment_path(0)) <= 512);
}

static void test_many_segments_unsynced(void **state)
{
	struct log *log = open_log(1, 0, NULL); /* a segment for each frame */

	(void)state;
	append_many(log, 0, 3 * LOG_UNSYNCED_MAX);
	log_close(log);
	log = open_log(1, 0, NULL);
	append_many(log, 3 * LOG_UNSYNCED_MAX, 4 * LOG_UNSYNCED_MAX);
	assert_int_equal(log_sync(log), 0);
	assert_int_equal(log_release(log, 2 * LOG_UNSYNCED_MAX), 0);
	log_close(log);
	expect_log(2 * LOG_UNSYNCED_MAX, 4 * LOG_UNSYNCED_MAX);
}

static void test_follow(void **state)
{
	struct log *log = open_log(300, 0, NULL);
	struct log_reader *r = open_reader(0);

	(void)state;
	assert_int_equal(next_result(r), 0);
	for (uint64_t i = 0; i < 200; i++) {
		append_many(log, i, i + 1);
		expect_frames(r, i, i + 1);
		assert_int_equal(next_result(r), 0);
	}
	log_reader_close(r);
	r = open_reader(205); /* what is not there yet */
	assert_int_equal(next_result(r), 0);
	append_many(log, 200, 210);
	expect_frames(r, 205, 210);
	log_reader_close(r);
	log_close(log);
}

static void test_follow_another_process(void **state)
{
	struct log *log = open_log(4000, 0, NULL);
	struct log_reader *r = open_reader(0);
	uint64_t i = 0;
	time_t deadline = time(NULL) + 60;
	pid_t pid = fork();
	int status, n;

	(void)state;
	if (!pid) {
		for (uint64_t k = 0; k < 20000; k++) {
			uint8_t buf[64];

			if (log_append(log, buf, make_payload(k, buf), NULL) ||
			    (k % 7 == 0 && log_flush(log)))
				_exit(1);
		}
		_exit(log_flush(log) ? 1 : 0);
	}
	while (i < 20000 && time(NULL) < deadline) {
		struct log_pos pos;
		const uint8_t *p;
		size_t len;

		n = log_reader_next(r, &p, &len, &pos);
		assert_in_range(n, 0, 1);
		if (!n)
			continue;
		assert_int_equal(pos.index, i);
		expect_payload(p, len, i++);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(i, 20000);
	log_reader_close(r);
	log_free(log); /* the child has written with its descriptors: nothing of ours */
}

/* Writes of many pages, which a reader can come into the middle of. */
static void test_follow_large_writes(void **state)
{
	enum { FRAME_CNT = 6000, FRAME_LEN = 9000 };
	struct log *log = open_log(64 << 20, 0, NULL);
	struct log_reader *r = open_reader(0);
	static uint8_t payload[FRAME_LEN];
	time_t deadline = time(NULL) + 60;
	uint64_t i = 0;
	pid_t pid = fork();
	int status, n;

	(void)state;
	if (!pid) {
		for (uint64_t k = 0; k < FRAME_CNT; k++) {
			memcpy(payload, &k, sizeof(k));
			if (log_append(log, payload, sizeof(payload), NULL) ||
			    (k % 20 == 0 && log_flush(log)))
				_exit(1);
		}
		_exit(log_flush(log) ? 1 : 0);
	}
	while (i < FRAME_CNT && time(NULL) < deadline) {
		struct log_pos pos;
		const uint8_t *p;
		size_t len;

		n = log_reader_next(r, &p, &len, &pos);
		assert_in_range(n, 0, 1); /* nothing is damaged */
		if (!n)
			continue;
		assert_int_equal(len, FRAME_LEN);
		assert_memory_equal(p, &i, sizeof(i));
		i++;
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(i, FRAME_CNT);
	log_reader_close(r);
	log_free(log); /* the child has written with its descriptors: nothing of ours */
}

static void test_release(void **state)
{
	struct log *log = open_log(frame_offset(10), 0, NULL);
	struct log_reader *r;

	(void)state;
	append_many(log, 0, 35);
	r = open_reader(0);
	expect_frames(r, 0, 2);
	assert_int_equal(log_release(log, 9), 0);
	assert_int_equal(log_first_index(log), 0);
	assert_int_equal(log_release(log, 35), 0);
	assert_true(log_first_index(log) >= 20);
	assert_true(log_first_index(log) < 35);
	assert_int_equal(size_of(segment_path(0)), -1);
	assert_int_equal(log_size_bytes(log), size_of_log());
	/* The reader has its file still, then goes on where the log does. */
	expect_frames(r, 2, 10);
	expect_frames(r, log_first_index(log), 35);
	assert_int_equal(next_result(r), 0);
	log_reader_close(r);
	r = open_reader(0);
	expect_frames(r, log_first_index(log), 35);
	log_reader_close(r);
	append_many(log, 35, 40);
	log_close(log);
}

static void test_limit(void **state)
{
	struct log_removed removed = {0};
	struct log *log = open_log(400, 2000, NULL);
	uint64_t gone = 0, i = 0;
	int r;

	(void)state;
	assert_int_equal(log_enforce_limit(log, &removed), 0);
	for (; i < 500; i++) {
		append(log, i);
		while ((r = log_enforce_limit(log, &removed)) == 1) {
			assert_int_equal(removed.first.index, gone);
			assert_int_equal(removed.first.segment, gone);
			assert_int_equal(removed.first.offset, LOG_SEG_HDR_LEN);
			gone += removed.frame_cnt;
			assert_int_equal(log_first_index(log), gone);
		}
		assert_int_equal(r, 0);
		assert_true(log_size_bytes(log) <= 2000);
		assert_int_equal(log_flush(log), 0);
		assert_int_equal(log_size_bytes(log), size_of_log());
	}
	assert_true(gone > 300);
	log_close(log);
	expect_log(gone, 500);
	log = open_log(400, 1, NULL); /* never the segment that is written */
	while (log_enforce_limit(log, &removed) == 1)
		gone = removed.first.index + removed.frame_cnt;
	assert_int_equal(log_first_index(log), gone);
	log_close(log);
	expect_log(gone, 500);
}

static int open_error(const char *path)
{
	struct log_opts opts = {.segment_bytes = 1 << 20};
	struct log *log = (void *)-1;
	struct log_recovery rec;
	int err = log_open(path, &opts, &log, &rec);

	assert_ptr_equal(log, (void *)-1);
	return err;
}

static int reader_error(const char *path)
{
	struct log_reader *r = (void *)-1;
	int err = log_reader_open(path, 0, &r);

	assert_ptr_equal(r, (void *)-1);
	return err;
}

static void test_two_writers(void **state)
{
	struct log *log = open_log(1 << 20, 0, NULL);

	(void)state;
	append_many(log, 0, 3);
	assert_int_equal(open_error(dir), -EWOULDBLOCK);
	append_many(log, 3, 5);
	log_close(log);
	log_close(open_log(1 << 20, 0, NULL));
	expect_log(0, 5);
}

static void test_other_version(void **state)
{
	(void)state;
	write_text("format", "varve evidence log 2\n");
	assert_int_equal(open_error(dir), -EPROTO);
	assert_int_equal(reader_error(dir), -EPROTO);
	write_text("format", "\x1b[2Jsomething else");
	assert_int_equal(open_error(dir), -EPROTO);
	write_text("format", "");
	assert_int_equal(open_error(dir), -EPROTO);
	assert_int_equal(size_of(path_of("lock")), -1);
}

static void test_foreign_directory(void **state)
{
	(void)state;
	assert_int_equal(reader_error(dir), -ENOENT);
	write_text("passwd", "root:x:0:0\n");
	assert_int_equal(open_error(dir), -ENOTEMPTY);
	assert_int_equal(reader_error(dir), -ENOTEMPTY);
	assert_int_equal(size_of(path_of("lock")), -1);
	assert_int_equal(size_of(path_of("format")), -1);
}

static void test_unwritable(void **state)
{
	char path[160];

	(void)state;
	write_text("file", "x");
	snprintf(path, sizeof(path), "%s/file/log", dir);
	assert_int_equal(open_error(path), -ENOTDIR);
	assert_int_equal(reader_error(path), -ENOTDIR);
	snprintf(path, sizeof(path), "%s/file", dir);
	assert_int_equal(open_error(path), -ENOTDIR);
	snprintf(path, sizeof(path), "%s/none/log", dir);
	assert_int_equal(open_error(path), -ENOENT);
	assert_int_equal(reader_error(path), -ENOENT);
	assert_int_equal(open_error("/proc/1"), -ENOTEMPTY);
}

static void test_interrupted_first_start(void **state)
{
	(void)state;
	write_text("lock", "");
	write_text("format.tmp", "varve ev");
	log_close(open_log(1 << 20, 0, NULL));
	write_text("segment.tmp", "VARV");
	log_close(open_log(1 << 20, 0, NULL));
	expect_log(0, 0);
}

/* A responder's directory may hold anything under a segment's name. */
static void test_not_a_file(void **state)
{
	(void)state;
	log_close(open_log(1 << 20, 0, NULL));
	assert_int_equal(mkfifo(path_of("00000000000000000005.seg"), 0600), 0);
	assert_int_equal(mkdir(path_of("00000000000000000006.seg"), 0700), 0);
	write_text("99999999999999999999.seg", "beyond 63 bits");
	write_text("0.seg", "no name of ours");
	expect_log(0, 0);
	unlink(path_of("format"));
	assert_int_equal(mkfifo(path_of("format"), 0600), 0);
	assert_int_equal(reader_error(dir), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_append_and_read),
		LOG_TEST(test_makes_directory),
		LOG_TEST(test_payload_sizes),
		LOG_TEST(test_buffer_flushes_itself),
		LOG_TEST(test_roll_and_reopen),
		LOG_TEST(test_many_segments_unsynced),
		LOG_TEST(test_follow),
		LOG_TEST(test_follow_another_process),
		LOG_TEST(test_follow_large_writes),
		LOG_TEST(test_release),
		LOG_TEST(test_limit),
		LOG_TEST(test_two_writers),
		LOG_TEST(test_other_version),
		LOG_TEST(test_foreign_directory),
		LOG_TEST(test_unwritable),
		LOG_TEST(test_interrupted_first_start),
		LOG_TEST(test_not_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
