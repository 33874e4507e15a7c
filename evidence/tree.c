/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA256_*() and not EVP_Digest*(): a record costs two or three hashes, and what EVP does around
 * each of them costs as much as the hash of a node itself (docs/BENCH.md, "Sealing"). OpenSSL calls
 * them deprecated since 3.0; they are the same code with the processor's SHA instructions.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "evidence/tree.h"
#include <openssl/sha.h>
#include <string.h>

/* SHA-256 of a byte and what follows it. Not SHA256(): since OpenSSL 3.0 that looks its algorithm
 * up by name each time. */
static void hash(uint8_t first, const void *data, size_t len, struct tree_hash *ret)
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, &first, 1);
	SHA256_Update(&ctx, data, len);
	SHA256_Final(ret->bytes, &ctx);
}

void tree_leaf_hash(const void *payload, size_t len, struct tree_hash *ret_hash)
{
	hash(0x00, payload, len, ret_hash);
}

/* ret may be left or right. */
static void node_hash(const struct tree_hash *left, const struct tree_hash *right,
		      struct tree_hash *ret)
{
	const struct tree_hash both[2] = {*left, *right};

	hash(0x01, both, sizeof(both), ret);
}

void tree_add(struct tree *t, const struct tree_hash *leaf)
{
	struct tree_hash node = *leaf;
	unsigned int level = 0;

	for (; t->size >> level & 1; level++)
		node_hash(&t->nodes[level], &node, &node);
	t->nodes[level] = node;
	t->size++;
}

void tree_root(const struct tree *t, struct tree_hash *ret_root)
{
	struct tree_hash root;
	unsigned int level;

	if (!t->size) {
		SHA256(NULL, 0, ret_root->bytes);
		return;
	}
	level = __builtin_ctzll(t->size);
	root = t->nodes[level];
	while (++level < TREE_LEVELS)
		if (t->size >> level & 1)
			node_hash(&t->nodes[level], &root, &root);
	*ret_root = root;
}

size_t tree_frontier(const struct tree *t, struct tree_hash *ret_nodes)
{
	size_t cnt = 0;

	for (unsigned int level = TREE_LEVELS; level-- > 0;)
		if (t->size >> level & 1)
			ret_nodes[cnt++] = t->nodes[level];
	return cnt;
}

bool tree_from_frontier(uint64_t size, const struct tree_hash *nodes, size_t cnt,
			struct tree *ret_tree)
{
	if (size > TREE_SIZE_MAX || cnt != (size_t)__builtin_popcountll(size))
		return false;
	ret_tree->size = size;
	for (unsigned int level = TREE_LEVELS; level-- > 0;)
		if (size >> level & 1)
			ret_tree->nodes[level] = *nodes++;
	return true;
}

/* The greatest power of two below n (n > 1): where RFC 9162 splits n leaves. */
static uint64_t split(uint64_t n)
{
	return 1ULL << (63 - __builtin_clzll(n - 1));
}

size_t tree_proof_ranges(uint64_t index, uint64_t size, struct tree_range *ret_ranges)
{
	struct tree_range down[TREE_PROOF_MAX];
	uint64_t from = 0, to = size;
	size_t cnt = 0;

	while (to - from > 1) {
		uint64_t middle = from + split(to - from);

		if (index < middle) {
			down[cnt++] = (struct tree_range){middle, to};
			to = middle;
		} else {
			down[cnt++] = (struct tree_range){from, middle};
			from = middle;
		}
	}
	for (size_t i = 0; i < cnt; i++)
		ret_ranges[i] = down[cnt - 1 - i];
	return cnt;
}

bool tree_verify_inclusion(const struct tree_hash *leaf, uint64_t index, uint64_t size,
			   const struct tree_hash *proof, size_t cnt, const struct tree_hash *root)
{
	struct tree_range ranges[TREE_PROOF_MAX];
	struct tree_hash node = *leaf;

	if (index >= size || tree_proof_ranges(index, size, ranges) != cnt)
		return false;
	for (size_t i = 0; i < cnt; i++) {
		if (ranges[i].from > index)
			node_hash(&node, &proof[i], &node);
		else
			node_hash(&proof[i], &node, &node);
	}
	return !memcmp(&node, root, sizeof(node));
}
