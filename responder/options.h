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
	const char *source;
	const char *pod, *container;
	const struct view_type *view;
	struct history_window window;
	struct source_opts source_opts;
	struct source_property *properties; /* names are copies, values too */
};

struct command {
	const char *name;
	const char *usage, *summary;
	bool selects; /* takes --pod, --container, --since, --until, --format */
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
