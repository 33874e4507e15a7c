/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz entry: the input is a segment of a log. It is read through, then recovered and written to,
 * then read again. With an odd first byte the CRCs are made right first, so that what lies behind
 * them is reached; the first byte itself is replaced by the header's.
 */
#include "evidence/base.h"
#include "evidence/crc32c.h"
#include "evidence/diag.h"
#include "evidence/log_format.h"
#include <fcntl.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/varve-fuzz-XXXXXX";
static const char *const names[] = {"format", "lock", "segment.tmp"};
#define SEGMENT "00000000000000000000.seg"

/* Removes what a round left: files of any segment. */
static void clean(int dirfd)
{
	_cleanup_free_ uint64_t *firsts = NULL;
	char name[LOG_NAME_SIZE];
	size_t cnt;

	if (log_dir_list(dirfd, &firsts, &cnt))
		abort();
	for (size_t i = 0; i < cnt; i++) {
		log_segment_name(name, firsts[i]);
		unlinkat(dirfd, name, 0);
	}
}

static void remove_all(void)
{
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY);

	clean(dirfd);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(dirfd, names[i], 0);
	close(dirfd);
	rmdir(dir);
}

static int open_work_dir(void)
{
	static int dirfd = -1;

	if (dirfd >= 0)
		return dirfd;
	diag_init("fuzz", DIAG_ERROR);
	if (!mkdtemp(dir))
		abort();
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 || log_dir_make_format(dirfd))
		abort();
	atexit(remove_all);
	return dirfd;
}

/* Makes the CRC of whatever has a frame's shape right. */
static void repair(uint8_t *data, size_t size)
{
	if (size >= LOG_SEG_HDR_LEN)
		log_make_segment_header(data, 0);
	for (size_t off = LOG_SEG_HDR_LEN; off + LOG_FRAME_HDR_LEN < size; off++) {
		uint32_t len = log_get_u32(data + off + 4);

		if (memcmp(data + off, LOG_FRAME_MAGIC, 4) != 0 || !len ||
		    len > size - off - LOG_FRAME_HDR_LEN)
			continue;
		log_put_u32(data + off + 8, log_frame_crc(data + off, 0, off));
		off += LOG_FRAME_HDR_LEN + len - 1;
	}
}

static void write_segment(int dirfd, const uint8_t *data, size_t size)
{
	int fd = openat(dirfd, SEGMENT, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

/* Reads to the end; returns the number of frames. Each call must get on. */
static uint64_t read_through(size_t size)
{
	struct log_reader *reader;
	struct log_pos pos, last = {0};
	const uint8_t *payload;
	uint64_t frames = 0, calls = 0, sum = 0;
	size_t len;
	int r;

	if (log_reader_open(dir, 0, &reader))
		abort();
	while ((r = log_reader_next(reader, &payload, &len, &pos)) == 1 || r == -EBADMSG) {
		if (calls++ > size + 10)
			abort();
		if (r == -EBADMSG && !log_reader_damage(reader)->bytes)
			abort();
		if (r == -EBADMSG)
			continue;
		if (frames++ && pos.index <= last.index)
			abort();
		last = pos;
		sum += payload[0] + payload[len - 1]; /* all of it can be touched */
	}
	if (r)
		abort();
	log_reader_close(reader);
	return frames + (sum == UINT64_MAX);
}

/* A writer goes on behind it: nothing readable is lost, and the new frame is read. */
static void write_behind(uint64_t frames, size_t size)
{
	struct log_opts opts = {.segment_bytes = 1 << 20};
	struct log_recovery recovery;
	struct log *log;
	uint64_t index;

	if (log_open(dir, &opts, &log, &recovery) || recovery.next_index < frames)
		abort();
	if (log_append(log, "x", 1, &index) || index != recovery.next_index || log_flush(log))
		abort();
	log_close(log);
	if (read_through(size + 100) != frames + 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int dirfd = open_work_dir();
	_cleanup_free_ uint8_t *copy = malloc(size + 1);

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	if (size && data[0] & 1)
		repair(copy, size);
	else if (size)
		copy[0] = LOG_SEG_MAGIC[0];
	write_segment(dirfd, copy, size);
	write_behind(read_through(size), size);
	clean(dirfd);
	return 0;
}
