/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a long reading is: a line on standard error that writes over itself, if that is a
 * terminal. Like the message level it is the program's, not a caller's.
 */
#ifndef VARVE_RESPONDER_PROGRESS_H
#define VARVE_RESPONDER_PROGRESS_H

#include <stddef.h>

/* Where to; -1 (as it begins): nowhere. */
void progress_to(int fd);
/* A record of so many bytes was read. */
void progress_step(size_t bytes);
/* A reading has ended: the line goes; the next reading counts anew. */
void progress_done(void);

#endif
