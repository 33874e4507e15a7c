/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goes over one segment's frames, for recovery and for reading. The file may be damaged, hostile,
 * and growing; a restarted writer may even cut its torn end. So it is read, not mapped (a cut would
 * be SIGBUS), and nothing behind an incomplete frame is kept for the next call.
 */
#include "evidence/base.h"
#include "evidence/crc32c.h"
#include "evidence/log_format.h"
#include <fcntl.h>
#include <sys/stat.h>

/* Two frames: looking for the next one after damage reads the file once, not once per candidate. */
#define WINDOW (2 * (LOG_FRAME_HDR_LEN + LOG_FRAME_MAX))

#define AHEAD_AT 8192 /* of a single frame */

/*
 * A hostile file can be all candidates, each with a megabyte to check. Beyond this many bytes the
 * rest of the segment is called damaged; it takes some seconds.
 */
#define SEARCH_BUDGET (16ULL << 30)

void log_make_segment_header(uint8_t hdr[LOG_SEG_HDR_LEN], uint64_t first)
{
	memset(hdr, 0, LOG_SEG_HDR_LEN);
	memcpy(hdr, LOG_SEG_MAGIC, 8);
	log_put_u32(hdr + 8, LOG_SEG_VERSION);
	log_put_u64(hdr + 16, first);
	log_put_u32(hdr + 28, crc32c(0, hdr, 28));
}

uint32_t log_frame_crc(const uint8_t *frame, uint64_t first, uint64_t offset)
{
	uint8_t place[20];

	log_put_u64(place, first);
	log_put_u64(place + 8, offset);
	memcpy(place + 16, frame + 4, 4);
	return crc32c(crc32c(0, place, sizeof(place)), frame + LOG_FRAME_HDR_LEN,
		      log_get_u32(frame + 4));
}

int log_scan_init(struct log_scan *s)
{
	uint8_t *buf = malloc(WINDOW);

	if (!buf)
		return -ENOMEM;
	*s = (struct log_scan){.fd = -1, .buf = buf};
	return 0;
}

void log_scan_close(struct log_scan *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void log_scan_fini(struct log_scan *s)
{
	log_scan_close(s);
	free(s->buf);
	s->buf = NULL;
}

int log_scan_open(struct log_scan *s, int dirfd, uint64_t first)
{
	char name[LOG_NAME_SIZE];
	int fd;

	log_segment_name(name, first);
	fd = log_dir_open_file(dirfd, name, O_RDONLY);
	if (fd < 0)
		return fd;
	log_scan_close(s);
	*s = (struct log_scan){
		.fd = fd,
		.first = first,
		.index = first,
		.budget = SEARCH_BUDGET,
		.ahead = WINDOW,
		.buf = s->buf,
	};
	return 0;
}

/*
 * Makes need bytes at off available if the file has them; returns how many there are, which is less
 * only at the end of the file.
 */
static ssize_t window(struct log_scan *s, uint64_t off, size_t need, const uint8_t **ret_p)
{
	size_t want = MAX(need, s->ahead);
	ssize_t n;

	if (off < s->buf_off || off + need > s->buf_off + s->buf_len) {
		s->buf_off = off;
		s->buf_len = 0;
		do {
			n = pread(s->fd, s->buf + s->buf_len, want - s->buf_len,
				  (off_t)(off + s->buf_len));
			if (n < 0 && errno != EINTR)
				return -errno;
			s->buf_len += n > 0 ? (size_t)n : 0;
		} while (n && s->buf_len < want);
	}
	*ret_p = s->buf + (off - s->buf_off);
	return (ssize_t)(s->buf_off + s->buf_len - off);
}

/* 1: a whole frame at off. 0: the beginning of one, and the file ends. -EBADMSG: none. Else an
 * errno. */
static int check_frame(struct log_scan *s, uint64_t off, const uint8_t **ret_frame)
{
	const uint8_t *p;
	ssize_t n = window(s, off, LOG_FRAME_HDR_LEN, &p);
	uint32_t len;

	if (n < 0)
		return (int)n;
	if (memcmp(p, LOG_FRAME_MAGIC, MIN((size_t)n, 4u)) != 0)
		return -EBADMSG;
	if ((size_t)n < LOG_FRAME_HDR_LEN)
		return 0;
	len = log_get_u32(p + 4);
	if (!len || len > LOG_FRAME_MAX)
		return -EBADMSG;
	n = window(s, off, LOG_FRAME_HDR_LEN + len, &p);
	if (n < 0)
		return (int)n;
	if ((size_t)n < LOG_FRAME_HDR_LEN + len)
		return 0;
	s->budget -= MIN(s->budget, len);
	if (log_frame_crc(p, s->first, off) != log_get_u32(p + 8))
		return -EBADMSG;
	s->budget += MIN(SEARCH_BUDGET - s->budget, len);
	*ret_frame = p;
	return 1;
}

/* Finds the first frame at or behind off: 1, or 0 if there is none, or an errno. */
static int find_frame(struct log_scan *s, uint64_t off, uint64_t *ret_off)
{
	const uint8_t *p, *hit;
	ssize_t n;
	int r;

	while (s->budget) {
		n = window(s, off, 4, &p);
		if (n < 4)
			return n < 0 ? (int)n : 0;
		hit = memmem(p, (size_t)n, LOG_FRAME_MAGIC, 4);
		if (!hit) {
			off += (size_t)n - 3;
			continue;
		}
		off += (size_t)(hit - p);
		r = check_frame(s, off, &p);
		if (r == 1)
			*ret_off = off;
		if (r && r != -EBADMSG)
			return r;
		off++;
	}
	return 0;
}

/* A writer completes its frame, and writes more behind it, while we look for the next one. */
static bool is_complete_by_now(struct log_scan *s)
{
	const uint8_t *p;

	s->buf_len = 0;
	return check_frame(s, s->off, &p) == 1;
}

/* What is at s->off is no frame; there may be one from off on. 1: it has become one. */
static int skip_damage(struct log_scan *s, uint64_t off, bool torn)
{
	struct stat st;
	uint64_t found = off;
	int r = find_frame(s, off, &found);

	if (r < 0)
		return r;
	s->bad_off = s->off;
	if (!r) {
		if (fstat(s->fd, &st))
			return -errno;
		s->buf_len = 0;
		s->torn = torn;
		s->bad_len = (uint64_t)st.st_size > s->off ? (uint64_t)st.st_size - s->off : 0;
		return -EAGAIN;
	}
	if (is_complete_by_now(s))
		return 1;
	s->bad_len = found - s->off;
	s->index += found > LOG_SEG_HDR_LEN; /* a damaged header alone took no frame with it */
	s->off = found;
	return -EBADMSG;
}

/* 0: go on with the frames. 1: the file is empty. Else what log_scan_next() returns. */
static int check_header(struct log_scan *s)
{
	uint8_t expected[LOG_SEG_HDR_LEN];
	const uint8_t *p;
	ssize_t n = window(s, 0, LOG_SEG_HDR_LEN, &p);

	if (n <= 0)
		return n < 0 ? (int)n : 1;
	log_make_segment_header(expected, s->first);
	if (memcmp(p, expected, MIN((size_t)n, sizeof(expected))) != 0)
		return skip_damage(s, LOG_SEG_HDR_LEN, false);
	if ((size_t)n < sizeof(expected))
		return skip_damage(s, LOG_SEG_HDR_LEN, true);
	s->off = LOG_SEG_HDR_LEN;
	return 0;
}

int log_scan_next(struct log_scan *s, const uint8_t **ret_payload, size_t *ret_len)
{
	const uint8_t *p;
	ssize_t n;
	int r;

	if (!s->off) {
		r = check_header(s);
		if (r)
			return r > 0 ? 0 : r;
	}
	n = window(s, s->off, 1, &p);
	if (n <= 0)
		return (int)n;
	while ((r = check_frame(s, s->off, &p)) != 1) {
		if (r == 0 || r == -EBADMSG)
			r = skip_damage(s, s->off + 1, r == 0);
		if (r != 1)
			return r;
	}
	s->frame_off = s->off;
	s->frame_index = s->index++;
	*ret_len = log_get_u32(p + 4);
	*ret_payload = p + LOG_FRAME_HDR_LEN;
	s->off += LOG_FRAME_HDR_LEN + *ret_len;
	return 1;
}

int log_scan_at(struct log_scan *s, const struct log_pos *pos, const uint8_t **ret_payload,
		size_t *ret_len)
{
	const uint8_t *p;
	int r;

	if (pos->offset < MAX(s->off, (uint64_t)LOG_SEG_HDR_LEN) || pos->index < s->index)
		return -EBADMSG;
	s->ahead = AHEAD_AT;
	r = check_frame(s, pos->offset, &p);
	s->ahead = WINDOW;
	if (r != 1)
		return r;
	s->frame_off = pos->offset;
	s->frame_index = pos->index;
	*ret_len = log_get_u32(p + 4);
	*ret_payload = p + LOG_FRAME_HDR_LEN;
	s->off = pos->offset + LOG_FRAME_HDR_LEN + *ret_len;
	s->index = pos->index + 1;
	return 1;
}
