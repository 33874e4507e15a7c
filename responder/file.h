/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are read as a whole. */
#ifndef VARVE_RESPONDER_FILE_H
#define VARVE_RESPONDER_FILE_H

#include <stddef.h>

/* The first `most` bytes, or all if it is shorter; the caller frees. A negative errno, untold. */
int file_read(const char *path, size_t most, char **ret_data, size_t *ret_len);

#endif
