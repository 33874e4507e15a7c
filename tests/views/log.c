/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log DIR: a log directory of the payloads on standard input, each behind its length (four bytes,
 * little endian). What tests/views/records.py makes.
 */
#include "evidence/base.h"
#include "evidence/log.h"

static bool read_exactly(void *buf, size_t len)
{
	return fread(buf, 1, len, stdin) == len;
}

int main(int argc, char **argv)
{
	static uint8_t payload[LOG_FRAME_MAX];
	struct log_opts opts = {.segment_bytes = 64 << 20};
	struct log_recovery recovery;
	struct log *log;
	uint32_t len;

	if (argc != 2 || log_open(argv[1], &opts, &log, &recovery))
		return 1;
	while (read_exactly(&len, sizeof(len))) {
		if (len > sizeof(payload) || !read_exactly(payload, len) ||
		    log_append(log, payload, len, NULL))
			return 1;
	}
	log_close(log);
	return 0;
}
