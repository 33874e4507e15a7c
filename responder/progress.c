/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/progress.h"
#include "evidence/base.h"
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define LOOK_EACH   256				/* records: the clock is cheap, not free */
#define QUIET_NS    (1 * (int64_t)NSEC_PER_SEC) /* what is quick needs no line */
#define INTERVAL_NS (NSEC_PER_SEC / 4)

static struct {
	int fd;
	uint64_t record_cnt, byte_cnt;
	int64_t began_ns, shown_ns;
	bool is_shown;
} progress = {.fd = -1};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * (int64_t)NSEC_PER_SEC + ts.tv_nsec;
}

/* In one write. What does not arrive is no loss. */
static void put(const char *line)
{
	ssize_t n = write(progress.fd, line, strlen(line));

	(void)n;
}

static void show(int64_t now)
{
	double sec = (double)(now - progress.began_ns) / 1e9, mb = (double)progress.byte_cnt / 1e6;
	char line[160];

	snprintf(line, sizeof(line), "\r\033[Kvarve: read %" PRIu64 " records, %.0f MB, %.1f MB/s",
		 progress.record_cnt, mb, mb / sec);
	put(line);
	progress.is_shown = true;
	progress.shown_ns = now;
}

void progress_to(int fd)
{
	progress_done();
	progress.fd = fd;
}

void progress_step(size_t bytes)
{
	if (progress.fd < 0)
		return;
	progress.byte_cnt += bytes;
	if (progress.record_cnt++ % LOOK_EACH)
		return;
	int64_t now = now_ns();

	if (!progress.began_ns)
		progress.began_ns = now;
	if (now - progress.began_ns > QUIET_NS && now - progress.shown_ns > (int64_t)INTERVAL_NS)
		show(now);
}

void progress_done(void)
{
	if (progress.is_shown)
		put("\r\033[K");
	progress.is_shown = false;
	progress.record_cnt = progress.byte_cnt = 0;
	progress.began_ns = progress.shown_ns = 0;
}
