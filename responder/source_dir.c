/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence in a log directory. A sensor may still be writing to it: the reader takes what is
 * flushed. What is unreadable at the end of the newest segment may be a frame half written at this
 * very moment: it is called damage only when it is the same after a while.
 */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/log.h"
#include "responder/memory.h"
#include "responder/source.h"
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define TAIL_WAIT_MS 200
#define TAIL_TRIES   10 /* of a tail that moves and still cannot be read */

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

static int source_dir_next(struct source *source, struct source_item *ret_item)
{
	struct source_dir *src = (struct source_dir *)source;
	struct source_item item = {.what = SOURCE_RECORD};
	struct log_pos pos;
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

static int source_dir_outline(struct source *source, const struct log_range *whole, size_t cnt)
{
	struct source_dir *src = (struct source_dir *)source;

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
	src->dir = memory_strdup(dir);
	src->reader = reader;
	*ret_src = &src->source;
	return 0;
}
