/* SPDX-License-Identifier: Apache-2.0 */
/* What a shell needs to complete commands and options: made from the tables that parse them. */
#ifndef VARVE_RESPONDER_COMPLETION_H
#define VARVE_RESPONDER_COMPLETION_H

#include "responder/options.h"

/* shell: bash, zsh or fish; -EINVAL: another, told in one line. */
int completion_print(const char *shell, const struct command *commands, size_t cnt, FILE *out);

#endif
