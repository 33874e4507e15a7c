/* SPDX-License-Identifier: Apache-2.0 */
/* Sub-commands by table. */
#include "responder/commands.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/completion.h"
#include "responder/progress.h"
#include "responder/terminal.h"
#include <string.h>
#include <time.h>

static const struct command commands[] = {
	{"replay", "SOURCE... --pod NAMESPACE/NAME|UID | --container ID [OPTION]...",
	 "Prints what happened in a pod or container, and whether anything of it is missing:\n"
	 "exit status 0 COMPLETE, 3 INCOMPLETE, 4 UNKNOWN; 2 nothing matches, 1 cannot be read.",
	 FOR_REPLAY, cmd_replay},
	{"pods", "SOURCE... [OPTION]...",
	 "Lists pods and containers: who they are, first and last time, number of records.",
	 FOR_PODS, cmd_pods},
	{"cat", "SOURCE... [OPTION]...",
	 "Prints all records, as lines of JSON or as they are; exit status 3 if something could not be\n"
	 "read.",
	 FOR_CAT, cmd_cat},
	{"find",
	 "SOURCE... --path|--sha256|--ip|--domain|--exec|--user|--comm VALUE | --indicators FILE\n"
	 "                  [OPTION]...",
	 "Says in which pods and containers something was seen, since when, until when and how "
	 "often:\n"
	 "exit status 0 found, 5 not found and nothing is missing, 4 not found, but it may have "
	 "been\n"
	 "among what is missing; 1 cannot be read.",
	 FOR_FIND, cmd_find},
	{"diff", "SOURCE... --pod A --pod B [OPTION]...",
	 "Compares two pods of one workload (or two containers): what only one of them did, "
	 "without what\n"
	 "always differs; exit status as the worse of the two verdicts: 0 COMPLETE, 3 INCOMPLETE,\n"
	 "4 UNKNOWN; 2 nothing matches, 1 cannot be read.",
	 FOR_DIFF, cmd_diff},
	{"verify", "SOURCE... --key FILE [OPTION]...",
	 "Checks that the records are those that the sensor sealed, all of them, in order:\n"
	 "exit status 0 AUTHENTIC, 3 BROKEN, 4 OPEN or UNAUTHENTICATED; 2 there is no record,\n"
	 "1 cannot be read. Without --key nobody knows who sealed them: UNAUTHENTICATED.",
	 FOR_VERIFY, cmd_verify},
	{"coverage", "SOURCE... [OPTION]...",
	 "Says of each node since when it was watched, and what was not: gaps, hooks that are "
	 "missing,\n"
	 "losses, silences; exit status 0 nothing of all this, 3 something.",
	 FOR_COVERAGE, cmd_coverage},
	{"export", "SOURCE --pod NAMESPACE/NAME|UID | --container ID --case ID [OPTION]...",
	 "Writes an evidence bundle: the records with what proves them, what was seen, a report, "
	 "and who\n"
	 "took it when. varve verify and varve replay read it like any other source.",
	 FOR_EXPORT, cmd_export},
	{"prove", "SOURCE --event RUN/SEQUENCE [OPTION]...",
	 "Writes one record with the proof that it was sealed to a file, which varve verify "
	 "--proof\n"
	 "and other tools for Merkle logs can check without the rest of the evidence.",
	 FOR_PROVE, cmd_prove},
	{"checkpoint", "SOURCE... [OPTION]...",
	 "Prints the last seal of each node: published elsewhere, it shows later how far the "
	 "evidence\n"
	 "went (varve verify --checkpoint).",
	 FOR_CHECKPOINT, cmd_checkpoint},
	{"follow", "SOURCE... [OPTION]...",
	 "Prints records as they come, of a log directory or Kafka, until it is interrupted; what is\n"
	 "missing in their numbers is told as it appears: exit status 3 if there was anything.",
	 FOR_FOLLOW, cmd_follow},
};

static void print_help(FILE *out)
{
	fputs("Usage: varve COMMAND SOURCE [OPTION]...\n\n"
	      "Reads the evidence that varve-sensor left in a log directory or in Kafka.\n\n",
	      out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  varve %s %s\n", commands[i].name, commands[i].usage);
	fputs("\nvarve COMMAND --help says more. varve --version prints the version.\n", out);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static bool has_word(int argc, char **argv, const char *word)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], word))
			return true;
	return false;
}

/* Output that did not arrive is no output: a full disk must not look like a short history. */
static int finish(FILE *out, int status)
{
	if (fflush(out) || ferror(out)) {
		log_err(errno ? -errno : -EIO, "cannot write the output");
		return EXIT_IO;
	}
	return status;
}

static int run_command(const struct command *cmd, int argc, char **argv, FILE *out)
{
	struct terminal term;
	struct timespec now;
	struct options opts;
	int status = EXIT_USAGE;

	clock_gettime(CLOCK_REALTIME, &now);
	terminal_begin(&term, out, cmd->takes & FOR_PAGED);
	progress_to(terminal_shows_progress() ? 2 : -1);
	if (!options_parse(cmd, argc, argv, now.tv_sec * (int64_t)NSEC_PER_SEC + now.tv_nsec,
			   &opts))
		status = cmd->run(&opts, term.out);
	progress_to(-1);
	options_fini(&opts);
	fflush(term.out);
	/* Who left the pager before the end knows that. */
	if (!term.has_left)
		status = finish(term.out, status);
	if (!terminal_end(&term))
		status = EXIT_IO;
	return status;
}

int commands_run(int argc, char **argv, FILE *out)
{
	const char *name = argc > 1 ? argv[1] : "";
	const struct command *cmd = find_command(name);

	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
		print_help(out);
		return finish(out, EXIT_OK);
	}
	if (!strcmp(name, "--version")) {
		fprintf(out, "varve %s (schema %d)\n", VARVE_VERSION, VARVE_SCHEMA_VERSION);
		return finish(out, EXIT_OK);
	}
	/* For the build: not in the help. */
	if (!strcmp(name, "--completion"))
		return completion_print(argc > 2 ? argv[2] : "", commands, ARRAY_SIZE(commands),
					out)
			       ? EXIT_USAGE
			       : finish(out, EXIT_OK);
	if (!cmd) {
		char names[256] = "";

		for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
			sprintf(names + strlen(names), "%s%s", commands[i].name,
				i + 2 < ARRAY_SIZE(commands)   ? ", "
				: i + 1 < ARRAY_SIZE(commands) ? " or "
							       : "");
		diag(DIAG_ERROR, "%s%s%s: want %s (varve --help)",
		     *name ? "unknown command \"" : "no command", name, *name ? "\"" : "", names);
		return EXIT_USAGE;
	}
	if (has_word(argc - 2, argv + 2, "--help") || has_word(argc - 2, argv + 2, "-h")) {
		options_print_help(cmd, out);
		return finish(out, EXIT_OK);
	}
	return run_command(cmd, argc - 2, argv + 2, out);
}
