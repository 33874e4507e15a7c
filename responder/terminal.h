/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output to somebody who sits there: through a pager, in colours. Only if it is a terminal: a pipe
 * and a file get what they always got.
 */
#ifndef VARVE_RESPONDER_TERMINAL_H
#define VARVE_RESPONDER_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* A terminal that does more than print what comes. */
bool terminal_is_smart(int fd);
/* True if somebody sees standard error, and no program behind a pipe (varve ... | less) has the
 * screen. */
bool terminal_shows_progress(void);

struct terminal {
	FILE *out;  /* what to print to; out itself if there is nothing to do */
	FILE *to;   /* the pager, or the terminal */
	FILE *real; /* as given */
	char *line; /* what has no newline yet */
	size_t len, cap;
	pid_t pager; /* 0: none */
	bool pages, paints, has_begun;
	bool has_left; /* nobody reads any more */
};

/*
 * Print to ret_term->out from now on. PAGER, else less if there is one, gets it once something is
 * printed; NO_COLOR and TERM=dumb mean no colours.
 */
void terminal_begin(struct terminal *ret_term, FILE *out, bool pages);
/* All that was printed is out, and the pager was left. False: the reader left before the end, or it
 * could not be written. */
bool terminal_end(struct terminal *term);

#endif
