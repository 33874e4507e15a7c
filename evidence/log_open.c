/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens the evidence log for writing: makes or checks the directory, takes its lock, recovers what
 * is there, and says in one line what is wrong if it cannot. Nothing is written into a directory
 * that is not ours.
 */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/log_format.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define BUFFER_DEFAULT (256u << 10)

static int open_dir(struct log *log)
{
	if (mkdir(log->dir, 0750) && errno != EEXIST)
		return log_err(-errno, "cannot make log directory %s", log->dir);
	log->dirfd = open(log->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (log->dirfd < 0)
		return log_err(-errno, "cannot open log directory %s", log->dir);
	return 0;
}

static int take_lock(struct log *log)
{
	log->lockfd = openat(log->dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (log->lockfd < 0)
		return log_err(-errno, "cannot write in log directory %s", log->dir);
	if (!flock(log->lockfd, LOCK_EX | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return log_err(-errno, "cannot lock %s/lock", log->dir);
	diag(DIAG_ERROR, "another process writes the log in %s: stop it, or use another directory",
	     log->dir);
	return -EWOULDBLOCK;
}

/* The directory, locked, with its format file. */
static int claim_dir(struct log *log)
{
	int err = open_dir(log);

	if (err)
		return err;
	err = log_dir_check(log->dirfd, log->dir);
	if (err && err != -ENOENT)
		return err;
	err = take_lock(log);
	if (err)
		return err;
	err = log_dir_check(log->dirfd, log->dir); /* again: the one before may have raced */
	if (err != -ENOENT)
		return err;
	err = log_dir_make_format(log->dirfd);
	return err ? log_err(err, "cannot write %s/format", log->dir) : 0;
}

/* Forgets a last segment that holds less than a header, so that its name is free. */
static int drop_headless(struct log *log)
{
	char name[LOG_NAME_SIZE];

	if (!log->seg_cnt || log->segs[log->seg_cnt - 1].size >= LOG_SEG_HDR_LEN)
		return 0;
	log_index_remove(log, log->segs[log->seg_cnt - 1].first);
	log_segment_name(name, log->segs[log->seg_cnt - 1].first);
	if (unlinkat(log->dirfd, name, 0))
		return -errno;
	log->seg_cnt--;
	return 0;
}

/*
 * Opens the segments that the writer before us may have left unsynced, so that log_sync() reaches
 * them; it never left more.
 */
static int open_unsynced(struct log *log)
{
	char name[LOG_NAME_SIZE];

	for (size_t i = 0; i < log->seg_cnt; i++) {
		log->size += log->segs[i].size;
		if (i + LOG_UNSYNCED_MAX <= log->seg_cnt)
			continue;
		log_segment_name(name, log->segs[i].first);
		log->segs[i].fd = log_dir_open_file(log->dirfd, name, O_WRONLY);
		if (log->segs[i].fd < 0)
			return log->segs[i].fd;
	}
	log->dir_dirty = true;
	log_index_measure(log);
	return 0;
}

/* Goes on in the last segment if the next frame is its next, else in a new one. */
static int go_on(struct log *log, bool whole)
{
	const struct log_seg *last;
	int err = drop_headless(log);

	if (!err)
		err = open_unsynced(log);
	if (err)
		return err;
	log->next_index = MAX(log->next_index, log->opts.min_next_index);
	if (!whole || !log->seg_cnt)
		return log_add_segment(log);
	last = &log->segs[log->seg_cnt - 1];
	if (last->first + last->frame_cnt != log->next_index)
		return log_add_segment(log);
	log_index_begin(log, &(struct log_pos){.index = log->next_index, .offset = last->size});
	return 0;
}

static void cleanup_log(struct log **log)
{
	log_free(*log);
}

static int recover(struct log *log, struct log_recovery *ret_recovery)
{
	bool whole;
	int err = log_recover(log->dirfd, &log->segs, &log->seg_cnt, &whole, ret_recovery);

	if (err)
		return log_err(err, "cannot read the log in %s", log->dir);
	log->seg_room = log->seg_cnt;
	log->next_index = ret_recovery->next_index;
	err = go_on(log, whole);
	if (err)
		return log_err(err, "cannot write a log segment in %s", log->dir);
	ret_recovery->next_index = log->next_index;
	return 0;
}

int log_open(const char *dir, const struct log_opts *opts, struct log **ret_log,
	     struct log_recovery *ret_recovery)
{
	__attribute__((cleanup(cleanup_log))) struct log *log = calloc(1, sizeof(*log));
	struct log_recovery recovery = {0};
	int err;

	if (!log)
		return -ENOMEM;
	log->dirfd = log->lockfd = log->index.fd = -1;
	log->opts = *opts;
	log->room = opts->buffer_bytes ? opts->buffer_bytes : BUFFER_DEFAULT;
	log->room = MAX(log->room, (size_t)LOG_FRAME_HDR_LEN);
	/* Room for the longest frame alone; pages that are not used cost nothing. */
	log->spare = MAX(log->room, (size_t)LOG_FRAME_HDR_LEN + LOG_FRAME_MAX);
	log->buf = malloc(log->spare);
	log->dir = strdup(dir);
	if (!log->buf || !log->dir)
		return -ENOMEM;
	err = claim_dir(log);
	if (!err)
		err = recover(log, &recovery);
	if (err)
		return err;
	*ret_log = TAKE_PTR(log);
	*ret_recovery = recovery;
	return 0;
}
