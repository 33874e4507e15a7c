/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that seals are signed with. Owns four files in the log directory:
 *
 *   sensor.key   the private key of now, for nobody but the sensor
 *   sensor.next  the one that follows it, while one takes the other's place
 *   sensor.pub   the first public key: what verification starts from. Another line each time that a
 *                private key was lost, and all begins anew
 *   sensor.keys  the seal of each change of keys, signed by both: how one gets from the first key
 * to the key of now
 *
 * A key that was replaced is erased. A change is made when its seal is in sensor.keys for good; a
 * crash before that leaves the old key, a crash after it the new one.
 */
#ifndef VARVE_SEAL_KEY_H
#define VARVE_SEAL_KEY_H

#include "evidence/note.h"

struct seal_key;

/*
 * Takes the key in dir; if there is none the one in the file `first` (a private key as openssl
 * genpkey -algorithm ed25519 or Go's note package makes it; NULL or "": none given), else makes
 * one. name: of the keys that are made from here on. Errors are logged.
 */
int seal_key_open(const char *dir, const char *first, const char *name, struct seal_key **ret_key);
void seal_key_close(struct seal_key *key);

/* Who signs now. Valid until seal_key_commit(). */
const struct note_key *seal_key_current(const struct seal_key *key);
/* Signs with it, as note_sign(). */
int seal_key_sign(struct seal_key *key, char *buf, size_t size, size_t text_len, size_t *len);

/* Makes the key that is to follow, and keeps it on the disk. Errors are logged. */
int seal_key_prepare(struct seal_key *key);
/* The one that was prepared; NULL: none. */
const struct note_key *seal_key_next(const struct seal_key *key);
/* Signs with it. */
int seal_key_sign_next(struct seal_key *key, char *buf, size_t size, size_t text_len, size_t *len);
/*
 * The seal that names the next key, with both signatures: from here on that is the key. On an error
 * (logged) it is as if nothing had been prepared.
 */
int seal_key_commit(struct seal_key *key, const char *note, size_t len);
void seal_key_abandon(struct seal_key *key);
/* The last change of keys: the seal in sensor.keys. 0 bytes: there was none. */
size_t seal_key_last_change(const struct seal_key *key, const char **ret_note);

#endif
