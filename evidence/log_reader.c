/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an evidence log without a lock, dead or live. What is unreadable at the end of the newest
 * segment may be in the making and is waited for; once there is a newer segment, it is damage. The
 * outline is read by the segments' indexes, as far as they hold.
 */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/log_format.h"
#include <fcntl.h>
#include <sys/stat.h>

struct log_reader {
	int dirfd;
	struct log_scan scan; /* of the current segment; its fd is -1 before the first */
	uint64_t from;	      /* frames below are passed over */
	bool finished;	      /* a newer segment was seen: this one grows no more */
	uint64_t newer;	      /* its first index */
	bool has_damage;
	struct log_damage damage;
	/* The outline */
	bool outline;
	const struct log_range *whole;
	size_t whole_cnt;
	struct log_entries entries; /* of the current segment */
	uint64_t resume;	    /* up to this offset of it all frames are given */
	uint64_t skipped;	    /* frames left out since the last result */
};

static void cleanup_reader(struct log_reader **reader)
{
	log_reader_close(*reader);
}

int log_reader_open(const char *dir, uint64_t from_index, struct log_reader **ret_reader)
{
	__attribute__((cleanup(cleanup_reader))) struct log_reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->from = from_index;
	r->scan.fd = r->entries.fd = -1;
	r->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dirfd < 0)
		return log_err(-errno, "cannot open evidence log %s", dir);
	err = log_dir_check(r->dirfd, dir);
	if (err == -ENOENT)
		diag(DIAG_ERROR, "%s is empty: there is no evidence log in it", dir);
	if (!err)
		err = log_scan_init(&r->scan);
	if (err)
		return err;
	*ret_reader = TAKE_PTR(r);
	return 0;
}

int log_reader_open_outline(const char *dir, const struct log_range *whole, size_t whole_cnt,
			    struct log_reader **ret_reader)
{
	struct log_reader *r;
	int err = log_reader_open(dir, 0, &r);

	if (err)
		return err;
	r->outline = true;
	r->whole = whole;
	r->whole_cnt = whole_cnt;
	*ret_reader = r;
	return 0;
}

uint64_t log_reader_skipped(const struct log_reader *r)
{
	return r->skipped;
}

void log_reader_close(struct log_reader *r)
{
	if (!r)
		return;
	log_entries_close(&r->entries);
	log_scan_fini(&r->scan);
	if (r->dirfd >= 0)
		close(r->dirfd);
	free(r);
}

const struct log_damage *log_reader_damage(const struct log_reader *r)
{
	return r->has_damage ? &r->damage : NULL;
}

static bool is_whole(const struct log_reader *r)
{
	for (size_t i = 0; i < r->whole_cnt; i++)
		if (r->scan.first >= r->whole[i].from && r->scan.first <= r->whole[i].to)
			return true;
	return false;
}

static void open_index(struct log_reader *r)
{
	log_entries_close(&r->entries);
	r->resume = 0;
	if (r->outline && !is_whole(r))
		log_entries_open(&r->entries, r->dirfd, r->scan.first);
}

/* Opens the next segment: 1, or 0 if there is none yet. */
static int open_next(struct log_reader *r)
{
	bool started = r->scan.fd >= 0;
	struct log_neighbours n;
	int err;

	do {
		err = log_dir_neighbours(r->dirfd, started ? r->scan.first : r->from, &n);
		if (err)
			return err;
		if (started ? !n.has_above : !n.has_below && !n.has_above)
			return 0;
		err = log_scan_open(&r->scan, r->dirfd,
				    !started && n.has_below ? n.below : n.above);
	} while (err == -ENOENT); /* released in between */
	r->finished = false;
	if (err)
		return err;
	open_index(r);
	return 1;
}

static void set_damage(struct log_reader *r, uint64_t next_index, bool at_tail)
{
	r->has_damage = true;
	r->damage = (struct log_damage){
		.offset = r->scan.bad_off,
		.bytes = r->scan.bad_len,
		.next_index = next_index,
		.at_tail = at_tail,
	};
	log_segment_name(r->damage.file, r->scan.first);
}

/*
 * The current segment has no more to read now. 1: go on reading. 0: wait for more. -EBADMSG: done
 * with the segment, its rest was damage. Else an errno.
 */
static int at_end(struct log_reader *r, bool rest)
{
	struct log_neighbours n;
	int err;

	if (r->finished) {
		if (rest)
			set_damage(r, r->newer, true);
		r->finished =
			false; /* should the newer one be gone: wait, and tell the rest once */
		err = open_next(r);
		return err < 0 || !rest ? err : -EBADMSG;
	}
	err = log_dir_neighbours(r->dirfd, r->scan.first, &n);
	if (err)
		return err;
	if (n.has_above) {
		/* The writer may have completed it before it began the newer one: look again. */
		r->finished = true;
		r->newer = n.above;
		return 1;
	}
	if (rest)
		set_damage(r, r->scan.index, true);
	return 0;
}

/* The segment ends where the index says that it does: nothing was cut off. */
static bool skip_to_end(struct log_reader *r, const struct log_pos *end)
{
	struct log_scan *s = &r->scan;
	struct stat st;

	if (fstat(s->fd, &st) || (uint64_t)st.st_size != end->offset)
		return false;
	r->skipped += end->index - s->index;
	s->off = end->offset;
	s->index = end->index;
	return true;
}

/* True: the frame that the index names next. False: the scan goes on by itself. */
static bool next_named(struct log_reader *r, const uint8_t **ret_payload, size_t *ret_len)
{
	struct log_scan *s = &r->scan;
	uint64_t before = s->index;
	struct log_pos pos;
	enum log_entry what;

	while (s->off >= r->resume && log_entries_next(&r->entries, &what, &pos)) {
		if (pos.offset < s->off || pos.index < s->index)
			break;
		if (what == LOG_ENTRY_RESUME) {
			r->resume = pos.offset;
			continue;
		}
		if (what == LOG_ENTRY_FRAME && log_scan_at(s, &pos, ret_payload, ret_len) == 1) {
			r->skipped += pos.index - before;
			return true;
		}
		if (what == LOG_ENTRY_END)
			skip_to_end(r, &pos);
		break;
	}
	if (s->off >= r->resume)
		log_entries_close(&r->entries);
	return false;
}

static int next_frame(struct log_reader *r, const uint8_t **ret_payload, size_t *ret_len)
{
	if (r->entries.fd >= 0 && next_named(r, ret_payload, ret_len))
		return 1;
	return log_scan_next(&r->scan, ret_payload, ret_len);
}

int log_reader_next(struct log_reader *r, const uint8_t **ret_payload, size_t *ret_len,
		    struct log_pos *ret_pos)
{
	struct log_scan *s = &r->scan;
	int res = 1;

	r->has_damage = false;
	r->skipped = 0;
	if (s->fd < 0)
		res = open_next(r);
	while (res > 0) {
		res = next_frame(r, ret_payload, ret_len);
		if (res == 1 && s->frame_index >= r->from) {
			*ret_pos = (struct log_pos){
				.index = s->frame_index,
				.segment = s->first,
				.offset = s->frame_off,
			};
			return 1;
		}
		if (res == -EBADMSG && (s->index > r->from || s->first >= r->from)) {
			set_damage(r, s->index, false);
			return res;
		}
		if (res == 0 || res == -EAGAIN)
			res = at_end(r, res == -EAGAIN);
		else if (res == -EBADMSG)
			res = 1; /* in the part that is passed over */
	}
	return res;
}
