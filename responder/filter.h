/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which records are shown: by kind, class, process and what it began, path, result, time, and how
 * many. What is not shown still counts for the verdict: that is about the whole.
 */
#ifndef VARVE_RESPONDER_FILTER_H
#define VARVE_RESPONDER_FILTER_H

#include "evidence/event.h"
#include "responder/strmap.h"

#define FILTER_KIND_MAX	 128	 /* numbers of kinds */
#define FILTER_PROCESSES 1000000 /* of the subtree that are remembered */

enum filter_result { FILTER_ANY, FILTER_OK, FILTER_FAILED };

struct filter_opts {
	bool by_kind;
	bool kinds[FILTER_KIND_MAX];	      /* by number */
	const char *kind_words, *class_words; /* as given; NULL: not */
	unsigned int pid;		      /* 0: not by pid */
	const char *process_uid;	      /* NULL: not by uid */
	const char *path;		      /* a glob; NULL: any */
	enum filter_result result;
	bool limited;
	uint64_t limit;
};

/* Each takes an option's value (not copied): 0, or -EINVAL, told in one line. */
int filter_set_kind(struct filter_opts *o, const char *value);
int filter_set_class(struct filter_opts *o, const char *value);
int filter_set_process(struct filter_opts *o, const char *value);
int filter_set_path(struct filter_opts *o, const char *value);
int filter_set_result(struct filter_opts *o, const char *value);
int filter_set_limit(struct filter_opts *o, const char *value);

struct filter {
	const struct filter_opts *opts;
	struct strmap processes; /* of the subtree, by process_uid */
	uint64_t seen_cnt, passed_cnt, shown_cnt;
	uint64_t root_cnt; /* processes that had the pid */
	bool overflowed;   /* more processes than can be remembered */
};

void filter_init(struct filter *f, const struct filter_opts *opts);
void filter_fini(struct filter *f);
/* True if the record is to be shown. Must be asked of every record, in their order. */
bool filter_takes(struct filter *f, const Varve__V1__Event *ev);

/* True if anything can be left out. */
bool filter_is_on(const struct filter_opts *opts);
/* "--kind EXEC --path /tmp/x*"; the caller frees. */
char *filter_words(const struct filter_opts *opts);
/* What was left out, in a line, when all records went through; NULL: nothing. The caller frees. */
char *filter_summary(const struct filter *f);

/* True if the text is what the glob means: '*' takes slashes too; without a slash in it, it is
 * compared with the last name alone, too. */
bool filter_path_matches(const char *glob, const char *path, size_t len);

#endif
