/* SPDX-License-Identifier: Apache-2.0 */
/* Seals for a sample of one run: what the sensor would have written between the records. */
#ifndef VARVE_TESTS_SEALED_SAMPLE_H
#define VARVE_TESTS_SEALED_SAMPLE_H

#include "tests/unit/responder_sample.h"
#include "evidence/note.h"
#include "evidence/seal.h"
#include "evidence/tree.h"

struct sealer {
	EVP_PKEY *private_key;
	struct note_key key;
	uint64_t number, last; /* of the seal; sequence of the last one */
};

static inline void sealer_init(struct sealer *z)
{
	uint8_t pub[NOTE_PUB_LEN];
	size_t len = sizeof(pub);

	*z = (struct sealer){.private_key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
	assert_non_null(z->private_key);
	assert_int_equal(EVP_PKEY_get_raw_public_key(z->private_key, pub, &len), 1);
	assert_int_equal(note_key_init(&z->key, "varve/worker-1", pub), 0);
}

static inline void sealer_fini(struct sealer *z)
{
	EVP_PKEY_free(z->private_key);
}

/* The public key, as sensor.pub has it. */
static inline void sealer_write_key(const struct sealer *z, const char *path)
{
	char text[NOTE_VKEY_SIZE];
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	note_key_format(&z->key, text);
	fprintf(f, "%s\n", text);
	fclose(f);
}

static inline void sealer_fill(const struct sealer *z, const struct sample *s, struct tree *tree,
			       struct seal *ret_seal)
{
	tree_init(tree);
	for (size_t i = 0; i < s->cnt; i++) {
		struct tree_hash leaf;

		tree_leaf_hash(s->items[i].payload, s->items[i].len, &leaf);
		tree_add(tree, &leaf);
		if (z->number && i == z->last)
			ret_seal->previous = leaf;
	}
	ret_seal->has_previous = z->number;
	ret_seal->size = tree->size;
	tree_root(tree, &ret_seal->root);
}

/* All records so far are sealed by the next one. */
static inline void sample_seal(struct sample *s, struct sealer *z, bool final)
{
	struct seal seal = {.key_name = note_span_of("varve/worker-1"),
			    .run_id = note_span_of(s->run),
			    .number = z->number,
			    .first = z->number ? z->last : 0,
			    .time_unix_nano = s->now_ns,
			    .final = final};
	Varve__V1__Seal body = VARVE__V1__SEAL__INIT;
	struct tree_hash nodes[TREE_LEVELS];
	ProtobufCBinaryData frontier[TREE_LEVELS];
	struct sample_event e;
	struct tree tree;
	char note[4096];
	size_t len;

	sealer_fill(z, s, &tree, &seal);
	assert_int_equal(seal_format(&seal, note, sizeof(note), &len), 0);
	assert_int_equal(note_sign(note, sizeof(note), len, &len, &z->key, z->private_key), 0);
	note[len] = 0;
	body.note = note;
	body.n_frontier = tree_frontier(&tree, nodes);
	for (size_t i = 0; i < body.n_frontier; i++)
		frontier[i] = (ProtobufCBinaryData){TREE_HASH_LEN, nodes[i].bytes};
	body.frontier = frontier;
	z->last = s->sequence;
	z->number++;
	sample_begin(s, &e, NULL, 74);
	e.ev.seal = &body;
	sample_put(s, &e);
}

#endif
