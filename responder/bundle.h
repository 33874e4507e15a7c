/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An evidence bundle: a zip with the records of a pod and what proves them. docs/SEALS.md has its
 * files. BUNDLE_RECORDS is a sequence of items: a byte that says what it is, four bytes of length,
 * most significant first, and so many bytes.
 */
#ifndef VARVE_RESPONDER_BUNDLE_H
#define VARVE_RESPONDER_BUNDLE_H

#include "evidence/digest.h"
#include <stddef.h>
#include <stdint.h>

#define BUNDLE_RECORDS "records.bin"
#define BUNDLE_KEYS    "sensor.keys"
#define BUNDLE_SUMS    "SHA256SUMS"
#define BUNDLE_RECORD  'R' /* payload of a record */
#define BUNDLE_LEAF    'H' /* leaf hash of the next record of that run, which is another pod's */

/* True if the path is a plain file: what is read then is a bundle, or its BUNDLE_RECORDS. */
int bundle_is(const char *path);
/*
 * All of a file in the bundle, no longer than most; the caller frees. -ENOENT: there is none, or it
 * is no zip; else told.
 */
int bundle_read(const char *path, const char *name, size_t most, char **ret_data, size_t *ret_len);
/*
 * Checks each file in the bundle against its BUNDLE_SUMS. 0: all are as they should be, or it is
 * the records alone, no zip. -EBADMSG: one does not have its sum, or is not in the list, or not in
 * the zip, told; or there is no list.
 */
int bundle_check_sums(const char *path);
/* Makes a zip of these files in a directory. Errors are told. */
int bundle_write(const char *path, const char *dir, const char *const *names, size_t cnt);

/* SHA-256 of a file, hex. Errors are told. */
int bundle_hash_file(const char *path, char ret_hex[DIGEST_HEX_SIZE], uint64_t *ret_size);

#endif
