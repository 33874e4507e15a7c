/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a seal: a checkpoint (evidence/note.h) of the tree of a run's records, with what else
 * is sealed in its extension lines. docs/SEALS.md has the lines.
 */
#ifndef VARVE_EVIDENCE_SEAL_H
#define VARVE_EVIDENCE_SEAL_H

#include "evidence/note.h"
#include "varve.pb-c.h"

#define SEAL_CLASSES_MAX 16

/* Of a class of events, since the run began, as far as accounts were settled. */
struct seal_count {
	char event_class[16];
	uint64_t recorded, lost, suppressed;
};

struct seal {
	struct note_span key_name; /* "varve/" and the node: who signs */
	struct note_span run_id;   /* both are in the origin */
	uint64_t size; /* of the tree: the records 0 to size - 1, the seal itself is the next */
	struct tree_hash root;
	uint64_t number; /* of the seal in its run, from 0 */
	uint64_t first; /* the first record since the last seal: that seal itself; 0 in the first */
	int64_t time_unix_nano;
	uint64_t boot_time_nano;
	bool has_previous;
	struct tree_hash previous; /* leaf hash of the last seal */
	struct seal_count counts[SEAL_CLASSES_MAX];
	size_t count_cnt;
	bool has_next; /* from the next seal on another key signs; this one has both signatures */
	struct note_key next;
	bool final; /* the run ended as asked */
};

/* The name under which a node's keys sign: characters that a key's name cannot have become %XX.
 * -ENAMETOOLONG. */
int seal_key_name(const char *node_name, char ret_name[NOTE_NAME_MAX + 1]);
/* Writes the text, without signatures. -EMSGSIZE. */
int seal_format(const struct seal *seal, char *buf, size_t size, size_t *ret_len);
/* Pointers go into the text. Lines that it does not know are passed over. -EINVAL: no seal. */
int seal_parse(struct note_span text, struct seal *ret_seal);
/* The same of a note with its signatures, which may be anything: all that is there is parsed, and
 * nothing verified. -EINVAL. */
int seal_read(struct note_span text, struct note *ret_note, struct seal *ret_seal);
/*
 * The tree as it was at the seal: the frontier is not signed, but only one has the seal's root.
 * False: this is not it.
 */
bool seal_tree_of_record(const struct seal *seal, const Varve__V1__Seal *record,
			 struct tree *ret_tree);
/* The same of hashes. */
bool seal_tree(const struct seal *seal, const struct tree_hash *frontier, size_t cnt,
	       struct tree *ret_tree);

#endif
