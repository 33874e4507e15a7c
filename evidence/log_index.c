/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index beside a segment. The writer names frames only once they are in the segment, so that a
 * killed writer leaves an index that lacks something at its end, never one that names what is not
 * there. The reader believes an entry if its CRC holds and a frame of the log lies there; from the
 * first that does not on, the segment is read whole.
 */
#include "evidence/base.h"
#include "evidence/crc32c.h"
#include "evidence/diag.h"
#include "evidence/log_format.h"
#include <fcntl.h>
#include <sys/stat.h>

void log_index_name(char ret_name[LOG_NAME_SIZE], uint64_t first)
{
	log_segment_name(ret_name, first);
	memcpy(strrchr(ret_name, '.'), ".idx", 5);
}

static void make_header(uint8_t hdr[LOG_SEG_HDR_LEN], uint64_t first)
{
	log_make_segment_header(hdr, first);
	memcpy(hdr, LOG_INDEX_MAGIC, 8);
	log_put_u32(hdr + 28, crc32c(0, hdr, 28));
}

static uint32_t entry_crc(const uint8_t *entry, uint64_t first, uint64_t number)
{
	uint8_t place[16];

	log_put_u64(place, first);
	log_put_u64(place + 8, number);
	return crc32c(crc32c(0, place, sizeof(place)), entry, LOG_ENTRY_LEN - 4);
}

/* --- writing */

void log_index_remove(struct log *log, uint64_t first)
{
	char name[LOG_NAME_SIZE];

	log_index_name(name, first);
	unlinkat(log->dirfd, name, 0);
}

/* The index that is written has this many bytes. */
static void set_size(struct log *log, uint64_t size)
{
	struct log_seg *seg = &log->segs[log->seg_cnt - 1];

	log->size += size - seg->index_size;
	seg->index_size = size;
}

static void give_up(struct log *log)
{
	struct log_index *ix = &log->index;

	cleanup_close(&ix->fd);
	ix->fd = -1;
	log_index_remove(log, ix->first);
	set_size(log, 0);
}

void log_index_begin(struct log *log, const struct log_pos *pos)
{
	struct log_index *ix = &log->index;
	uint8_t hdr[LOG_SEG_HDR_LEN];
	char name[LOG_NAME_SIZE];

	cleanup_close(&ix->fd);
	ix->first = log_segment(log);
	ix->cnt = ix->used = 0;
	log_index_remove(log, ix->first);
	set_size(log, 0);
	log_index_name(name, ix->first);
	ix->fd = openat(log->dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (ix->fd < 0)
		return;
	make_header(hdr, ix->first);
	if (pwrite(ix->fd, hdr, sizeof(hdr), 0) != sizeof(hdr)) {
		give_up(log);
		return;
	}
	set_size(log, sizeof(hdr));
	if (pos) {
		log_index_add(log, LOG_ENTRY_RESUME, pos);
		log_index_flush(log);
	}
}

void log_index_flush(struct log *log)
{
	struct log_index *ix = &log->index;
	off_t at = LOG_SEG_HDR_LEN + (off_t)(ix->cnt * LOG_ENTRY_LEN);

	if (ix->fd < 0 || !ix->used)
		return;
	if (pwrite(ix->fd, ix->buf, ix->used, at) != (ssize_t)ix->used) {
		give_up(log);
		return;
	}
	ix->cnt += ix->used / LOG_ENTRY_LEN;
	ix->used = 0;
	set_size(log, LOG_SEG_HDR_LEN + ix->cnt * LOG_ENTRY_LEN);
}

void log_index_add(struct log *log, enum log_entry what, const struct log_pos *pos)
{
	struct log_index *ix = &log->index;
	uint8_t *entry;

	/* The frames that wait with the entries go first. */
	if (ix->fd >= 0 && ix->used == sizeof(ix->buf) && log_flush(log))
		give_up(log);
	if (ix->fd < 0)
		return;
	entry = ix->buf + ix->used;
	log_put_u64(entry, pos->index);
	log_put_u64(entry + 8, pos->offset);
	log_put_u32(entry + 16, what);
	log_put_u32(entry + 20, entry_crc(entry, ix->first, ix->cnt + ix->used / LOG_ENTRY_LEN));
	ix->used += LOG_ENTRY_LEN;
}

void log_index_measure(struct log *log)
{
	char name[LOG_NAME_SIZE];
	struct stat st;
	size_t i;

	for (i = 0; i < log->seg_cnt; i++) {
		log_index_name(name, log->segs[i].first);
		if (fstatat(log->dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		log->segs[i].index_size = st.st_size;
		log->size += st.st_size;
	}
}

/* --- reading */

void log_entries_close(struct log_entries *e)
{
	cleanup_close(&e->fd);
	e->fd = -1;
}

void log_entries_open(struct log_entries *e, int dirfd, uint64_t first)
{
	uint8_t expected[LOG_SEG_HDR_LEN], hdr[LOG_SEG_HDR_LEN];
	char name[LOG_NAME_SIZE];

	e->first = first;
	e->at = e->used = e->cnt = 0;
	log_index_name(name, first);
	e->fd = log_dir_open_file(dirfd, name, O_RDONLY | O_NOFOLLOW);
	if (e->fd < 0)
		return;
	make_header(expected, first);
	if (pread(e->fd, hdr, sizeof(hdr), 0) != sizeof(hdr) ||
	    memcmp(hdr, expected, sizeof(hdr)) != 0)
		log_entries_close(e);
}

static bool read_batch(struct log_entries *e)
{
	ssize_t n = pread(e->fd, e->buf, sizeof(e->buf),
			  LOG_SEG_HDR_LEN + (off_t)(e->at * LOG_ENTRY_LEN));

	e->used = 0;
	e->cnt = n > 0 ? (size_t)n / LOG_ENTRY_LEN : 0;
	return e->cnt;
}

bool log_entries_next(struct log_entries *e, enum log_entry *ret_what, struct log_pos *ret_pos)
{
	const uint8_t *entry;

	if (e->fd < 0 || (e->used == e->cnt && !read_batch(e)))
		return false;
	entry = e->buf + e->used * LOG_ENTRY_LEN;
	if (log_get_u32(entry + 20) != entry_crc(entry, e->first, e->at))
		return false;
	*ret_what = (enum log_entry)log_get_u32(entry + 16);
	*ret_pos = (struct log_pos){
		.index = log_get_u64(entry),
		.segment = e->first,
		.offset = log_get_u64(entry + 8),
	};
	e->used++;
	e->at++;
	return true;
}
