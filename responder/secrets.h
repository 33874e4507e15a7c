/* SPDX-License-Identifier: Apache-2.0 */
/* Paths whose reading a responder wants to see at once. */
#ifndef VARVE_RESPONDER_SECRETS_H
#define VARVE_RESPONDER_SECRETS_H

#include "varve.pb-c.h"
#include <stdbool.h>

bool secrets_is_secret(const char *path);
/* The same of a file that was opened: directories that were listed are none. NULL: no. */
bool secrets_is_secret_file(const Varve__V1__File *file);

#endif
