/* SPDX-License-Identifier: Apache-2.0 */
/* libcrypto's decoder takes more than one text for the same bytes (white space, loose bits at the
 * end): what it gives is encoded anew and compared. */
#include "evidence/base64.h"
#include <openssl/evp.h>
#include <string.h>

void base64_encode(const void *data, size_t len, char *ret_text)
{
	EVP_EncodeBlock((unsigned char *)ret_text, data, len);
}

bool base64_decode(const char *text, size_t len, uint8_t *ret_data, size_t *ret_len)
{
	size_t padding = 0;

	if (len % 4)
		return false;
	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	/* By quads, so that no copy of the whole is needed to compare. */
	for (size_t i = 0; i < len; i += 4) {
		size_t bytes = i + 4 == len ? 3 - padding : 3;
		uint8_t quad[3];
		char again[5];

		if (EVP_DecodeBlock(quad, (const unsigned char *)text + i, 4) != 3)
			return false;
		base64_encode(quad, bytes, again);
		if (memcmp(again, text + i, 4))
			return false;
		memcpy(ret_data + i / 4 * 3, quad, bytes);
	}
	*ret_len = len / 4 * 3 - padding;
	return true;
}

bool base64_decode_exactly(const char *text, size_t len, void *ret_data, size_t size)
{
	uint8_t data[BASE64_LEN(64)];
	size_t data_len;

	if (len != BASE64_LEN(size) || size > 64 || !base64_decode(text, len, data, &data_len) ||
	    data_len != size)
		return false;
	memcpy(ret_data, data, size);
	return true;
}
