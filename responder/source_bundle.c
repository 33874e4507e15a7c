/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence in a bundle, or in the file of its records alone. */
#include "evidence/base.h"
#include "evidence/log.h"
#include "evidence/tree.h"
#include "responder/bundle.h"
#include "responder/complain.h"
#include "responder/memory.h"
#include "responder/source.h"
#include <inttypes.h>
#include <string.h>
#include <zip.h>

struct source_bundle {
	struct source source;
	char *path;
	zip_t *zip; /* NULL: the file of the records itself */
	zip_file_t *entry;
	FILE *file;
	uint64_t offset;
	bool is_unreadable;
	bool is_over; /* what follows cannot be read */
	uint8_t buf[LOG_FRAME_MAX];
	char where[128];
};

static int open_records(struct source_bundle *src)
{
	src->offset = 0;
	src->is_over = src->is_unreadable = false;
	if (src->zip)
		src->entry = zip_fopen(src->zip, BUNDLE_RECORDS, 0);
	else
		src->file = fopen(src->path, "re");
	if (!src->entry && !src->file)
		return complain(-EIO, "%s: neither a bundle nor records of one", src->path);
	return 0;
}

static void close_records(struct source_bundle *src)
{
	if (src->entry)
		zip_fclose(src->entry);
	cleanup_fclose(&src->file);
	src->entry = NULL;
	src->file = NULL;
}

/* So many bytes; fewer: the end, or they cannot be read. */
static size_t take(struct source_bundle *src, void *buf, size_t size)
{
	size_t len = 0;
	zip_int64_t n = 0;

	if (src->file)
		len = fread(buf, 1, size, src->file);
	else
		while (len < size && (n = zip_fread(src->entry, (char *)buf + len, size - len)) > 0)
			len += n;
	src->is_unreadable |= n < 0 || (src->file && ferror(src->file));
	src->offset += len;
	return len;
}

static int tell_damage(struct source_bundle *src, struct source_item *ret_item)
{
	snprintf(src->where, sizeof(src->where), BUNDLE_RECORDS ", offset %" PRIu64, src->offset);
	src->is_over = true;
	*ret_item = (struct source_item){.what = SOURCE_DAMAGE, .where = src->where};
	return 0;
}

/* Reads one item into buf. 1: there is one, 0: the end, -EBADMSG: something else. */
static int take_item(struct source_bundle *src, uint8_t *ret_what, size_t *ret_len)
{
	uint8_t head[5];
	size_t n = take(src, head, sizeof(head));

	if (!n)
		return src->is_unreadable ? -EBADMSG : 0;
	*ret_what = head[0];
	*ret_len = (size_t)head[1] << 24 | head[2] << 16 | head[3] << 8 | head[4];
	if (n < sizeof(head) || !*ret_len || *ret_len > sizeof(src->buf) ||
	    (head[0] == BUNDLE_LEAF ? *ret_len != TREE_HASH_LEN : head[0] != BUNDLE_RECORD) ||
	    take(src, src->buf, *ret_len) != *ret_len)
		return -EBADMSG;
	return 1;
}

static int source_bundle_next(struct source *source, struct source_item *ret_item)
{
	struct source_bundle *src = (struct source_bundle *)source;
	uint8_t what;
	size_t len;
	int got;

	do {
		got = src->is_over ? 0 : take_item(src, &what, &len);
		if (got < 0)
			return tell_damage(src, ret_item);
	} while (got && what == BUNDLE_LEAF && !source->with_leaves);
	*ret_item = (struct source_item){.what = SOURCE_END};
	if (got)
		*ret_item = (struct source_item){
			.what = what == BUNDLE_LEAF ? SOURCE_LEAF : SOURCE_RECORD,
			.payload = src->buf,
			.len = len,
		};
	return 0;
}

static int source_bundle_rewind(struct source *source)
{
	struct source_bundle *src = (struct source_bundle *)source;

	close_records(src);
	return open_records(src);
}

static void source_bundle_close(struct source *source)
{
	struct source_bundle *src = (struct source_bundle *)source;

	close_records(src);
	if (src->zip)
		zip_discard(src->zip);
	free(src->path);
	free(src);
}

int source_bundle_open(const char *path, struct source **ret_src)
{
	static const struct source_type type = {
		.next = source_bundle_next,
		.rewind = source_bundle_rewind,
		.close = source_bundle_close,
	};
	struct source_bundle *src = memory_zalloc(sizeof(*src));
	int err;

	src->source.type = &type;
	src->source.partition_cnt = 1;
	src->path = memory_strdup(path);
	src->zip = zip_open(path, ZIP_RDONLY, NULL);
	err = open_records(src);
	if (err) {
		source_bundle_close(&src->source);
		return err;
	}
	*ret_src = &src->source;
	return 0;
}
