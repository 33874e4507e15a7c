/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of varve. */
#ifndef VARVE_RESPONDER_OPTIONS_H
#define VARVE_RESPONDER_OPTIONS_H

#include "responder/history.h"
#include "responder/source.h"
#include <stdio.h>

enum exit_status {
	EXIT_OK = 0, /* also: COMPLETE */
	EXIT_IO = 1,
	EXIT_USAGE = 2, /* also: nothing matches */
	EXIT_INCOMPLETE = 3,
	EXIT_UNKNOWN = 4,
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
	struct source_opts source_opts;
	struct source_property *properties; /* all strings are copies */
	size_t property_cap;
	bool has_properties_file;
	const char **key_files; /* keys that are trusted */
	size_t key_file_cnt, key_file_cap;
	const char *changes_file; /* of keys; NULL: a directory's own */
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
	FOR_FOLLOW = 256,
	FOR_ALL = 0xffff,
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
/* What every command's --help says of the options. */
void options_print_help(const struct command *cmd, FILE *out);

#endif
