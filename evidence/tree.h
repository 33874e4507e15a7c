/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Merkle tree of a run's records (RFC 9162, section 2.1, SHA-256): record `sequence` is leaf
 * `sequence`. Pure: no I/O. A tree keeps its frontier only, the roots of the full subtrees that its
 * size is made of, so that it takes the same little space whatever its size.
 */
#ifndef VARVE_TREE_H
#define VARVE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TREE_HASH_LEN  32
#define TREE_LEVELS    64 /* a size has so many bits: most subtrees of a frontier */
#define TREE_PROOF_MAX 64 /* most hashes of an inclusion proof */
#define TREE_SIZE_MAX  (INT64_MAX / 2) /* of what comes from outside: room to grow remains */

struct tree_hash {
	uint8_t bytes[TREE_HASH_LEN];
};

struct tree {
	uint64_t size; /* leaves */
	struct tree_hash
		nodes[TREE_LEVELS]; /* [i]: root of the subtree of 2^i leaves, where size has
				     * that bit; the greatest is the first in the tree */
};

static inline void tree_init(struct tree *t)
{
	t->size = 0;
}
/* SHA-256(0x00 || payload). */
void tree_leaf_hash(const void *payload, size_t len, struct tree_hash *ret_hash);
/* The next leaf. */
void tree_add(struct tree *t, const struct tree_hash *leaf);
/* The root; of an empty tree the hash of nothing. */
void tree_root(const struct tree *t, struct tree_hash *ret_root);

/* The subtrees' roots, greatest first; ret_nodes has room for TREE_LEVELS. */
size_t tree_frontier(const struct tree *t, struct tree_hash *ret_nodes);
/* The tree of that size with that frontier. False: so many hashes are not of such a size. Whether
 * they are the right ones only a root that is trusted can say. */
bool tree_from_frontier(uint64_t size, const struct tree_hash *nodes, size_t cnt,
			struct tree *ret_tree);

/*
 * The ranges of leaves whose subtrees make the proof that leaf `index` is in the tree of `size`
 * (index < size): in the order of the proof, from the leaf's sibling up. ret_ranges has room for
 * TREE_PROOF_MAX. `to` is the first that is not of the range.
 */
struct tree_range {
	uint64_t from, to;
};
size_t tree_proof_ranges(uint64_t index, uint64_t size, struct tree_range *ret_ranges);
/* RFC 9162, 2.1.3.2: the leaf is at that index of the tree of that size and root. */
bool tree_verify_inclusion(const struct tree_hash *leaf, uint64_t index, uint64_t size,
			   const struct tree_hash *proof, size_t cnt, const struct tree_hash *root);

#endif
