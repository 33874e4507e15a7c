/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What always differs between two pods of one workload, and says nothing: their own names, ids and
 * addresses, pids, times. It is replaced, so that the same deed is the same text.
 */
#ifndef VARVE_RESPONDER_USUAL_H
#define VARVE_RESPONDER_USUAL_H

#include "evidence/event.h"
#include <stdio.h>

#define USUAL_MAX 64

struct usual_word {
	char *word;
	const char *stands; /* "<pod name>" */
	size_t len;
};

/* Zero it. What one side is called; more than USUAL_MAX are not taken. */
struct usual {
	struct usual_word words[USUAL_MAX];
	size_t cnt;
};

/* NULL, short words (below 4 bytes) and words that are there are passed over. */
void usual_add(struct usual *u, const char *word, const char *stands);
void usual_fini(struct usual *u);
/*
 * Prints the text with the words replaced where they stand alone, and so the process's own pids,
 * /proc/N, /task/N, numbers of eight digits or more, the directories of mounted ConfigMaps
 * (..2026_11_21_...). Nothing else is changed; it is not escaped.
 */
void usual_print(FILE *out, const struct usual *u, const Varve__V1__Process *p, const char *s,
		 size_t len);

#endif
