/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/file.h"
#include "evidence/base.h"
#include "responder/memory.h"

int file_read(const char *path, size_t most, char **ret_data, size_t *ret_len)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *data = NULL;
	size_t len = 0, cap = 0, n;

	if (!f)
		return -errno;
	do {
		if (len == cap) {
			cap = MIN(MAX(2 * cap, 1u << 16), most);
			data = realloc(data, cap);
			if (!data)
				memory_exhausted();
		}
		n = fread(data + len, 1, cap - len, f);
		len += n;
	} while (n && len < most);
	if (ferror(f))
		return -EIO;
	*ret_data = TAKE_PTR(data);
	*ret_len = len;
	return 0;
}
