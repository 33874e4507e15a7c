/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/framing.h"
#include "evidence/base.h"
#include "evidence/log.h"
#include <string.h>

#define NO_VALUE UINT32_MAX /* as kcat prints it */

enum framing framing_of(const uint8_t *head, size_t len)
{
	static const uint8_t none[] = {0xff, 0xff, 0xff, 0xff};

	return len && (!head[0] || (len >= sizeof(none) && !memcmp(head, none, sizeof(none))))
		       ? FRAMING_KCAT
		       : FRAMING_DELIMITED;
}

static int parse_kcat(const uint8_t *bytes, size_t avail, size_t *ret_head_len, size_t *ret_len)
{
	uint32_t len;

	if (avail < 4)
		return 0;
	len = (uint32_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
	if (len > LOG_FRAME_MAX && len != NO_VALUE)
		return -EBADMSG;
	*ret_head_len = 4;
	*ret_len = len == NO_VALUE ? 0 : len;
	return 1;
}

static int parse_delimited(const uint8_t *bytes, size_t avail, size_t *ret_head_len,
			   size_t *ret_len)
{
	uint32_t len = 0;

	for (size_t i = 0; i < avail && i < 3; i++) {
		len |= (uint32_t)(bytes[i] & 0x7f) << (7 * i);
		if (bytes[i] & 0x80)
			continue;
		if (!len || len > LOG_FRAME_MAX)
			return -EBADMSG;
		*ret_head_len = i + 1;
		*ret_len = len;
		return 1;
	}
	return avail < 3 ? 0 : -EBADMSG;
}

int framing_parse(enum framing framing, const uint8_t *bytes, size_t avail, size_t *ret_head_len,
		  size_t *ret_len)
{
	return framing == FRAMING_KCAT ? parse_kcat(bytes, avail, ret_head_len, ret_len)
				       : parse_delimited(bytes, avail, ret_head_len, ret_len);
}

void framing_write(FILE *out, const uint8_t *payload, size_t len)
{
	uint32_t left = len;

	for (; left >= 0x80; left >>= 7)
		fputc((left & 0x7f) | 0x80, out);
	fputc(left, out);
	fwrite(payload, 1, len, out);
}
