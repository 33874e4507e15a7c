/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/snapshot.h"
#include "evidence/diag.h"
#include "sensor/events/fill.h"
#include "sensor/probes.h"
#include "sensor/record.h"
#include <fcntl.h>
#include <string.h>

#define ARGS_READ_MAX 8192

int snapshot_processes(const struct probes *probes, ring_fn fn, void *ctx)
{
	_cleanup_free_ char *buf = malloc(2 * EV_REC_MAX);
	_cleanup_close_ int fd = -1;
	size_t have = 0, at;
	ssize_t n;
	__u32 len;
	int err;

	if (!buf)
		return -ENOMEM;
	err = probes_snapshot_open(probes, &fd);
	if (err)
		return err;
	while ((n = read(fd, buf + have, 2 * EV_REC_MAX - have)) > 0) {
		have += n;
		for (at = 0; have - at >= sizeof(len); at += len) {
			memcpy(&len, buf + at, sizeof(len)); /* ev_hdr.len comes first */
			if (len < sizeof(struct ev_hdr) || len > EV_REC_MAX)
				return log_err(-EBADMSG,
					       "the snapshot of running processes is malformed");
			if (have - at < len)
				break;
			fn(buf + at, len, ctx);
		}
		memmove(buf, buf + at, have - at);
		have -= at;
	}
	return n < 0 ? log_err(-errno, "cannot read the snapshot of running processes") : 0;
}

/* Field 22 of /proc/PID/stat: start in ticks since boot. The name in field 2 may hold anything, so
 * count from its end. */
static int start_ticks(uint32_t pid, uint64_t *ret_ticks)
{
	char path[64], line[1024], *at;
	_cleanup_close_ int fd = -1;
	unsigned long long ticks;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	if (n <= 0)
		return -ENOENT;
	line[n] = '\0';
	at = strrchr(line, ')');
	if (!at || sscanf(at + 1,
			  " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			  "%*d %*d %llu",
			  &ticks) != 1)
		return -EBADMSG;
	*ret_ticks = ticks;
	return 0;
}

int snapshot_fill_args(const struct record *rec, struct arena *arena,
		       Varve__V1__ProcessSnapshot *body)
{
	const struct ev_task *t = &rec->hdr->task;
	uint64_t ticks, want = t->start_ns / (NSEC_PER_SEC / sysconf(_SC_CLK_TCK));
	char path[64], *args = arena_alloc(arena, ARGS_READ_MAX + 1);
	_cleanup_close_ int fd = -1;
	ssize_t n;
	int err;

	if (!args)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%u/cmdline", t->tgid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, args, ARGS_READ_MAX + 1);
	/* Asked after reading: the pid cannot have been another's before. */
	if (n <= 0 || start_ticks(t->tgid, &ticks) || ticks != want)
		return 0;
	if (n > ARGS_READ_MAX) {
		n = ARGS_READ_MAX;
		SET(body, args_truncated, 1);
	}
	err = fill_args(arena, args, n, &body->n_args, &body->args, &body->has_args_raw,
			&body->args_raw);
	return err ? err : fill_cmd_line(arena, args, n, NULL, 0, &body->cmd_line);
}
