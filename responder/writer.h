/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON into memory, for views that print a line per record: keys are ours and go out as they are,
 * values are escaped. Objects and lists that stay empty are not printed at all.
 */
#ifndef VARVE_RESPONDER_WRITER_H
#define VARVE_RESPONDER_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define WRITER_DEPTH 16

struct writer {
	char *buf;
	size_t len, cap;
	unsigned int depth;
	size_t starts[WRITER_DEPTH]; /* where each open object or list began, with its key */
};

/* All zero is a writer; what it holds is freed by this. */
void writer_fini(struct writer *w);

/* key NULL: an element of a list, or the whole. Nested at most WRITER_DEPTH deep. */
void writer_object(struct writer *w, const char *key);
void writer_list(struct writer *w, const char *key);
/* Ends the innermost one; one that is empty goes away, its key too. */
void writer_end(struct writer *w);

/* NULL: nothing is written. What is not UTF-8 becomes U+FFFD, as in evidence/json.h. */
void writer_text(struct writer *w, const char *key, const char *s);
void writer_text_len(struct writer *w, const char *key, const char *s, size_t len);
/* 2^63 and more, which no sensor writes, become 2^63-1: readers refuse the whole line otherwise. */
void writer_number(struct writer *w, const char *key, uint64_t v);
void writer_signed(struct writer *w, const char *key, int64_t v);
/* The number as text. */
void writer_digits(struct writer *w, const char *key, uint64_t v);
void writer_bool(struct writer *w, const char *key, bool v);

/* As it is, without a comma or quotes. */
void writer_raw(struct writer *w, const char *s, size_t len);
/* Room for so many bytes more; returns where they go, the caller adds to w->len. */
char *writer_room(struct writer *w, size_t len);
/* Writes out what there is and begins anew. */
void writer_flush(struct writer *w, FILE *out);

#endif
