/* SPDX-License-Identifier: Apache-2.0 */
/* Against RFC 9162's recursive definition, and the roots that Certificate Transparency's tests have had since RFC 6962. */
#include "evidence/tree.c"
#include "evidence/base.h"
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* The leaves and roots of the reference tests of RFC 6962 logs. */
static const struct {
	uint8_t data[16];
	size_t len;
	const char *root; /* of the tree up to and with this leaf */
} vectors[] = {
	{{0}, 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
	{{0x00}, 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
	{{0x10}, 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
	{{0x20, 0x21}, 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
	{{0x30, 0x31}, 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
	{{0x40, 0x41, 0x42, 0x43}, 4, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
	{{0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57}, 8, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
	{{0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f},
	 16,
	 "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
};

static void to_hex(const struct tree_hash *h, char ret_hex[65])
{
	for (int i = 0; i < TREE_HASH_LEN; i++)
		sprintf(ret_hex + 2 * i, "%02x", h->bytes[i]);
}

static void test_known_answers(void **state)
{
	(void)state;
	struct tree_hash leaf, root;
	struct tree t;
	char hex[65];

	tree_init(&t);
	tree_root(&t, &root);
	to_hex(&root, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		tree_leaf_hash(vectors[i].data, vectors[i].len, &leaf);
		tree_add(&t, &leaf);
		tree_root(&t, &root);
		to_hex(&root, hex);
		assert_string_equal(hex, vectors[i].root);
	}
}

/* The definition, word for word, with plain EVP. */
static void sha256(const uint8_t *in, size_t len, struct tree_hash *ret)
{
	assert_int_equal(EVP_Digest(in, len, ret->bytes, NULL, EVP_sha256(), NULL), 1);
}

static struct tree_hash leaf_of(uint64_t i)
{
	uint8_t in[9] = {0};
	struct tree_hash h;

	memcpy(in + 1, &i, sizeof(i));
	sha256(in, sizeof(in), &h);
	return h;
}

static struct tree_hash mth(uint64_t from, uint64_t to)
{
	struct tree_hash left, right, h;
	uint8_t in[65] = {1};
	uint64_t k = 1;

	if (to - from == 1)
		return leaf_of(from);
	while (k * 2 < to - from)
		k *= 2;
	left = mth(from, from + k);
	right = mth(from + k, to);
	memcpy(in + 1, &left, 32);
	memcpy(in + 33, &right, 32);
	sha256(in, sizeof(in), &h);
	return h;
}

static void test_as_defined(void **state)
{
	(void)state;
	struct tree_hash nodes[TREE_LEVELS], root, leaf;
	struct tree t, again;

	tree_init(&t);
	for (uint64_t n = 1; n <= 70; n++) {
		struct tree_hash want = mth(0, n);

		leaf = leaf_of(n - 1);
		tree_add(&t, &leaf);
		tree_root(&t, &root);
		assert_memory_equal(&root, &want, sizeof(want));
		/* Goes on from its frontier. */
		assert_true(tree_from_frontier(n, nodes, tree_frontier(&t, nodes), &again));
		tree_root(&again, &root);
		assert_memory_equal(&root, &want, sizeof(want));
		leaf = leaf_of(n);
		tree_add(&again, &leaf);
		want = mth(0, n + 1);
		tree_root(&again, &root);
		assert_memory_equal(&root, &want, sizeof(want));
		assert_false(tree_from_frontier(n, nodes, tree_frontier(&t, nodes) + 1, &again));
	}
}

static void test_inclusion(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= 40; n++) {
		struct tree_hash root = mth(0, n);

		for (uint64_t i = 0; i < n; i++) {
			struct tree_range ranges[TREE_PROOF_MAX];
			struct tree_hash proof[TREE_PROOF_MAX], leaf = leaf_of(i), other = leaf_of(i + 1);
			size_t cnt = tree_proof_ranges(i, n, ranges);

			for (size_t k = 0; k < cnt; k++)
				proof[k] = mth(ranges[k].from, ranges[k].to);
			assert_true(tree_verify_inclusion(&leaf, i, n, proof, cnt, &root));
			assert_false(tree_verify_inclusion(&other, i, n, proof, cnt, &root));
			assert_false(tree_verify_inclusion(&leaf, i + 1, n, proof, cnt, &root));
			assert_false(tree_verify_inclusion(&leaf, i, n, proof, cnt + 1, &root));
			if (cnt) {
				assert_false(tree_verify_inclusion(&leaf, i, n, proof, cnt - 1, &root));
				proof[cnt - 1].bytes[0] ^= 1;
				assert_false(tree_verify_inclusion(&leaf, i, n, proof, cnt, &root));
			}
		}
	}
}

static void test_great_sizes(void **state)
{
	(void)state;
	struct tree_range ranges[TREE_PROOF_MAX];
	struct tree_hash leaf = {}, nodes[TREE_LEVELS] = {};
	struct tree t;

	assert_int_equal(tree_proof_ranges(UINT64_MAX - 1, UINT64_MAX, ranges), 63);
	assert_int_equal(tree_proof_ranges(0, UINT64_MAX, ranges), 64);
	assert_true(tree_from_frontier(TREE_SIZE_MAX, nodes, 62, &t));
	tree_add(&t, &leaf);
	assert_int_equal(tree_frontier(&t, nodes), 1);
	assert_false(tree_from_frontier(INT64_MAX, nodes, 63, &t));
	assert_false(tree_from_frontier(UINT64_MAX, nodes, 64, &t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_as_defined),
		cmocka_unit_test(test_inclusion),
		cmocka_unit_test(test_great_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
