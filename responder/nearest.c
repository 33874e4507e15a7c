/* SPDX-License-Identifier: Apache-2.0 */
/* By edit distance; a name that begins as what was asked for is near, however long it is. */
#include "responder/nearest.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include <ctype.h>
#include <string.h>

#define NAME_MAX_LEN 128

/* Edit distance (Levenshtein), over at most NAME_MAX_LEN bytes. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[NAME_MAX_LEN + 1];
	size_t alen = strnlen(a, NAME_MAX_LEN), blen = strnlen(b, NAME_MAX_LEN);

	for (size_t j = 0; j <= blen; j++)
		row[j] = j;
	for (size_t i = 1; i <= alen; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			unsigned int best = MIN(row[j], row[j - 1]) + 1;

			best = MIN(best, diagonal + (tolower((unsigned char)a[i - 1]) !=
						     tolower((unsigned char)b[j - 1])));
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[blen];
}

static unsigned int distance_to(const char *wanted, const char *name)
{
	_cleanup_free_ char *begin = memory_printf("%.*s", (int)MIN(strlen(wanted), 4096u), name);

	return MIN(distance(wanted, name), distance(wanted, begin) + 1);
}

/* Keeps the best, ascending. */
void nearest_offer(struct nearest *n, const char *wanted, const char *name)
{
	unsigned int d = distance_to(wanted, name);
	size_t i;

	for (i = 0; i < n->cnt; i++)
		if (!strcmp(n->names[i], name))
			return;
	if (n->cnt == NEAREST_CNT && d >= n->distances[n->cnt - 1])
		return;
	if (n->cnt == NEAREST_CNT)
		free(n->names[--n->cnt]);
	for (i = n->cnt++; i > 0 && n->distances[i - 1] > d; i--) {
		n->names[i] = n->names[i - 1];
		n->distances[i] = n->distances[i - 1];
	}
	n->names[i] = memory_strdup(name);
	n->distances[i] = d;
}

char *nearest_take_text(struct nearest *n)
{
	char *text = memory_strdup(n->cnt ? "; nearest: " : "");

	for (size_t i = 0; i < n->cnt; i++) {
		char *longer = memory_printf("%s%s%s", text, i ? ", " : "", n->names[i]);

		free(text);
		free(n->names[i]);
		text = longer;
	}
	n->cnt = 0;
	return text;
}
