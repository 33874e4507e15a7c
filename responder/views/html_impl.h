/* SPDX-License-Identifier: Apache-2.0 */
/* Of the view html, for its own files: what it keeps while records come. */
#ifndef VARVE_RESPONDER_VIEWS_HTML_IMPL_H
#define VARVE_RESPONDER_VIEWS_HTML_IMPL_H

#include "responder/history.h"
#include "responder/verdict.h"
#include <stdio.h>

#define HTML_SEEN (1u << 14) /* processes of which is remembered what was said of them last */

/* Text that is made by printing, in memory that is used again. */
struct html_text {
	FILE *out;
	char *s;
	size_t len;
};

/* What a browser copes with. What is more is left out, and told. */
struct html_limits {
	uint64_t rows;
	uint64_t row_bytes; /* of rows, as the browser holds them */
	uint64_t bytes;	    /* of the file */
};

struct html {
	const struct history *h;
	const struct verdict *verdict;
	struct html_limits limits;
	struct strmap containers;	/* by html_container_key(); the value is an index, from 1 */
	struct html_text rows, records; /* of the block that is being filled */
	struct html_text scratch;
	uint64_t block_rows;
	uint64_t row_cnt, row_bytes, bytes; /* in all */
	uint64_t left_cnt; /* records left out, with the times of the first and last */
	int64_t left_first_ns, left_last_ns;
	uint64_t seed;
	uint64_t seen[HTML_SEEN];
};

/* Begins anew; what was there is gone. */
FILE *html_text_begin(struct html_text *t);
/* s and len are the text from here on, until it begins anew; there is no NUL behind it. */
void html_text_end(struct html_text *t);
void html_text_fini(struct html_text *t);

/*
 * One record as the page's list and tree need it, as an element of a JSON array: [microseconds,
 * kind, class, container, process_uid, pid, name, flags, text, what is known of the process].
 */
void html_row_print(struct html *w, FILE *out, const struct history_container *c,
		    const Varve__V1__Event *ev);

/*
 * A block of text for the page's script, packed; there is nothing in it that markup could take for
 * its own. Returns the bytes that it took.
 */
size_t html_pack(FILE *out, const char *what, uint64_t cnt, const char *text, size_t len);

/* Text in markup: escaped as for a terminal, and for HTML. */
void html_escape(FILE *out, const char *s);

/* Node and id: the names that plain runc is given are not unique beyond a node. The caller frees.
 */
char *html_container_key(const struct history_container *c);
/* Verdict, pods, containers: what can be read without the script. */
void html_header_print(const struct html *w, FILE *out);
/* "default/web-7f9", or what is known instead. */
void html_print_title(const struct html *w, FILE *out);

#endif
