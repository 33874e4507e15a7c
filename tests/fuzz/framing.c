/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of records as standard input gives it: whatever it is, reading ends, twice with the
 * same, and what was read stays within it. Of each record the peek must not say other than the
 * decoder.
 */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/event.h"
#include "evidence/peek.h"
#include "responder/source_stream.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_peek(const struct source_item *item)
{
	Varve__V1__Event *ev = event_decode(item->payload, item->len);
	struct peek p;

	if (ev && event_peek(item->payload, item->len, &p) &&
	    (p.sequence != ev->sequence || strlen(ev->run_id) != p.run_id.len ||
	     memcmp(p.run_id.at, ev->run_id, p.run_id.len) ||
	     !p.container_id.at != !(ev->container && ev->container->id)))
		abort();
	/* What can be decoded can be put in order. */
	if (ev && !event_peek(item->payload, item->len, &p))
		abort();
	varve__v1__event__free_unpacked(ev, NULL);
}

static size_t read_all(struct source *src, size_t size)
{
	struct source_item item;
	size_t cnt = 0, bytes = 0;

	while (!source_next(src, &item) && item.what != SOURCE_END) {
		cnt++;
		bytes += item.len;
		if (item.what == SOURCE_RECORD)
			check_peek(&item);
		else if (!item.where)
			abort();
	}
	if (bytes > size)
		abort();
	return cnt;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *file = size ? fmemopen((void *)data, size, "r") : NULL;
	struct source *src;
	size_t cnt;

	diag_init("fuzz", DIAG_ERROR);
	if (!file)
		return 0;
	src = source_stream_new(file);
	cnt = read_all(src, size);
	if (source_rewind(src) || read_all(src, size) != cnt)
		abort();
	source_close(src);
	return 0;
}
