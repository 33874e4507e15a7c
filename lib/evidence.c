/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libvarve-evidence: evidence/log_reader.c under names that are nobody else's. What the library has
 * besides is local to it (see the Makefile).
 */
#include "lib/evidence.h"
#include "evidence/base.h"
#include "evidence/log.h"
#include <string.h>

/* The reader itself: there is nothing to add. */
static struct log_reader *reader_of(const struct varve_log *log)
{
	return (struct log_reader *)log;
}

int varve_log_open(const char *dir, uint64_t from_index, struct varve_log **ret_log)
{
	struct log_reader *reader;
	int err = log_reader_open(dir, from_index, &reader);

	if (!err)
		*ret_log = (struct varve_log *)reader;
	return err;
}

void varve_log_close(struct varve_log *log)
{
	log_reader_close(reader_of(log));
}

int varve_log_next(struct varve_log *log, struct varve_record *ret_record)
{
	const uint8_t *payload;
	struct log_pos pos;
	size_t len;
	int rc = log_reader_next(reader_of(log), &payload, &len, &pos);

	if (rc == 1)
		*ret_record =
			(struct varve_record){payload, len, pos.index, pos.segment, pos.offset};
	return rc;
}

bool varve_log_damage(const struct varve_log *log, struct varve_damage *ret_damage)
{
	const struct log_damage *d = log_reader_damage(reader_of(log));

	if (!d)
		return false;
	*ret_damage = (struct varve_damage){
		.offset = d->offset,
		.bytes = d->bytes,
		.next_index = d->next_index,
		.at_tail = d->at_tail,
	};
	snprintf(ret_damage->file, sizeof(ret_damage->file), "%s", d->file);
	return true;
}
