/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence log's writer without space, and killed. */
#include "tests/unit/log.h"

static void limit_file_size(rlim_t max)
{
	struct rlimit rl;

	getrlimit(RLIMIT_FSIZE, &rl);
	rl.rlim_cur = max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &rl), 0);
}

/* A write that ends in the middle of a frame: the rest waits, a reader waits, the next flush
 * completes. */
static void test_short_write(void **state)
{
	struct log *log = open_log(1 << 20, 0, NULL);
	struct log_reader *r;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	append_many(log, 0, 10);
	r = open_reader(0);
	for (uint64_t i = 10; i < 30; i++)
		append(log, i);
	for (off_t max = frame_offset(12) + 1; max < frame_offset(14); max++) {
		limit_file_size((rlim_t)max);
		assert_int_equal(log_flush(log), -EFBIG);
		assert_int_equal(log_flush(log), -EFBIG);
		assert_int_equal(log_sync(log), -EFBIG);
		limit_file_size(RLIM_INFINITY);
		assert_int_equal(size_of(segment_path(0)), max);
		assert_int_equal(log_size_bytes(log), frame_offset(30) + size_of(index_path(0)));
	}
	expect_frames(r, 0, 13);
	assert_int_equal(next_result(r), 0);
	append(log, 30);
	assert_int_equal(log_flush(log), 0);
	expect_frames(r, 13, 31);
	log_reader_close(r);
	log_close(log);
	expect_log(0, 31);
}

/* Full for good: frames are refused, none is half taken, and after a restart the log is whole. */
static void test_full_then_restart(void **state)
{
	struct log_opts opts = {.segment_bytes = 1 << 20, .buffer_bytes = 128};
	struct log_recovery rec;
	struct log *log;
	uint8_t buf[64];
	uint64_t i = 0;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(log_open(dir, &opts, &log, &rec), 0);
	limit_file_size((rlim_t)frame_offset(50) + 7);
	for (int n = 0; n < 1000; n++)
		i += !log_append(log, buf, make_payload(i, buf), NULL);
	assert_in_range(i, 50, 60);
	assert_int_equal(log_append(log, buf, make_payload(i, buf), NULL), -EFBIG);
	assert_int_equal(log_next_index(log), i);
	log_close(log);
	limit_file_size(RLIM_INFINITY);
	log = open_log(1 << 20, 0, &rec);
	assert_int_equal(rec.next_index, 50);
	assert_int_equal(rec.cut_bytes, 7);
	append_many(log, 50, 60);
	log_close(log);
	expect_log(0, 60);
}

/* What must not be lost finds place while nothing can be written, also at a roll; then all is in order. */
static void test_spare(void **state)
{
	struct log_opts opts = {.segment_bytes = (uint64_t)frame_offset(60), .buffer_bytes = 128};
	struct log_recovery rec;
	struct log *log;
	uint8_t buf[64];
	uint64_t i = 0;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(log_open(dir, &opts, &log, &rec), 0);
	limit_file_size((rlim_t)frame_offset(50) + 7);
	for (int n = 0; n < 1000; n++)
		i += !log_append(log, buf, make_payload(i, buf), NULL);
	for (int n = 0; n < 100; n++, i++) {
		assert_int_equal(log_append_spare(log, buf, make_payload(i, buf), NULL), 0);
		assert_int_equal(log_append(log, buf, make_payload(i + 1, buf), NULL), -EFBIG);
	}
	/* It has an end. */
	while (!log_append_spare(log, buf, make_payload(i, buf), NULL))
		i++;
	assert_in_range(i, 10000, 60000);
	limit_file_size(RLIM_INFINITY);
	append_many(log, i, i + 10);
	log_close(log);
	expect_log(0, i + 10);
	log = open_log(1 << 20, 0, &rec);
	assert_int_equal(rec.next_index, i + 10);
	assert_int_equal(rec.corrupt_cnt, 0);
	log_close(log);
}

/* A roll that fails refuses the frame and leaves the log as it was; later it goes on. */
static void test_roll_fails(void **state)
{
	struct log *log = open_log(frame_offset(10), 0, NULL);
	uint8_t buf[64];
	off_t size;

	(void)state;
	append_many(log, 0, 10);
	assert_int_equal(mkdir(path_of("segment.tmp"), 0700), 0);
	assert_int_equal(log_append(log, buf, make_payload(10, buf), NULL), -EISDIR);
	size = size_of(index_path(0));
	for (int n = 0; n < 3; n++)
		assert_int_equal(log_append(log, buf, make_payload(10, buf), NULL), -EISDIR);
	assert_int_equal(size_of(index_path(0)), size);
	assert_int_equal(log_next_index(log), 10);
	assert_int_equal(rmdir(path_of("segment.tmp")), 0);
	append_many(log, 10, 25);
	log_close(log);
	expect_log(0, 25);
}

/* Appends until killed; after each flush it says through the pipe how far that is. */
static void write_until_killed(uint64_t i, int out)
{
	struct log_opts opts = {.segment_bytes = 5000, .buffer_bytes = 700};
	struct log_recovery rec;
	struct log *log;
	uint8_t buf[64];

	if (log_open(dir, &opts, &log, &rec) || rec.next_index < i)
		_exit(1);
	for (i = rec.next_index;; i++) {
		if (log_append(log, buf, make_payload(i, buf), NULL))
			_exit(1);
		if (i % 5 == 0) {
			uint64_t next = i + 1;

			if (log_flush(log) || write(out, &next, sizeof(next)) != sizeof(next))
				_exit(1);
		}
	}
}

/* Lets a writer run for a while and kills it; returns what it had flushed for sure. */
static uint64_t run_and_kill(uint64_t flushed, unsigned int usec)
{
	uint64_t next;
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		close(fds[0]);
		write_until_killed(flushed, fds[1]);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &next, sizeof(next)), sizeof(next));
	flushed = next;
	fcntl(fds[0], F_SETPIPE_SZ, 1 << 20);
	usleep(usec);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	while (read(fds[0], &next, sizeof(next)) == sizeof(next))
		flushed = next;
	close(fds[0]);
	return flushed;
}

static void test_kill_writer(void **state)
{
	uint64_t flushed = 0, before = 0;
	struct log_recovery rec;

	(void)state;
	for (unsigned int i = 0; i < 50; i++) {
		flushed = run_and_kill(flushed, 200 + i * 97);
		assert_true(flushed > before);
		log_close(open_log(5000, 0, &rec));
		assert_int_equal(rec.corrupt_cnt, 0);
		assert_true(rec.next_index >= flushed);
		expect_log(before, rec.next_index);
		before = flushed = rec.next_index;
	}
	expect_log(0, before);
}

/* Somebody removed it all under the writer: what was written is gone when it ends. */
static void test_removed(void **state)
{
	struct log *log = open_log(1 << 20, 0, NULL);

	(void)state;
	append_many(log, 0, 10);
	assert_int_equal(log_sync(log), 0);
	assert_int_equal(unlink(segment_path(0)), 0);
	assert_int_equal(log_sync(log), -ENOENT);
	log_close(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_short_write),
		LOG_TEST(test_full_then_restart),
		LOG_TEST(test_spare),
		LOG_TEST(test_roll_fails),
		LOG_TEST(test_removed),
		LOG_TEST(test_kill_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
