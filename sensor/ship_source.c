/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log as the shipper reads it: see ship_source.h.
 *
 * Why the check: acknowledged frames are not synced, and neither is the cursor. After a power cut
 * the log can end before the cursor, and new frames would be taken for shipped ones. So the frame
 * before the cursor must be the one the cursor remembers, or be gone with everything before it
 * (released). If what is below the cursor is damaged it must be there: behind the damage, where
 * frames are counted too low, could be some that were never shipped.
 */
#include "sensor/ship_source.h"

#include <inttypes.h>

#include "evidence/base.h"
#include "evidence/crc32c.h"
#include "evidence/diag.h"
#include "evidence/log.h"
#include "sensor/ship_producer.h"

int ship_source_seek(struct ship_source *src, uint64_t index)
{
	struct log_reader *reader;
	int err = log_reader_open(src->dir, index, &reader);

	if (err)
		return err;
	log_reader_close(src->reader);
	src->reader = reader;
	src->held = src->at_end = false;
	return 0;
}

int ship_source_open(struct ship_source *src, const char *dir, const struct ship_mark *mark)
{
	*src = (struct ship_source){.dir = dir, .checking = mark->index > 0};
	/* From the oldest there is: of what is below the mark, one segment is left at most, as a
	 * rule. */
	return ship_source_seek(src, 0);
}

void ship_source_close(struct ship_source *src)
{
	if (src->reader)
		log_reader_close(src->reader);
	*src = (struct ship_source){0};
}

static int tell_damage(struct ship_source *src)
{
	const struct log_damage *d = log_reader_damage(src->reader);

	src->damaged = true;
	log_warn("evidence log %s/%s is damaged at offset %" PRIu64 ": %" PRIu64
		 " bytes cannot be shipped, going on at record %" PRIu64,
		 src->dir, d->file, d->offset, d->bytes, d->next_index);
	return -EBADMSG;
}

int ship_source_peek(struct ship_source *src)
{
	struct log_pos pos;
	int got;

	if (src->held)
		return 1;
	src->at_end = false;
	got = log_reader_next(src->reader, &src->frame.payload, &src->frame.len, &pos);
	if (got > 0) {
		src->frame.index = pos.index;
		src->held = true;
		return 1;
	}
	if (got == -EBADMSG)
		return tell_damage(src);
	if (got < 0 && ship_once_a_minute(&src->told_ms))
		log_err(got, "cannot read the evidence log %s; trying again", src->dir);
	src->at_end = got == 0;
	return got;
}

void ship_source_take(struct ship_source *src)
{
	src->held = false;
}

static bool is_last_acknowledged(const struct ship_frame *frame, const struct ship_mark *mark)
{
	return !mark->has_crc || crc32c(0, frame->payload, frame->len) == mark->last_crc;
}

int ship_source_check(struct ship_source *src, const struct ship_mark *mark)
{
	int got = ship_source_peek(src);

	if (got == 0 && src->seen_end > 0 && src->seen_end < mark->index)
		return -ESTALE;
	if (got <= 0)
		return got;
	if (src->frame.index >= mark->index) {
		if (src->damaged)
			return -ESTALE;
		src->checking = false;
		return 1;
	}
	if (src->frame.index + 1 == mark->index) {
		if (!is_last_acknowledged(&src->frame, mark))
			return -ESTALE;
		src->checking = false;
	}
	src->seen_end = src->frame.index + 1;
	ship_source_take(src);
	return 1;
}
