/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence from standard input: a stream of records, each behind its length (framing.h). It is kept
 * first, since evidence is gone over twice.
 */
#include "evidence/base.h"
#include "evidence/confluent.h"
#include "evidence/log.h"
#include "responder/complain.h"
#include "responder/framing.h"
#include "responder/memory.h"
#include "responder/source_stream.h"
#include "responder/spool.h"
#include <inttypes.h>
#include <string.h>

struct source_stream {
	struct source source;
	FILE *file;
	enum framing framing;
	uint64_t offset; /* of what is read next */
	bool is_over;
	uint8_t head[FRAMING_HEAD_MAX];
	uint8_t buf[LOG_FRAME_MAX];
	char where[160];
};

static size_t take(struct source_stream *src, void *buf, size_t size)
{
	size_t len = fread(buf, 1, size, src->file);

	src->offset += len;
	return len;
}

/* Nothing says where the next record would begin. */
static int tell_damage(struct source_stream *src, struct source_item *ret_item, bool at_tail,
		       const char *what)
{
	src->is_over = true;
	snprintf(src->where, sizeof(src->where), "standard input, offset %" PRIu64 ": %s",
		 src->offset, what);
	*ret_item = (struct source_item){
		.what = SOURCE_DAMAGE, .where = src->where, .at_tail = at_tail};
	return 0;
}

/* 1: the length of a record, 0: the end, -EAGAIN: the end within it, -EBADMSG: something else. */
static int take_head(struct source_stream *src, size_t *ret_len)
{
	size_t len = 0, head_len;
	int got = 0;

	while (!got && len < FRAMING_HEAD_MAX) {
		if (!take(src, &src->head[len], 1))
			return len ? -EAGAIN : 0;
		len++;
		got = framing_parse(src->framing, src->head, len, &head_len, ret_len);
	}
	return got;
}

static int source_stream_next(struct source *source, struct source_item *ret_item)
{
	struct source_stream *src = (struct source_stream *)source;
	size_t len, got_len, skip;
	int got = src->is_over ? 0 : take_head(src, &len);

	if (got == -EAGAIN)
		return tell_damage(src, ret_item, true, "it ends within the length of a record");
	if (got < 0)
		return tell_damage(src, ret_item, false,
				   "no length of a record; what follows cannot be read");
	if (!got && ferror(src->file))
		return tell_damage(src, ret_item, true, "it cannot be read");
	*ret_item = (struct source_item){.what = SOURCE_END};
	if (!got)
		return 0;
	got_len = take(src, src->buf, len);
	if (got_len != len)
		return tell_damage(src, ret_item, true, "it ends within a record");
	/* No header says so here; but no Event begins with the prefix's zero byte. */
	skip = confluent_len(src->buf, len);
	*ret_item = (struct source_item){
		.what = SOURCE_RECORD, .payload = src->buf + skip, .len = len - skip};
	return 0;
}

static int source_stream_rewind(struct source *source)
{
	struct source_stream *src = (struct source_stream *)source;

	clearerr(src->file);
	src->offset = 0;
	src->is_over = false;
	return fseeko(src->file, 0, SEEK_SET) ? log_err(-errno, "cannot read standard input again")
					      : 0;
}

static void source_stream_close(struct source *source)
{
	struct source_stream *src = (struct source_stream *)source;

	cleanup_fclose(&src->file);
	free(src);
}

struct source *source_stream_new(FILE *file)
{
	static const struct source_type type = {
		.next = source_stream_next,
		.rewind = source_stream_rewind,
		.close = source_stream_close,
	};
	struct source_stream *src = memory_zalloc(sizeof(*src));
	uint8_t head[FRAMING_HEAD_MAX];

	src->source.type = &type;
	src->source.partition_cnt = 1;
	src->file = file;
	src->framing = framing_of(head, fread(head, 1, sizeof(head), file));
	rewind(file);
	return &src->source;
}

static bool is_zip(FILE *file)
{
	char head[4];
	bool is = fread(head, 1, sizeof(head), file) == sizeof(head) &&
		  !memcmp(head, "PK\3\4", sizeof(head));

	rewind(file);
	return is;
}

int source_stdin_open(struct source **ret_src)
{
	_cleanup_fclose_ FILE *file = NULL;
	int fd, err = spool(STDIN_FILENO, &fd);

	if (err)
		return err;
	file = fdopen(fd, "r");
	if (!file)
		memory_exhausted();
	rewind(file);
	/* Its keys and sums are read by its name. */
	if (is_zip(file))
		return complain(-EINVAL, "standard input is a bundle: name its file instead");
	*ret_src = source_stream_new(TAKE_PTR(file));
	return 0;
}
