/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What varve-kubewatch gives up, in two steps, since it resolves the API server's name between
 * them: that takes files of the machine's, and is done by nobody.
 */
#ifndef VARVE_KUBEWATCH_SANDBOX_H
#define VARVE_KUBEWATCH_SANDBOX_H

/* Becomes nobody, with limits and without capabilities, but the one for the next step. */
int sandbox_drop_root(void);
/* The working directory, which shall be empty, is the root from now on; then no capability is left,
 * and the filter is set. */
int sandbox_enter(void);
/* The filter of system calls alone: any other than those kills the process. */
int sandbox_filter(void);

#endif
