/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence in a log directory. A sensor may still be writing to it: the reader takes what is
 * flushed. What is unreadable at the end of the newest segment may be a frame half written at this
 * very moment: it is called damage only when it is the same after a while; when the log is
 * followed, only when there is a newer segment.
 */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/log.h"
#include "evidence/peek.h"
#include "responder/memory.h"
#include "responder/source.h"
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define TAIL_WAIT_MS 200
#define TAIL_TRIES   10 /* of a tail that moves and still cannot be read */
#define FOLLOW_MS    50
#define MARGIN_NS    (60 * (int64_t)NSEC_PER_SEC) /* records are written a while after they happen */

struct source_dir {
	struct source source;
	char *dir;
	struct log_reader *reader;
	const struct log_range *whole; /* the rest in outline; NULL: all */
	size_t whole_cnt;
	bool outline;
	bool tail_told;	 /* since the last rewind */
	bool tail_known; /* waited for in vain before: not waited for again */
	char where[160];
	/* Following: */
	bool follow;
	int64_t since_ns;
	bool is_at_end;	     /* it was, once: what comes now is new */
	bool has_last;	     /* a frame was read */
	struct log_pos last; /* that one; or, of a segment that was passed over, where it begins */
	bool is_held;	     /* a frame that comes behind what is told first */
	struct source_item held;
};

static int tell_damage(struct source_dir *src, struct source_item *ret_item)
{
	const struct log_damage *damage = log_reader_damage(src->reader);

	snprintf(src->where, sizeof(src->where), "%s, offset %" PRIu64 ", %" PRIu64 " bytes",
		 damage->file, damage->offset, damage->bytes);
	*ret_item = (struct source_item){
		.what = SOURCE_DAMAGE,
		.where = src->where,
		.at_tail = damage->at_tail,
	};
	return 0;
}

static bool is_same_tail(const struct log_damage *a, const struct log_damage *b)
{
	return !strcmp(a->file, b->file) && a->offset == b->offset && a->bytes == b->bytes;
}

/* As log_reader_next(); 0 with a damage told by the reader: that is there to stay. */
static int read_patiently(struct source_dir *src, struct source_item *item, struct log_pos *pos)
{
	const struct timespec wait = {.tv_nsec = TAIL_WAIT_MS * 1000000L};
	int err = log_reader_next(src->reader, &item->payload, &item->len, pos);

	for (int i = 0; !err && log_reader_damage(src->reader) && i < TAIL_TRIES; i++) {
		struct log_damage before = *log_reader_damage(src->reader);

		if (src->tail_known)
			break;
		nanosleep(&wait, NULL);
		err = log_reader_next(src->reader, &item->payload, &item->len, pos);
		if (!err && log_reader_damage(src->reader) &&
		    is_same_tail(&before, log_reader_damage(src->reader)))
			src->tail_known = true;
	}
	return err;
}

/* Segments went before they were read; or a writer left out numbers that it could not be sure of.
 */
static int tell_removed(struct source_dir *src, const struct log_pos *pos,
			struct source_item *ret_item)
{
	snprintf(src->where, sizeof(src->where),
		 "%" PRIu64 " frames before %020" PRIu64
		 ".seg are not there: removed before they were read, or never written",
		 pos->index - src->last.index - 1, pos->segment);
	*ret_item = (struct source_item){.what = SOURCE_DAMAGE, .where = src->where};
	return 0;
}

static int follow_next(struct source_dir *src, struct source_item *ret_item)
{
	const struct timespec wait = {.tv_nsec = FOLLOW_MS * 1000000L};
	struct source_item item = {.what = SOURCE_RECORD};
	struct log_pos pos;
	int err;

	if (src->is_held) {
		src->is_held = false;
		*ret_item = src->held;
		return 0;
	}
	err = log_reader_next(src->reader, &item.payload, &item.len, &pos);
	if (err == -EBADMSG) {
		src->has_last = false; /* numbers are counted anew behind it */
		return tell_damage(src, ret_item);
	}
	if (err < 0)
		return log_err(err, "%s: cannot read the evidence log", src->dir);
	if (err == 0) {
		src->is_at_end = true;
		if (!src->source.no_wait)
			nanosleep(&wait, NULL);
		item.what = SOURCE_WAIT;
		*ret_item = item;
		return 0;
	}
	item.segment = pos.segment;
	item.is_old = !src->is_at_end && src->since_ns == INT64_MIN;
	bool is_gap = src->has_last && pos.segment != src->last.segment &&
		      pos.index > src->last.index + 1;

	src->held = item;
	src->is_held = is_gap;
	*ret_item = item;
	if (is_gap)
		tell_removed(src, &pos, ret_item);
	src->last = pos;
	src->has_last = true;
	return 0;
}

static int source_dir_next(struct source *source, struct source_item *ret_item)
{
	struct source_dir *src = (struct source_dir *)source;
	struct source_item item = {.what = SOURCE_RECORD};
	struct log_pos pos;

	if (src->follow)
		return follow_next(src, ret_item);
	int err = src->tail_told ? 0 : read_patiently(src, &item, &pos);

	if (err == -EBADMSG)
		return tell_damage(src, ret_item);
	if (err < 0)
		return log_err(err, "%s: cannot read the evidence log", src->dir);
	if (err == 0 && !src->tail_told && log_reader_damage(src->reader)) {
		src->tail_told = true;
		return tell_damage(src, ret_item);
	}
	if (err == 0)
		item = (struct source_item){.what = SOURCE_END};
	else
		item.segment = pos.segment;
	item.skipped = log_reader_skipped(src->reader);
	*ret_item = item;
	return 0;
}

static int source_dir_rewind(struct source *source)
{
	struct source_dir *src = (struct source_dir *)source;

	log_reader_close(src->reader);
	src->reader = NULL;
	src->tail_told = false;
	if (src->outline)
		return log_reader_open_outline(src->dir, src->whole, src->whole_cnt, &src->reader);
	return log_reader_open(src->dir, 0, &src->reader);
}

static int source_dir_outline(struct source *source, unsigned int partition,
			      const struct log_range *whole, size_t cnt)
{
	struct source_dir *src = (struct source_dir *)source;

	(void)partition;
	src->outline = cnt != 1 || whole->from || whole->to != UINT64_MAX;
	src->whole = whole;
	src->whole_cnt = cnt;
	return source_dir_rewind(source);
}

static void source_dir_close(struct source *source)
{
	struct source_dir *src = (struct source_dir *)source;

	if (src->reader)
		log_reader_close(src->reader);
	free(src->dir);
	free(src);
}

/* The newest segment; or that in which this time lies, by the first record of each. */
static int find_start(struct source_dir *src, uint64_t *ret_segment)
{
	int64_t until_ns = src->since_ns == INT64_MIN ? INT64_MAX : src->since_ns - MARGIN_NS;
	struct log_reader *reader;
	const uint8_t *payload;
	struct log_pos pos, last = {.segment = UINT64_MAX};
	struct peek p;
	size_t len;
	int err = log_reader_open_outline(src->dir, NULL, 0, &reader);

	if (err)
		return err;
	*ret_segment = 0;
	while ((err = log_reader_next(reader, &payload, &len, &pos)) > 0 || err == -EBADMSG) {
		if (err < 0 || pos.segment == last.segment)
			continue;
		last = pos;
		if (event_peek(payload, len, &p) && p.has_time && p.time_unix_nano > until_ns)
			break;
		*ret_segment = pos.segment;
	}
	log_reader_close(reader);
	return err < 0 && err != -EBADMSG ? err : 0;
}

static int start_following(struct source_dir *src, int64_t since_ns)
{
	uint64_t segment;
	int err;

	src->follow = true;
	src->since_ns = since_ns;
	err = find_start(src, &segment);
	if (err)
		return log_err(err, "%s: cannot read the evidence log", src->dir);
	log_reader_close(src->reader);
	src->reader = NULL;
	return log_reader_open(src->dir, segment, &src->reader);
}

int source_dir_open(const char *dir, struct source **ret_src)
{
	static const struct source_type type = {
		.next = source_dir_next,
		.rewind = source_dir_rewind,
		.outline = source_dir_outline,
		.close = source_dir_close,
	};
	struct log_reader *reader;
	int err = log_reader_open(dir, 0, &reader); /* says what is wrong */

	if (err < 0)
		return err;
	struct source_dir *src = memory_zalloc(sizeof(*src));

	src->source.type = &type;
	src->source.partition_cnt = 1;
	src->dir = memory_strdup(dir);
	src->reader = reader;
	*ret_src = &src->source;
	return 0;
}

int source_dir_follow(const char *dir, int64_t since_ns, struct source **ret_src)
{
	struct source *src;
	int err = source_dir_open(dir, &src);

	if (err)
		return err;
	err = start_following((struct source_dir *)src, since_ns);
	if (err)
		source_close(src);
	else
		*ret_src = src;
	return err;
}
