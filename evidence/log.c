/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the evidence log. Frames gather in a buffer; a flush writes them to the current segment,
 * always exactly behind what is there, so that after an error the next flush completes what this
 * one began and the file has no hole. Segments that were left unsynced keep their descriptor until
 * log_sync(), or until they are released: what Kafka has taken mostly never goes to the disk at
 * all.
 */
#include "evidence/log.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/log_format.h"
#include <fcntl.h>
#include <sys/stat.h>

#define NEW_SEGMENT_TMP "segment.tmp"

static struct log_seg *current(const struct log *log)
{
	return &log->segs[log->seg_cnt - 1];
}

void log_free(struct log *log)
{
	if (!log)
		return;
	for (size_t i = 0; i < log->seg_cnt; i++)
		cleanup_close(&log->segs[i].fd);
	free(log->segs);
	free(log->buf);
	cleanup_close(&log->index.fd);
	cleanup_close(&log->lockfd);
	cleanup_close(&log->dirfd);
	free(log->dir);
	free(log);
}

static int reserve_seg(struct log *log)
{
	struct log_seg *more;

	if (log->seg_cnt < log->seg_room)
		return 0;
	more = reallocarray(log->segs, log->seg_cnt * 2 + 16, sizeof(*more));
	if (!more)
		return -ENOMEM;
	log->segs = more;
	log->seg_room = log->seg_cnt * 2 + 16;
	return 0;
}

/* A file with its header, under a temporary name. */
static int make_segment_file(struct log *log)
{
	uint8_t hdr[LOG_SEG_HDR_LEN];
	_cleanup_close_ int fd =
		openat(log->dirfd, NEW_SEGMENT_TMP,
		       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	ssize_t n;

	if (fd < 0)
		return -errno;
	log_make_segment_header(hdr, log->next_index);
	n = pwrite(fd, hdr, sizeof(hdr), 0);
	if (n < 0)
		return -errno;
	return (size_t)n == sizeof(hdr) ? TAKE_FD(fd) : -ENOSPC;
}

int log_add_segment(struct log *log)
{
	_cleanup_close_ int fd = -1;
	char name[LOG_NAME_SIZE];
	int err = reserve_seg(log);

	if (err)
		return err;
	fd = make_segment_file(log);
	log_segment_name(name, log->next_index);
	if (fd < 0 || renameat(log->dirfd, NEW_SEGMENT_TMP, log->dirfd, name)) {
		err = fd < 0 ? fd : -errno;
		unlinkat(log->dirfd, NEW_SEGMENT_TMP, 0);
		return err;
	}
	log->segs[log->seg_cnt++] = (struct log_seg){
		.first = log->next_index,
		.size = LOG_SEG_HDR_LEN,
		.fd = TAKE_FD(fd),
	};
	log->size += LOG_SEG_HDR_LEN;
	log->dir_dirty = true;
	log_index_begin(log, NULL);
	return 0;
}

void log_close(struct log *log)
{
	int err;

	if (!log)
		return;
	err = log_flush(log);
	if (err)
		log_err(err, "cannot write the last %zu bytes of the log in %s", log->used,
			log->dir);
	log_free(log);
}

/* --- writing */

int log_flush(struct log *log)
{
	struct log_seg *seg = current(log);
	size_t done = 0;
	int err = 0;

	while (done < log->used && !err) {
		ssize_t n = pwrite(seg->fd, log->buf + done, log->used - done, (off_t)seg->size);

		if (n > 0) {
			done += (size_t)n;
			seg->size += (uint64_t)n;
			log->size += (uint64_t)n;
		} else if (n == 0 || errno != EINTR) {
			err = n ? -errno : -EIO;
		}
	}
	log->used -= done;
	memmove(log->buf, log->buf + done, log->used);
	if (!err)
		log_index_flush(log);
	return err;
}

static int sync_segment(struct log_seg *seg, bool keep)
{
	if (seg->fd < 0)
		return 0;
	if (fdatasync(seg->fd))
		return -errno;
	if (!keep) {
		close(seg->fd);
		seg->fd = -1;
	}
	return 0;
}

/* What is written to a file without a name is gone with the process. */
static int check_linked(const struct log_seg *seg)
{
	struct stat st;

	if (fstat(seg->fd, &st))
		return -errno;
	return st.st_nlink ? 0 : -ENOENT;
}

int log_sync(struct log *log)
{
	int err = log_flush(log);

	for (size_t i = 0; i < log->seg_cnt && !err; i++)
		err = sync_segment(&log->segs[i], i + 1 == log->seg_cnt);
	if (!err)
		err = check_linked(current(log));
	if (err || !log->dir_dirty)
		return err;
	if (fsync(log->dirfd))
		return -errno;
	log->dir_dirty = false;
	return 0;
}

static int roll(struct log *log)
{
	int err = log_flush(log);

	if (err)
		return err;
	/* Once, however often the next one cannot be made. */
	if (!log->ended) {
		log_index_add(log, LOG_ENTRY_END,
			      &(struct log_pos){.index = log->next_index,
						.offset = current(log)->size});
		log_index_flush(log);
		log->ended = true;
	}
	if (log->seg_cnt >= LOG_UNSYNCED_MAX) {
		err = sync_segment(&log->segs[log->seg_cnt - LOG_UNSYNCED_MAX], false);
		if (err)
			return err;
	}
	return log_add_segment(log);
}

int log_roll(struct log *log)
{
	return roll(log);
}

bool log_rolls_for(const struct log *log, size_t len)
{
	const struct log_seg *seg = current(log);

	return seg->frame_cnt &&
	       seg->size + log->used + LOG_FRAME_HDR_LEN + len > log->opts.segment_bytes;
}

/* Makes place for a frame of so many bytes. */
static int make_room(struct log *log, size_t need)
{
	if (log_rolls_for(log, need - LOG_FRAME_HDR_LEN))
		return roll(log);
	if (log->used && log->used + need > log->room)
		return log_flush(log);
	return 0;
}

static int append(struct log *log, const void *payload, size_t len, size_t most,
		  uint64_t *ret_index)
{
	struct log_seg *seg;
	uint8_t *frame;
	int err;

	if (!len || len > LOG_FRAME_MAX)
		return len ? -EMSGSIZE : -EINVAL;
	err = make_room(log, LOG_FRAME_HDR_LEN + len);
	if (err && log->used + LOG_FRAME_HDR_LEN + len > most)
		return err;
	seg = current(log);
	frame = log->buf + log->used;
	memcpy(frame, LOG_FRAME_MAGIC, 4);
	log_put_u32(frame + 4, (uint32_t)len);
	memcpy(frame + LOG_FRAME_HDR_LEN, payload, len);
	log_put_u32(frame + 8, log_frame_crc(frame, seg->first, seg->size + log->used));
	log->last = (struct log_pos){
		.index = log->next_index, .segment = seg->first, .offset = seg->size + log->used};
	log->last_marked = false;
	log->ended = false;
	log->used += LOG_FRAME_HDR_LEN + len;
	log->next_index++;
	if (!seg->frame_cnt++)
		log_mark(log);
	if (ret_index)
		*ret_index = log->last.index;
	return 0;
}

int log_append(struct log *log, const void *payload, size_t len, uint64_t *ret_index)
{
	return append(log, payload, len, 0, ret_index);
}

int log_append_spare(struct log *log, const void *payload, size_t len, uint64_t *ret_index)
{
	return append(log, payload, len, log->spare, ret_index);
}

void log_mark(struct log *log)
{
	if (!log->last_marked)
		log_index_add(log, LOG_ENTRY_FRAME, &log->last);
	log->last_marked = true;
}

uint64_t log_segment(const struct log *log)
{
	return current(log)->first;
}

/* --- removing */

static int remove_oldest(struct log *log)
{
	char name[LOG_NAME_SIZE];

	log_index_remove(log, log->segs[0].first);
	log_segment_name(name, log->segs[0].first);
	if (unlinkat(log->dirfd, name, 0) && errno != ENOENT)
		return -errno;
	cleanup_close(&log->segs[0].fd);
	log->size -= log->segs[0].size + log->segs[0].index_size;
	memmove(log->segs, log->segs + 1, --log->seg_cnt * sizeof(*log->segs));
	return 0;
}

int log_release(struct log *log, uint64_t index)
{
	int err = 0;

	while (!err && log->seg_cnt > 1 && log->segs[1].first <= index)
		err = remove_oldest(log);
	return err;
}

int log_enforce_limit(struct log *log, struct log_removed *ret_removed)
{
	struct log_removed removed;
	int err;

	if (!log->opts.limit_bytes || log->seg_cnt < 2 ||
	    log_size_bytes(log) <= log->opts.limit_bytes)
		return 0;
	removed = (struct log_removed){
		.first = {.index = log->segs[0].first,
			  .segment = log->segs[0].first,
			  .offset = LOG_SEG_HDR_LEN},
		.frame_cnt = log->segs[0].frame_cnt,
	};
	err = remove_oldest(log);
	if (err)
		return err;
	*ret_removed = removed;
	return 1;
}

void log_set_limit(struct log *log, uint64_t bytes)
{
	log->opts.limit_bytes = bytes;
}

uint64_t log_next_index(const struct log *log)
{
	return log->next_index;
}

uint64_t log_first_index(const struct log *log)
{
	return log->segs[0].first;
}

uint64_t log_size_bytes(const struct log *log)
{
	return log->size + log->used;
}
