/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening after whatever happened. Only one thing is ever changed: an incomplete frame at the very
 * end of the last segment, as a killed writer leaves it, is cut off. Everything else that cannot be
 * read is evidence of something; it stays, is counted, and the log goes on in a new segment, at an
 * index beyond all that the damaged place can have held.
 */
#include "evidence/base.h"
#include "evidence/log_format.h"
#include <fcntl.h>
#include <sys/stat.h>

struct recovery {
	int dirfd;
	struct log_scan scan;
	struct log_recovery result;
	bool whole;
};

static int cut_tail(struct recovery *rc, struct log_seg *seg)
{
	char name[LOG_NAME_SIZE];
	_cleanup_close_ int fd = -1;

	log_segment_name(name, seg->first);
	fd = log_dir_open_file(rc->dirfd, name, O_WRONLY);
	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)rc->scan.bad_off) || fdatasync(fd))
		return -errno;
	seg->size = rc->scan.bad_off;
	rc->result.cut_bytes += rc->scan.bad_len;
	return 0;
}

/* Most frames that so many bytes can hold. */
static uint64_t most_frames(uint64_t bytes)
{
	return bytes / (LOG_FRAME_HDR_LEN + 1) + 1;
}

/* Goes over the frames; *ret_end is beyond the index of any frame that the segment holds or held.
 */
static int scan_segment(struct recovery *rc, struct log_seg *seg, bool last, uint64_t *ret_end)
{
	uint64_t lost_max = 0;
	const uint8_t *p;
	size_t len;
	int r;

	for (;;) {
		r = log_scan_next(&rc->scan, &p, &len);
		if (r == 1) {
			seg->frame_cnt++;
		} else if (r == -EBADMSG || (r == -EAGAIN && !(last && rc->scan.torn))) {
			rc->result.corrupt_cnt++;
			rc->whole = false;
			lost_max += most_frames(rc->scan.bad_len);
		} else {
			break;
		}
		if (r == -EAGAIN)
			break;
	}
	*ret_end = seg->first + seg->frame_cnt + lost_max;
	if (r == -EAGAIN)
		return last && rc->scan.torn ? cut_tail(rc, seg) : 0;
	return r;
}

static int recover_segment(struct recovery *rc, struct log_seg *seg, bool last)
{
	struct stat st;
	uint64_t end;
	int err = log_scan_open(&rc->scan, rc->dirfd, seg->first);

	if (err)
		return err;
	if (fstat(rc->scan.fd, &st))
		return -errno;
	seg->size = (uint64_t)st.st_size;
	rc->whole = true;
	err = scan_segment(rc, seg, last, &end);
	if (err)
		return err;
	/* A header that never got to the disk: nothing to append to. */
	if (seg->size < LOG_SEG_HDR_LEN)
		rc->whole = false;
	rc->result.next_index = MAX(rc->result.next_index, end);
	return 0;
}

static int recover_all(struct recovery *rc, struct log_seg *segs, const uint64_t *firsts,
		       size_t cnt)
{
	int err = 0;

	for (size_t i = 0; i < cnt && !err; i++) {
		segs[i] = (struct log_seg){.first = firsts[i], .fd = -1};
		err = recover_segment(rc, &segs[i], i + 1 == cnt);
	}
	return err;
}

int log_recover(int dirfd, struct log_seg **ret_segs, size_t *ret_cnt, bool *ret_whole,
		struct log_recovery *ret_recovery)
{
	struct recovery rc = {.dirfd = dirfd};
	_cleanup_free_ uint64_t *firsts = NULL;
	_cleanup_free_ struct log_seg *segs = NULL;
	size_t cnt;
	int err = log_dir_list(dirfd, &firsts, &cnt);

	if (err)
		return err;
	segs = calloc(cnt + 1, sizeof(*segs));
	if (!segs)
		return -ENOMEM;
	err = log_scan_init(&rc.scan);
	if (err)
		return err;
	err = recover_all(&rc, segs, firsts, cnt);
	log_scan_fini(&rc.scan);
	if (err)
		return err;
	*ret_segs = TAKE_PTR(segs);
	*ret_cnt = cnt;
	*ret_whole = rc.whole;
	*ret_recovery = rc.result;
	return 0;
}
