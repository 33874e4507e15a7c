/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the evidence log share: a directory for each, numbered frames, and reading them
 * back. */
#ifndef VARVE_TESTS_LOG_H
#define VARVE_TESTS_LOG_H

#include "evidence/base.h"
#include "evidence/log_format.h"
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>

static char dir[64];

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void remove_dir(void)
{
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/varve-log-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static inline int teardown(void **state)
{
	(void)state;
	remove_dir();
	return 0;
}

/* --- helpers */

static inline const char *path_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static inline const char *segment_path(uint64_t first)
{
	char name[LOG_NAME_SIZE];

	log_segment_name(name, first);
	return path_of(name);
}

static inline const char *index_path(uint64_t first)
{
	char name[LOG_NAME_SIZE];

	log_index_name(name, first);
	return path_of(name);
}

static inline off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : st.st_size;
}

/* Of all segments and indexes. */
static inline uint64_t size_of_log(void)
{
	uint64_t size = 0;
	struct dirent *d;
	DIR *list = opendir(dir);

	assert_non_null(list);
	while ((d = readdir(list))) {
		const char *dot = strrchr(d->d_name, '.');

		if (dot && (!strcmp(dot, ".seg") || !strcmp(dot, ".idx")))
			size += (uint64_t)size_of(path_of(d->d_name));
	}
	closedir(list);
	return size;
}

static inline struct log *open_log(uint64_t segment_bytes, uint64_t limit, struct log_recovery *rec)
{
	struct log_opts opts = {.segment_bytes = segment_bytes, .limit_bytes = limit};
	struct log_recovery unused;
	struct log *log = NULL;

	assert_int_equal(log_open(dir, &opts, &log, rec ? rec : &unused), 0);
	return log;
}

/* Payload number i: its number, and so many bytes that its length tells it, too. */
static inline size_t make_payload(uint64_t i, uint8_t *buf)
{
	size_t len = 8 + i % 23;

	memset(buf, (int)('a' + i % 26), len);
	log_put_u64(buf, i);
	return len;
}

static inline void append(struct log *log, uint64_t i)
{
	uint8_t buf[64];
	uint64_t index;

	assert_int_equal(log_append(log, buf, make_payload(i, buf), &index), 0);
	assert_int_equal(index, i);
}

static inline void append_many(struct log *log, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++)
		append(log, i);
	assert_int_equal(log_flush(log), 0);
}

static inline void expect_payload(const uint8_t *p, size_t len, uint64_t i)
{
	uint8_t buf[64];

	assert_int_equal(len, make_payload(i, buf));
	assert_memory_equal(p, buf, len);
}

static inline struct log_reader *open_reader(uint64_t from)
{
	struct log_reader *r = NULL;

	assert_int_equal(log_reader_open(dir, from, &r), 0);
	return r;
}

/* Reads frames from .. to-1, each with its index. */
static inline void expect_frames(struct log_reader *r, uint64_t from, uint64_t to)
{
	struct log_pos pos;
	const uint8_t *p;
	size_t len;

	for (uint64_t i = from; i < to; i++) {
		assert_int_equal(log_reader_next(r, &p, &len, &pos), 1);
		assert_int_equal(pos.index, i);
		assert_true(pos.segment <= i);
		assert_true(pos.offset >= LOG_SEG_HDR_LEN);
		expect_payload(p, len, i);
		assert_null(log_reader_damage(r));
	}
}

static inline int next_result(struct log_reader *r)
{
	struct log_pos pos;
	const uint8_t *p;
	size_t len;

	return log_reader_next(r, &p, &len, &pos);
}

static inline void expect_log(uint64_t from, uint64_t to)
{
	struct log_reader *r = open_reader(from);

	expect_frames(r, from, to);
	assert_int_equal(next_result(r), 0);
	assert_null(log_reader_damage(r));
	log_reader_close(r);
}

/* Offset of frame i in a segment that begins with frame 0. */
static inline off_t frame_offset(uint64_t i)
{
	off_t off = LOG_SEG_HDR_LEN;
	uint8_t buf[64];

	for (uint64_t k = 0; k < i; k++)
		off += LOG_FRAME_HDR_LEN + (off_t)make_payload(k, buf);
	return off;
}

static inline void flip(const char *path, off_t off)
{
	int fd = open(path, O_RDWR);
	uint8_t b;

	assert_int_equal(pread(fd, &b, 1, off), 1);
	b ^= 0x20;
	assert_int_equal(pwrite(fd, &b, 1, off), 1);
	close(fd);
}

static inline void write_file(const char *name, const void *data, size_t len)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static inline void write_text(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
