/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of a run that has ended, however it did: from the frontier of a seal near its end, and
 * the records behind it. Seals come each second, so that few records have to be read.
 */
#include "evidence/event.h"
#include "evidence/log.h"
#include "evidence/seal.h"
#include "sensor/run.h"
#include <string.h>

#define NEAR	4096			   /* frames from the end; and then ... */
#define FARTHER 16			   /* times as many */
#define FAR	(NEAR * FARTHER * FARTHER) /* no farther: it was not sealed */

/* The tree as a seal of the log has it. False: it is no seal that this build made. */
static bool tree_of_seal(const Varve__V1__Event *ev, struct tree *ret_tree)
{
	struct note note;
	struct seal seal;

	return !seal_read(note_span_of(ev->seal->note), &note, &seal) &&
	       seal.size == ev->sequence && seal_tree_of_record(&seal, ev->seal, ret_tree);
}

/* Takes one record of the run; an empty tree waits for a seal, or for the first record. */
static void take(const Varve__V1__Event *ev, const uint8_t *payload, size_t len, struct tree *tree)
{
	struct tree_hash leaf;

	if (ev->sequence < tree->size)
		return;
	if (ev->sequence > tree->size) {
		tree_init(tree);
		if (ev->body_case != VARVE__V1__EVENT__BODY_SEAL || !tree_of_seal(ev, tree))
			return;
	}
	tree_leaf_hash(payload, len, &leaf);
	tree_add(tree, &leaf);
}

static int read_from(const char *dir, uint64_t from_index, const char *run_id, struct tree *tree)
{
	struct log_reader *reader;
	const uint8_t *payload;
	struct log_pos pos;
	size_t len;
	int err = log_reader_open(dir, from_index, &reader);

	tree_init(tree);
	if (err)
		return err;
	while ((err = log_reader_next(reader, &payload, &len, &pos)) == 1 || err == -EBADMSG) {
		Varve__V1__Event *ev = err == 1 ? event_decode(payload, len) : NULL;

		if (ev && !strcmp(ev->run_id, run_id))
			take(ev, payload, len, tree);
		varve__v1__event__free_unpacked(ev, NULL);
	}
	log_reader_close(reader);
	return err;
}

int run_find_tree(const char *dir, uint64_t next_index, const struct run_place *last,
		  struct tree *ret_tree)
{
	uint64_t back = NEAR;
	int err;

	tree_init(ret_tree);
	if (!last->run_id[0])
		return 0;
	for (;; back *= FARTHER) {
		err = read_from(dir, next_index - MIN(next_index, back), last->run_id, ret_tree);
		if (err || ret_tree->size == last->sequence + 1 || back >= MIN(next_index, FAR))
			break;
	}
	if (err || ret_tree->size != last->sequence + 1)
		tree_init(ret_tree);
	return err;
}
