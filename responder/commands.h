/* SPDX-License-Identifier: Apache-2.0 */
/* The sub-commands; each prints to out and returns an enum exit_status. */
#ifndef VARVE_RESPONDER_COMMANDS_H
#define VARVE_RESPONDER_COMMANDS_H

#include "responder/options.h"

int cmd_replay(const struct options *opts, FILE *out);
int cmd_pods(const struct options *opts, FILE *out);
int cmd_cat(const struct options *opts, FILE *out);
int cmd_find(const struct options *opts, FILE *out);
int cmd_diff(const struct options *opts, FILE *out);
int cmd_verify(const struct options *opts, FILE *out);
int cmd_coverage(const struct options *opts, FILE *out);
int cmd_export(const struct options *opts, FILE *out);
int cmd_prove(const struct options *opts, FILE *out);
int cmd_checkpoint(const struct options *opts, FILE *out);
int cmd_follow(const struct options *opts, FILE *out);

/* All of varve but the process's own: argv as main() has it. */
int commands_run(int argc, char **argv, FILE *out);

#endif
