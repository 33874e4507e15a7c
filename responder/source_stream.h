/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of records as a source. */
#ifndef VARVE_RESPONDER_SOURCE_STREAM_H
#define VARVE_RESPONDER_SOURCE_STREAM_H

#include "responder/source.h"
#include <stdio.h>

/* file: at its beginning, seekable; taken over. */
struct source *source_stream_new(FILE *file);

#endif
