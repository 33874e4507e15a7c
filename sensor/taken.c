/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/taken.h"
#include "evidence/base.h"
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct taken_number));
}

static size_t held(const struct taken *t)
{
	return MIN(t->cnt, ARRAY_SIZE(t->last));
}

void taken_add(struct taken *t, const struct taken_number *number)
{
	t->last[t->cnt++ % ARRAY_SIZE(t->last)] = *number;
}

void taken_sort(struct taken *t)
{
	qsort(t->last, held(t), sizeof(t->last[0]), compare);
}

bool taken_has(const struct taken *t, const struct taken_number *number)
{
	return t && bsearch(number, t->last, held(t), sizeof(*number), compare);
}
