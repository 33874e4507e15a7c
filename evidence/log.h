/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evidence log: a directory of append-only segments. Owns its files, nothing else.
 *
 *   DIR/format                        "varve evidence log 1\n"
 *   DIR/lock                          flock()ed by the one writer
 *   DIR/00000000000000000042.seg      named by the index of its first frame (20 digits)
 *   DIR/00000000000000000042.idx      where in it the frames of the outline are
 *   DIR/cursor                        the shipper's
 *
 * A segment is a 32-byte header and frames; log_format.h has the bytes. Frames are numbered by an
 * index from 0 that goes on over segments and runs. A reader needs no lock: it sees what is
 * flushed.
 */
#ifndef VARVE_LOG_H
#define VARVE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_FRAME_MAX (1u << 20) /* bytes of payload; more is corrupt */

struct log;
struct log_reader;

/* Where a frame lies. */
struct log_pos {
	uint64_t index;	  /* of the frame */
	uint64_t segment; /* index of the segment's first frame: names the file */
	uint64_t offset;  /* of the frame's header in that file */
};

struct log_opts {
	uint64_t segment_bytes; /* roll to a new segment at this size */
	uint64_t limit_bytes;	/* of all segments and indexes together; 0: none */
	size_t buffer_bytes;	/* of the write buffer; 0: 256 KiB */
	/*
	 * The next index is at least this: the shipper's cursor. A power cut may take back what was
	 * shipped and never synced; its numbers must not be given to new frames, which the cursor
	 * would pass over.
	 */
	uint64_t min_next_index;
};

/* What open found and did. */
struct log_recovery {
	uint64_t cut_bytes;   /* torn tail cut off the last segment */
	uint32_t corrupt_cnt; /* corrupt places elsewhere; they are left as they are */
	uint64_t next_index;  /* exact, or safely beyond what a corrupt place may have held */
};

/* What had to go at the size limit, oldest first, before it was released. */
struct log_removed {
	struct log_pos first;
	uint64_t frame_cnt; /* readable ones */
};

/*
 * Opens or makes the directory's log for writing. Errors, logged with what to do: -EWOULDBLOCK
 * another writer has it, -EPROTO another format version, -ENOTEMPTY a directory of something else,
 * and errno's.
 */
int log_open(const char *dir, const struct log_opts *opts, struct log **ret_log,
	     struct log_recovery *ret_recovery);
/* Flushes and closes. What cannot be flushed is logged and lost; NULL is fine. */
void log_close(struct log *log);

/*
 * Copies the payload into the write buffer (flushed when full); ret_index may be NULL. -EINVAL if
 * it is empty, -EMSGSIZE if longer than LOG_FRAME_MAX, else what flushing or a new segment failed
 * with: then the frame was not taken.
 */
int log_append(struct log *log, const void *payload, size_t len, uint64_t *ret_index);
/*
 * The same of what must not be lost while the log cannot be written: the write buffer takes it
 * beyond its size, up to that of the longest frame.
 */
int log_append_spare(struct log *log, const void *payload, size_t len, uint64_t *ret_index);
/*
 * The frame appended last is of the log's outline: what log_reader_open_outline() gives. The first
 * frame of each segment is of it anyway.
 */
void log_mark(struct log *log);
/* A frame of this length would be the first of a new segment. */
bool log_rolls_for(const struct log *log, size_t len);
/* Begins a new segment now: the next frame is its first. Errors as log_append(). */
int log_roll(struct log *log);
/* Index of the first frame of the segment that is written. */
uint64_t log_segment(const struct log *log);
/*
 * write(2) what is buffered: from here on readers see it, and it survives the death of the process.
 * On an error what is not written stays in the buffer, and the next call goes on exactly there.
 */
int log_flush(struct log *log);
/* Flushes, then fdatasync(2) of all that needs it: from here on it survives a power cut. -ENOENT:
 * the segment that is written to was removed by somebody. */
int log_sync(struct log *log);
/* All frames below index may go (shipped). Whole segments are removed. */
int log_release(struct log *log, uint64_t index);
/*
 * If the size limit is passed, removes the oldest whole segment (never the one being written) and
 * returns 1 with what went; 0 if nothing had to. Call again until 0. The caller declares what was
 * not released.
 */
int log_enforce_limit(struct log *log, struct log_removed *ret_removed);
/* Sets the size limit anew; 0: none. */
void log_set_limit(struct log *log, uint64_t bytes);
uint64_t log_next_index(const struct log *log);
uint64_t log_first_index(const struct log *log);
uint64_t log_size_bytes(const struct log *log);

/* What log_next says of a place it could not read. */
struct log_damage {
	char file[32];	     /* segment file name */
	uint64_t offset;     /* where it begins in the file */
	uint64_t bytes;	     /* how much was skipped; to the end of the segment at most */
	uint64_t next_index; /* index of the first frame behind it */
	bool at_tail;	     /* nothing readable behind it: torn, or still being written */
};

/*
 * Reads from the first frame whose index is at least from_index. Errors as log_open; no lock is
 * taken.
 */
int log_reader_open(const char *dir, uint64_t from_index, struct log_reader **ret_reader);
/* Segments, by the indexes of their first frames; both included. */
struct log_range {
	uint64_t from, to;
};
/*
 * Reads the outline: of each segment the frames that its index names. Where there is no index, or
 * it does not hold, or does not reach, all frames are given; of the segments in `whole` (not
 * copied), too. An index may leave out anything, if whoever can write to the directory wants so.
 */
int log_reader_open_outline(const char *dir, const struct log_range *whole, size_t whole_cnt,
			    struct log_reader **ret_reader);
/* How many frames the last log_reader_next() left out before what it gave. */
uint64_t log_reader_skipped(const struct log_reader *reader);
void log_reader_close(struct log_reader *reader);
/*
 * 1: a frame; the payload is valid until the next call. 0: no more for now (call again later to
 * follow). -EBADMSG: a damaged place was skipped, told in log_reader_damage(); go on calling. Else
 * an errno. Never returns a frame whose CRC does not hold. Indexes of frames within a segment are
 * counted from its name, a damaged place as one frame; behind one they are exact only from the next
 * segment on.
 */
int log_reader_next(struct log_reader *reader, const uint8_t **ret_payload, size_t *ret_len,
		    struct log_pos *ret_pos);
/*
 * After -EBADMSG: what was skipped. After 0: the unreadable rest of the newest segment (at_tail),
 * torn or still being written, if there is one; a later call may read it after all. Else NULL.
 */
const struct log_damage *log_reader_damage(const struct log_reader *reader);

#endif
