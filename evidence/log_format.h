/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of an evidence log, and what its writer and its readers share: names, and going over
 * the frames of one segment. Only evidence/log*.c include this.
 *
 * All integers are little endian. A segment begins with
 *
 *   0  "VARVESEG"
 *   8  u32  format version, 1
 *   12 u32  0
 *   16 u64  index of the first frame, as in the file's name
 *   24 u32  0
 *   28 u32  CRC-32C of bytes 0-27
 *
 * and goes on with frames, without gaps:
 *
 *   0  F5 56 46 FF: bytes that no UTF-8 text contains, to find the next frame behind damage
 *   4  u32  length of the payload, 1 to LOG_FRAME_MAX
 *   8  u32  CRC-32C of: u64 index of the segment's first frame, u64 offset of this frame in the
 *           file, u32 length, payload
 *   12 payload
 *
 * The CRC is bound to the place, so that a frame found behind damage is one: payloads carry what an
 * attacker wrote, and could carry the bytes of a frame; stale blocks could, too.
 *
 * Beside a segment there may be its index, NNN.idx: a header like the segment's ("VARVEIDX"), then
 * entries of 24 bytes:
 *
 *   0  u64  index of a frame
 *   8  u64  its offset in the segment
 *   16 u32  enum log_entry
 *   20 u32  CRC-32C of: u64 index of the segment's first frame, u64 number of the entry from 0,
 *           bytes 0-19
 *
 * It names the frames that make the log's outline (log_mark()), so that they are found without
 * reading the others. It is written behind the frames, is never synced, and may lack anything at
 * its end.
 */
#ifndef VARVE_LOG_FORMAT_H
#define VARVE_LOG_FORMAT_H

#include "evidence/log.h"
#include <endian.h>
#include <string.h>
#include <sys/types.h>

#define LOG_FORMAT_NAME	  "varve evidence log " /* of any version */
#define LOG_FORMAT_TEXT	  LOG_FORMAT_NAME "1\n"
#define LOG_SEG_MAGIC	  "VARVESEG"
#define LOG_SEG_VERSION	  1u
#define LOG_SEG_HDR_LEN	  32u
#define LOG_FRAME_MAGIC	  "\xf5\x56\x46\xff"
#define LOG_FRAME_HDR_LEN 12u
#define LOG_NAME_SIZE	  32  /* buffer for a segment's file name */
#define LOG_UNSYNCED_MAX  32u /* segments; then the oldest is synced at the roll */
#define LOG_INDEX_MAGIC	  "VARVEIDX"
#define LOG_ENTRY_LEN	  24u
#define LOG_ENTRY_BATCH	  512u /* entries that are written or read at once */

enum log_entry {
	LOG_ENTRY_FRAME = 1, /* a frame of the outline */
	LOG_ENTRY_RESUME,    /* between the entry before and this place any frame may be of it */
	LOG_ENTRY_END,	     /* between the entry before and the segment's end, here, none is */
};

static inline uint32_t log_get_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t log_get_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline void log_put_u32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void log_put_u64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

/* Header of the segment whose first frame has this index. */
void log_make_segment_header(uint8_t hdr[LOG_SEG_HDR_LEN], uint64_t first);
/* CRC of the frame that lies at offset; frame points to its header, length filled in, payload
 * behind. */
uint32_t log_frame_crc(const uint8_t *frame, uint64_t first, uint64_t offset);

/* The index of the segment that is written. */
struct log_index {
	int fd;		     /* -1: the segment has none */
	uint64_t first, cnt; /* entries in the file */
	size_t used;	     /* entries that wait for their frames to be written */
	uint8_t buf[LOG_ENTRY_BATCH * LOG_ENTRY_LEN];
};

/* A segment as its writer knows it. */
struct log_seg {
	uint64_t first;
	uint64_t size; /* bytes in the file */
	uint64_t index_size; /* bytes in its index; 0: it has none */
	uint64_t frame_cnt;
	int fd; /* open while it is written or not yet synced; else -1 */
};

/* The open log; log_open.c makes it, log.c uses it. */
struct log {
	char *dir; /* for messages */
	int dirfd, lockfd;
	struct log_opts opts;
	struct log_seg *segs; /* oldest first; the last is the one being written */
	size_t seg_cnt, seg_room;
	uint64_t size; /* of all and their indexes, on disk */
	uint8_t *buf;
	size_t used, room;
	size_t spare; /* size of buf; what is beyond room: log_append_spare() */
	uint64_t next_index;
	bool ended;	/* the index of the current segment says where it ends, as of now */
	bool dir_dirty; /* has segments whose names are not synced */
	struct log_index index;
	struct log_pos last; /* of the frame appended last */
	bool last_marked;
};

/* Frees without flushing. */
void log_free(struct log *log);
/* Begins a segment at next_index; what is buffered must have been flushed. */
int log_add_segment(struct log *log);

/* --- the index of a segment (log_index.c); what fails leaves the segment without, which costs time
 * only */

void log_index_name(char ret_name[LOG_NAME_SIZE], uint64_t first);
/* Begins the index of the current segment; `pos`: what lies before is not in it. */
void log_index_begin(struct log *log, const struct log_pos *pos);
void log_index_add(struct log *log, enum log_entry what, const struct log_pos *pos);
/* Their frames are written now. */
void log_index_flush(struct log *log);
/* Removes it: the segment has none, or goes. */
void log_index_remove(struct log *log, uint64_t first);
/* Counts those that an earlier writer left. */
void log_index_measure(struct log *log);

/* The index of a segment that is read. */
struct log_entries {
	int fd;		    /* -1: none, or none any more that can be believed */
	uint64_t first, at; /* number of the next entry */
	uint8_t buf[LOG_ENTRY_BATCH * LOG_ENTRY_LEN];
	size_t used, cnt;
};

void log_entries_open(struct log_entries *e, int dirfd, uint64_t first);
void log_entries_close(struct log_entries *e);
/* False: there is none, or it is not one: from here on the index says nothing. */
bool log_entries_next(struct log_entries *e, enum log_entry *ret_what, struct log_pos *ret_pos);

/* --- the directory (log_dir.c) */

void log_segment_name(char ret_name[LOG_NAME_SIZE], uint64_t first);
/*
 * 0: an evidence log of this version. -ENOENT: empty but for what an interrupted start leaves. Else
 * logged: -ENOTEMPTY, -EPROTO, errno's.
 */
int log_dir_check(int dirfd, const char *dir);
/* Writes `format`, all of it or nothing. */
int log_dir_make_format(int dirfd);
/* Opens what must be a plain file. */
int log_dir_open_file(int dirfd, const char *name, int flags);
/* First indexes of all segments, ascending; the caller frees. */
int log_dir_list(int dirfd, uint64_t **ret_firsts, size_t *ret_cnt);

/* The segments on both sides of an index. */
struct log_neighbours {
	bool has_below, has_above;
	uint64_t below; /* greatest first index that is at most the index */
	uint64_t above; /* least first index that is greater */
};
int log_dir_neighbours(int dirfd, uint64_t index, struct log_neighbours *ret);

/* --- the frames of one segment (log_scan.c) */

struct log_scan {
	int fd;
	uint64_t first; /* of the segment */
	uint64_t off;	/* next unread byte; 0: the header is still to be checked */
	uint64_t index; /* of the frame there */
	uint64_t budget;
	size_t ahead; /* least to read at once */
	uint8_t *buf;
	uint64_t buf_off;
	size_t buf_len;
	/* Results */
	uint64_t frame_off;   /* after 1: of the frame */
	uint64_t frame_index; /* after 1 */
	uint64_t bad_off;     /* after -EBADMSG and -EAGAIN: where the unreadable begins */
	uint64_t bad_len;
	bool torn; /* after -EAGAIN: as an interrupted write leaves it */
};

/* A scan without a segment. */
int log_scan_init(struct log_scan *s);
void log_scan_fini(struct log_scan *s);
/* Begins with a segment, which must exist; a segment it had is closed. */
int log_scan_open(struct log_scan *s, int dirfd, uint64_t first);
void log_scan_close(struct log_scan *s);
/*
 * 1: a frame, valid until the next call. 0: the end. -EBADMSG: a damaged place was skipped, a frame
 * is behind it. -EAGAIN: the rest is unreadable; the place is kept, a later call tries again. Else
 * an errno.
 */
int log_scan_next(struct log_scan *s, const uint8_t **ret_payload, size_t *ret_len);
/*
 * The frame that is said to lie at this place: 1, and the scan goes on behind it; else nothing has
 * changed. Only ahead of where the scan is.
 */
int log_scan_at(struct log_scan *s, const struct log_pos *pos, const uint8_t **ret_payload,
		size_t *ret_len);

/* --- what an earlier writer left (log_recover.c) */

/*
 * Goes over all segments, cuts a torn tail off the last one, and says how the log goes on:
 * *ret_whole if the last segment can be appended to. The caller frees the segments.
 */
int log_recover(int dirfd, struct log_seg **ret_segs, size_t *ret_cnt, bool *ret_whole,
		struct log_recovery *ret_recovery);

#endif
