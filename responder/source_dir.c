/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence in a log directory. A sensor may still be writing to it: the reader takes what is
 * flushed. */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/log.h"
#include "responder/memory.h"
#include "responder/source.h"
#include <inttypes.h>
#include <string.h>

struct source_dir {
	struct source source;
	char *dir;
	struct log_reader *reader;
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

static int source_dir_next(struct source *source, struct source_item *ret_item)
{
	struct source_dir *src = (struct source_dir *)source;
	struct source_item item = {.what = SOURCE_RECORD};
	struct log_pos pos;
	int err = log_reader_next(src->reader, &item.payload, &item.len, &pos);

	if (err == -EBADMSG)
		return tell_damage(src, ret_item);
	if (err < 0)
		return log_err(err, "%s: cannot read the evidence log", src->dir);
	if (err == 0)
		item = (struct source_item){.what = SOURCE_END};
	*ret_item = item;
	return 0;
}

static int source_dir_rewind(struct source *source)
{
	struct source_dir *src = (struct source_dir *)source;

	log_reader_close(src->reader);
	src->reader = NULL;
	return log_reader_open(src->dir, 0, &src->reader);
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
