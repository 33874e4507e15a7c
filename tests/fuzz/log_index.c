/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz entry: the input is the index of a segment that is whole. Whatever it says, only frames of
 * the segment are given, each once and in order, and reading ends. With an odd first byte header
 * and CRCs are made right first, so that what lies behind them is reached.
 */
#include "evidence/base.h"
#include "evidence/crc32c.h"
#include "evidence/diag.h"
#include "evidence/log_format.h"
#include <fcntl.h>

#define FRAMES 64
#define INDEX  "00000000000000000000.idx"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/varve-fuzz-XXXXXX";

static void remove_all(void)
{
	static const char *const names[] = {"format", "lock", INDEX, "00000000000000000000.seg"};
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(dirfd, names[i], 0);
	close(dirfd);
	rmdir(dir);
}

/* Payload i is i + 1 times the byte i. */
static int open_work_dir(void)
{
	const struct log_opts opts = {.segment_bytes = 1 << 20};
	struct log_recovery recovery;
	static int dirfd = -1;
	uint8_t payload[FRAMES];
	struct log *log;

	if (dirfd >= 0)
		return dirfd;
	diag_init("fuzz", DIAG_ERROR);
	if (!mkdtemp(dir) || log_open(dir, &opts, &log, &recovery))
		abort();
	for (int i = 0; i < FRAMES; i++) {
		memset(payload, i, sizeof(payload));
		if (log_append(log, payload, (size_t)i + 1, NULL))
			abort();
	}
	log_close(log);
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	atexit(remove_all);
	return dirfd;
}

static void repair(uint8_t *data, size_t size)
{
	uint8_t place[16] = {0};

	if (size < LOG_SEG_HDR_LEN)
		return;
	log_make_segment_header(data, 0);
	memcpy(data, LOG_INDEX_MAGIC, 8);
	log_put_u32(data + 28, crc32c(0, data, 28));
	for (uint64_t i = 0; LOG_SEG_HDR_LEN + (i + 1) * LOG_ENTRY_LEN <= size; i++) {
		uint8_t *entry = data + LOG_SEG_HDR_LEN + i * LOG_ENTRY_LEN;

		log_put_u64(place + 8, i);
		log_put_u32(entry + 20, crc32c(crc32c(0, place, 16), entry, LOG_ENTRY_LEN - 4));
	}
}

static void read_outline(void)
{
	struct log_reader *reader;
	struct log_pos pos;
	const uint8_t *payload;
	int r, last = -1;
	size_t len;

	if (log_reader_open_outline(dir, NULL, 0, &reader))
		abort();
	while ((r = log_reader_next(reader, &payload, &len, &pos)) == 1) {
		if (len != payload[0] + 1u || payload[len - 1] != payload[0] || payload[0] <= last)
			abort();
		last = payload[0];
	}
	if (r)
		abort();
	log_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int dirfd = open_work_dir(), fd;
	_cleanup_free_ uint8_t *copy = malloc(size + 1);

	if (!copy || !size)
		return 0;
	memcpy(copy, data, size);
	if (data[0] & 1)
		repair(copy, size);
	fd = openat(dirfd, INDEX, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, copy, size) != (ssize_t)size)
		abort();
	close(fd);
	read_outline();
	return 0;
}
