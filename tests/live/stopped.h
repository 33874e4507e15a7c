/* SPDX-License-Identifier: Apache-2.0 */
/* A program that was exec'ed in the container and stands still, so that /proc can be asked about
 * it. */
#ifndef VARVE_LIVE_STOPPED_H
#define VARVE_LIVE_STOPPED_H

#include "tests/live/account.h"

struct stopped {
	const char *name;  /* of the program, in the working directory: run as ./NAME */
	char *const *argv; /* NULL: the name alone */
	/* In the child, in the container, in the test's directory, before the exec. */
	void (*before)(struct stopped *s);
	bool by_fd; /* fexecve of fd */
	bool no_argv;
	int fd, tty_fd;
	char tty[64];
	char *deep;
	int input; /* what the program reads from */
};

/* Runs it, reads its account while it waits, lets it end, ends the container. Gives its pid. */
pid_t stopped_run(struct live *t, struct stopped *s, struct account_process *ret_want);
/* In the child: the exec alone. Does not return. */
void stopped_exec(struct stopped *s);

/* Mounts of the caller's own, gone when it ends. */
void stopped_private_mounts(void);

#endif
