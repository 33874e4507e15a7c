/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cost [BYTES [RECORDS]]: what it costs to take a record into the tree, in CPU time of this process: by evidence/tree.c, and the same
 * hashes by EVP. One line each; where the processor has SHA instructions, design's bound is 600 ns for 500 bytes.
 */
#include "evidence/base.h"
#include "evidence/tree.h"
#include <openssl/evp.h>
#include <string.h>
#include <time.h>

#define ROUNDS 7 /* the least of them: others take processor time as well */

static double cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void by_tree(const uint8_t *record, size_t len, size_t cnt)
{
	static struct tree tree;
	struct tree_hash leaf;

	tree_init(&tree);
	for (size_t i = 0; i < cnt; i++) {
		tree_leaf_hash(record, len, &leaf);
		tree_add(&tree, &leaf);
	}
}

/* A leaf, and a node: as many as there are leaves, all in all. */
static void by_evp(const uint8_t *record, size_t len, size_t cnt)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t out[32], in[65] = {1};

	for (size_t i = 0; i < cnt; i++) {
		EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
		EVP_DigestUpdate(ctx, "", 1);
		EVP_DigestUpdate(ctx, record, len);
		EVP_DigestFinal_ex(ctx, out, NULL);
		memcpy(in + 1, out, sizeof(out));
		EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
		EVP_DigestUpdate(ctx, in, sizeof(in));
		EVP_DigestFinal_ex(ctx, in + 33, NULL);
	}
	EVP_MD_CTX_free(ctx);
}

int main(int argc, char **argv)
{
	size_t len = argc > 1 ? strtoull(argv[1], NULL, 10) : 500;
	size_t cnt = argc > 2 ? strtoull(argv[2], NULL, 10) : 200000;
	static const struct {
		const char *name;
		void (*run)(const uint8_t *record, size_t len, size_t cnt);
	} ways[] = {{"tree", by_tree}, {"EVP", by_evp}};
	uint8_t *record = calloc(1, len + 1);

	for (size_t w = 0; w < ARRAY_SIZE(ways); w++) {
		double least = 0;

		for (int round = 0; round < ROUNDS; round++) {
			double begin = cpu_ns(), ns;

			ways[w].run(record, len, cnt);
			ns = (cpu_ns() - begin) / cnt;
			if (!round || ns < least)
				least = ns;
		}
		printf("%s: %.0f ns of CPU for a record of %zu bytes\n", ways[w].name, least, len);
	}
	free(record);
	return 0;
}
