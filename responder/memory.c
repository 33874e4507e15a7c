/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is there, or the end of the program. */
#include "responder/memory.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include <stdarg.h>
#include <string.h>

void memory_exhausted(void)
{
	log_err(-ENOMEM, "cannot go on: narrow what is asked for (--since, --until, --container)");
	exit(1);
}

static void *or_end(void *p)
{
	if (!p)
		memory_exhausted();
	return p;
}

void *memory_zalloc(size_t size)
{
	return or_end(calloc(1, size ? size : 1));
}

char *memory_strdup(const char *s)
{
	return s ? or_end(strdup(s)) : NULL;
}

void *memory_grow(void *v, size_t cnt, size_t *cap, size_t elem_size)
{
	if (cnt < *cap)
		return v;
	size_t want = *cap ? *cap * 2 : 8;

	v = or_end(reallocarray(v, want, elem_size));
	*cap = want;
	return v;
}

char *memory_printf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return or_end(n < 0 ? NULL : s);
}
