/* SPDX-License-Identifier: Apache-2.0 */
/* What is looked for in the evidence: paths, hashes, addresses, names, programs, users. */
#ifndef VARVE_RESPONDER_INDICATORS_H
#define VARVE_RESPONDER_INDICATORS_H

#include "evidence/event.h"
#include "responder/strmap.h"

#define INDICATORS_MAX	 1000000 /* and a file has at most INDICATORS_BYTES */
#define INDICATORS_BYTES (64u << 20)

enum indicator_type {
	INDICATOR_PATH,	  /* a glob, as filter_path_matches() */
	INDICATOR_SHA256, /* in lower case */
	INDICATOR_IP,	  /* an address or a CIDR */
	INDICATOR_DOMAIN, /* itself and all below it; in lower case */
	INDICATOR_EXEC,	  /* a glob: path, last name or command line */
	INDICATOR_USER,	  /* a uid */
	INDICATOR_COMM,	  /* a glob */
	INDICATOR_TYPE_CNT
};

struct indicator {
	enum indicator_type type;
	char *text;	   /* normalised */
	char *where;	   /* "FILE:12"; NULL: of the command line */
	uint8_t addr[16];  /* INDICATOR_IP: IPv4 is mapped into IPv6 */
	unsigned int bits; /* that count */
	uint32_t uid;
	uint64_t seen; /* scratch of indicators_match(): the record that it was told of */
};

struct indicators {
	struct indicator *v;
	size_t cnt, cap;
	struct strmap exact; /* "TYPE TEXT" of those that need no comparing, to their number + 1 */
	size_t *patterns;    /* the others */
	size_t pattern_cnt, pattern_cap;
	bool has[INDICATOR_TYPE_CNT];
	uint64_t record; /* scratch: the number of the record */
};

void indicators_fini(struct indicators *in);
/* "sha256" */
const char *indicator_type_name(enum indicator_type type);
/*
 * Adds one of the command line ("--sha256 VALUE"): 0, or -EINVAL, told in one line. What is there
 * already is not added again.
 */
int indicators_add(struct indicators *in, enum indicator_type type, const char *value);
/*
 * A file: on each line "TYPE VALUE", or a value alone that shows what it is (path, SHA-256,
 * address, CIDR, name of a domain); "[.]" is read as a dot. Empty lines are skipped, and what is
 * behind a #. The error names line and word. indicators_parse() does the same of text; name is for
 * messages.
 */
int indicators_load(struct indicators *in, const char *path);
int indicators_parse(struct indicators *in, const char *name, const char *text, size_t len);

typedef void (*indicators_fn)(size_t number, void *ctx);
/* Each indicator that the record shows, once. */
void indicators_match(struct indicators *in, const Varve__V1__Event *ev, indicators_fn fn,
		      void *ctx);

#endif
