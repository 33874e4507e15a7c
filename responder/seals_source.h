/* SPDX-License-Identifier: Apache-2.0 */
/* The seals' check, fed from a source; its keys, from where the command line says. */
#ifndef VARVE_RESPONDER_SEALS_SOURCE_H
#define VARVE_RESPONDER_SEALS_SOURCE_H

#include "responder/seals.h"
#include "responder/source.h"
#include <stdbool.h>

struct options;

/*
 * The keys that are trusted, and how one comes from them to others: the sources' own lists, or the
 * one that was named. Errors are told; the caller frees the keyring in each case.
 */
int seals_source_keys(const struct options *opts, struct keyring *keys);
/* True if one of the sources is a bundle: it ends with the seal behind its last record. */
bool seals_source_has_bundle(const struct options *opts);
/* A bundle whose files do not have their sums is damage. */
void seals_source_check_bundles(const struct options *opts, struct seals *seals);
/* From where the source is to its end; then seals_end() is due. */
int seals_source_read(struct source *src, struct seals *seals);

#endif
