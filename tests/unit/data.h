/* SPDX-License-Identifier: Apache-2.0 */
/* The files in tests/unit/data, read from the top of the source. */
#ifndef VARVE_TESTS_UNIT_DATA_H
#define VARVE_TESTS_UNIT_DATA_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The caller frees. */
static inline char *slurp(const char *name, size_t *ret_len)
{
	char path[PATH_MAX], *text = malloc(1 << 16);
	FILE *f;

	snprintf(path, sizeof(path), "tests/unit/data/%s", name);
	f = fopen(path, "re");
	if (!f)
		fail_msg("%s: run from the top of the source", path);
	*ret_len = fread(text, 1, 1 << 16, f);
	fclose(f);
	/* exact size, so that the sanitizer sees a read beyond the end */
	return realloc(text, *ret_len);
}

#endif
