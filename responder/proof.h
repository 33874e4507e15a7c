/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record with the proof that it is in a sealed tree, as c2sp.org/tlog-proof has it: index,
 * hashes and checkpoint, and the record's payload as extra data.
 */
#ifndef VARVE_RESPONDER_PROOF_H
#define VARVE_RESPONDER_PROOF_H

#include "evidence/note.h"
#include <stdio.h>

#define PROOF_SUFFIX ".tlog-proof"

struct proof {
	uint8_t *payload; /* proof_fini() frees */
	size_t payload_len;
	uint64_t index;
	struct tree_hash hashes[TREE_PROOF_MAX]; /* from the leaf's sibling up */
	size_t hash_cnt;
	struct note_span checkpoint; /* with its signatures; in the text that was parsed */
};

void proof_write(FILE *out, const struct proof *proof);
/* -EINVAL: it is none, or has no payload. */
int proof_parse(const char *text, size_t len, struct proof *ret_proof);
void proof_fini(struct proof *proof);

#endif
