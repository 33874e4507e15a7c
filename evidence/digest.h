/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of files and the like, as hexadecimal text. */
#ifndef VARVE_DIGEST_H
#define VARVE_DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DIGEST_LEN	32
#define DIGEST_HEX_SIZE (2 * DIGEST_LEN + 1)

void digest_hex(const uint8_t digest[DIGEST_LEN], char ret_hex[DIGEST_HEX_SIZE]);
/* Of all that read_some() gives: bytes, 0 at the end, or a negative errno, which is returned then.
 * ret_size may be NULL. */
int digest_stream(ssize_t (*read_some)(void *ctx, void *buf, size_t size), void *ctx,
		  char ret_hex[DIGEST_HEX_SIZE], uint64_t *ret_size);
int digest_file(const char *path, char ret_hex[DIGEST_HEX_SIZE], uint64_t *ret_size);

#endif
