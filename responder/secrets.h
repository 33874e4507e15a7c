/* SPDX-License-Identifier: Apache-2.0 */
/* Paths whose reading a responder wants to see at once. */
#ifndef VARVE_RESPONDER_SECRETS_H
#define VARVE_RESPONDER_SECRETS_H

#include <stdbool.h>

bool secrets_is_secret(const char *path);

#endif
