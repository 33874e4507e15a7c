/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/digest.h"
#include "evidence/base.h"
#include <fcntl.h>
#include <openssl/evp.h>

void digest_hex(const uint8_t digest[DIGEST_LEN], char ret_hex[DIGEST_HEX_SIZE])
{
	for (int i = 0; i < DIGEST_LEN; i++)
		sprintf(ret_hex + 2 * i, "%02x", digest[i]);
}

int digest_stream(ssize_t (*read_some)(void *ctx, void *buf, size_t size), void *ctx,
		  char ret_hex[DIGEST_HEX_SIZE], uint64_t *ret_size)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t buf[16384], digest[EVP_MAX_MD_SIZE];
	uint64_t size = 0;
	ssize_t n = -ENOMEM;

	if (md && EVP_DigestInit_ex(md, EVP_sha256(), NULL))
		while ((n = read_some(ctx, buf, sizeof(buf))) > 0) {
			EVP_DigestUpdate(md, buf, n);
			size += n;
		}
	if (!n && !EVP_DigestFinal_ex(md, digest, NULL))
		n = -EIO;
	EVP_MD_CTX_free(md);
	if (n)
		return n;
	digest_hex(digest, ret_hex);
	if (ret_size)
		*ret_size = size;
	return 0;
}

static ssize_t read_fd(void *ctx, void *buf, size_t size)
{
	ssize_t n = read(*(int *)ctx, buf, size);

	return n < 0 ? -errno : n;
}

int digest_file(const char *path, char ret_hex[DIGEST_HEX_SIZE], uint64_t *ret_size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : digest_stream(read_fd, &fd, ret_hex, ret_size);
}
