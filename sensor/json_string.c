/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/json_string.h"

#include <string.h>

void json_string_copy(const json_t *value, char *dst, size_t size)
{
	const char *s = json_string_value(value);
	size_t len = json_string_length(value), out = 0;

	for (size_t i = 0, n; s && i < len; i += n) {
		const char *from = s[i] ? s + i : "\xef\xbf\xbd";

		for (n = 1; i + n < len && (s[i + n] & 0xc0) == 0x80; n++)
			;
		size_t width = s[i] ? n : 3;

		if (width >= size - out)
			break;
		memcpy(dst + out, from, width);
		out += width;
	}
	if (s)
		dst[out] = 0;
}

void json_string_copy_key(const json_t *object, const char *key, char *dst, size_t size)
{
	if (key)
		json_string_copy(json_object_get(object, key), dst, size);
}
