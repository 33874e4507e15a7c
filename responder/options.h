/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of varve. */
#ifndef VARVE_RESPONDER_OPTIONS_H
#define VARVE_RESPONDER_OPTIONS_H

#include "responder/filter.h"
#include "responder/history.h"
#include "responder/indicators.h"
#include "responder/source.h"
#include <stdio.h>

enum exit_status {
	EXIT_OK = 0, /* also: COMPLETE */
	EXIT_IO = 1,
	EXIT_USAGE = 2, /* also: nothing matches */
	EXIT_INCOMPLETE = 3,
	EXIT_UNKNOWN = 4,
	EXIT_NOT_FOUND = 5, /* find: and nothing is missing; 2 says that nothing was looked for */
};

/* One of the two that are compared. */
struct options_side {
	bool is_pod;
	const char *name;
};

struct options {
	const char *source;   /* the first one */
	const char **sources; /* all; those behind the first are in source_opts, too */
	size_t source_cnt, source_cap;
	int64_t now_ns; /* when it was called */
	const char *pod, *container;
	const char *pods_topic; /* Kafka: of the directory */
	bool read_all;		/* do not go by the directory */
	bool as_recorded;	/* show what was known when */
	const struct view_type *view;
	struct history_window window;
	struct filter_opts filter;
	struct indicators *indicators; /* NULL: none */
	struct options_side sides[2];
	size_t side_cnt;
	struct source_opts source_opts;
	struct source_property *properties; /* all strings are copies */
	size_t property_cap;
	bool has_properties_file;
	const char **key_files; /* keys that are trusted */
	size_t key_file_cnt, key_file_cap;
	const char *changes_file; /* of keys; NULL: a directory's own */
	const char *verdict_file; /* NULL: none */
	bool as_json;
	bool as_delimited;		   /* cat: records as they are, each behind its length */
	uint64_t silent_heartbeats;	   /* more than these without a word are a silence */
	const char *proof_file, *out_file; /* NULL: none */
	const char *case_id, *evidence_id, *description, *examiner; /* NULL: not given */
	const char *event_run;					    /* a copy */
	uint64_t event_sequence;
	const char **checkpoint_files; /* that the evidence must contain */
	size_t checkpoint_file_cnt, checkpoint_file_cap;
};

/* Which commands an option is for. */
enum options_for {
	FOR_REPLAY = 1,
	FOR_PODS = 2,
	FOR_CAT = 4,
	FOR_VERIFY = 8,
	FOR_PROVE = 16,
	FOR_CHECKPOINT = 32,
	FOR_COVERAGE = 64,
	FOR_EXPORT = 128,
	FOR_FIND = 256,
	FOR_DIFF = 512,
	FOR_FOLLOW = 1024,
	FOR_ALL = 0xffff,
	/* What prints much. */
	FOR_PAGED =
		FOR_REPLAY | FOR_PODS | FOR_CAT | FOR_FIND | FOR_DIFF | FOR_COVERAGE | FOR_VERIFY,
	FOR_FILTERED = FOR_REPLAY | FOR_CAT | FOR_FOLLOW, /* what prints records */
};

struct command {
	const char *name;
	const char *usage, *summary;
	unsigned int takes; /* enum options_for */
	int (*run)(const struct options *opts, FILE *out);
};

/*
 * Reads argv behind the command's name. 0, or -EINVAL: told in one line. Fills what options_fini()
 * frees in both cases. now_ns: what ages are counted from.
 */
int options_parse(const struct command *cmd, int argc, char **argv, int64_t now_ns,
		  struct options *ret_opts);
void options_fini(struct options *opts);
/* An option as a manual has it; value NULL: it takes none. */
struct option_text {
	const char *name, *value, *help;
};
/* Each option of the command, in the order of its help. */
void options_each(const struct command *cmd, void (*fn)(const struct option_text *o, void *ctx),
		  void *ctx);
/* What every command's --help says of the options. */
void options_print_help(const struct command *cmd, FILE *out);

#endif
