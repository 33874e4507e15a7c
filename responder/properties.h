/* SPDX-License-Identifier: Apache-2.0 */
/* librdkafka's properties: -X, and a file, so that no password is on a command line. */
#ifndef VARVE_RESPONDER_PROPERTIES_H
#define VARVE_RESPONDER_PROPERTIES_H

#include "evidence/note.h"
#include "responder/options.h"

#define PROPERTIES_ENV "VARVE_KAFKA_CONFIG" /* the file's name, if -F is not given */

/* Both are copied; where: the file and line, taken over, or NULL. Those of a file give way. */
void properties_add(struct options *o, struct note_span name, struct note_span value, char *where);
/* NAME=VALUE on each line; # begins a comment at a line's beginning. Errors are told. */
int properties_load(struct options *o, const char *path);
void properties_fini(struct options *o);

#endif
