/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: the sensor without the hashing that its seals need; evidence/tree.c is who calls
 * these. The emulator that counts instructions (tests/bench/instructions.sh) has no SHA
 * instructions, with which hashing costs a tenth; what it costs is measured natively (make
 * bench-seals). All else of sealing stays. That it was used is said at the end, so that a table
 * cannot be made without it unnoticed.
 */
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static unsigned long left_out;

int SHA256_Init(SHA256_CTX *ctx)
{
	ctx->md_len = SHA256_DIGEST_LENGTH;
	return 1;
}

int SHA256_Update(SHA256_CTX *ctx, const void *data, size_t len)
{
	(void)ctx, (void)data, (void)len;
	return 1;
}

int SHA256_Final(unsigned char *digest, SHA256_CTX *ctx)
{
	memset(digest, 0, ctx->md_len);
	left_out++;
	return 1;
}

__attribute__((destructor)) static void say(void)
{
	fprintf(stderr, "no_sha: %lu hashes left out\n", left_out);
}
