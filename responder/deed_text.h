/* SPDX-License-Identifier: Apache-2.0 */
/* A record as what it says that somebody did, without what always differs. */
#ifndef VARVE_RESPONDER_DEED_TEXT_H
#define VARVE_RESPONDER_DEED_TEXT_H

#include "responder/usual.h"

#define DEED_HASHED "SHA-256 of what was executed or loaded"

/* sort: a literal; the text is not escaped, and not ended by NUL. */
typedef void (*deed_fn)(const char *sort, const char *text, size_t len, void *ctx);
/* Gives none, one or several deeds. */
void deed_text(const Varve__V1__Event *ev, const struct usual *u, deed_fn fn, void *ctx);
/* The order in which the sorts are shown. */
unsigned int deed_rank(const char *sort);

#endif
