/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that seals are checked by: those that the user trusts (--key), and those that lead on
 * from them, one after the other, by seals that both the old and the new key signed.
 */
#ifndef VARVE_RESPONDER_KEYRING_H
#define VARVE_RESPONDER_KEYRING_H

#include "evidence/base.h"
#include "evidence/seal.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYRING_NONE SIZE_MAX

struct keyring_key {
	struct note_key key;
	bool is_trusted; /* from --key; else by a change */
	size_t before;	 /* the key that was changed for it; KEYRING_NONE: it begins a chain */
	size_t after;	 /* the key it was changed for; KEYRING_NONE: none is known */
	bool has_change; /* it came by a seal, of this run, over so many records with this root */
	char run_id[UUID_LEN + 1];
	uint64_t size;
	struct tree_hash root;
	int64_t since_ns; /* of the change that made it sign; INT64_MIN */
};

struct keyring {
	struct keyring_key *v;
	size_t cnt, cap;
	struct seal_index *index; /* by the id of a key */
};

void keyring_fini(struct keyring *ring);
/* Adds the keys in a file, one a line, as sensor.pub has them; empty lines and those that begin
 * with # are passed over. Errors are told: -EINVAL: a line is no key, or there is none. */
int keyring_load_trusted(struct keyring *ring, const char *path);
void keyring_add_trusted(struct keyring *ring, const struct note_key *key);
/*
 * Adds the keys that the changes in a file lead to, as sensor.keys has them, in its order. What no
 * key leads to is passed over: the file is not trusted. -ENOENT untold.
 */
void keyring_take_changes(struct keyring *ring, const char *changes, size_t len);
int keyring_load_changes(struct keyring *ring, const char *path);
/* A seal that changes keys: the index of the key that it changes to, which is added if both
 * signatures hold and the first is of a key that is known. KEYRING_NONE else. */
size_t keyring_change(struct keyring *ring, const struct note *note, const struct seal *seal);
/* The key that signed the note; KEYRING_NONE: none that is known, or no signature holds. */
size_t keyring_signer(const struct keyring *ring, const struct note *note);
/* A known key has a signature there that does not hold. */
bool keyring_is_forged(const struct keyring *ring, const struct note *note);
/* True if the key cannot have signed the seal: it came later. In the run of its change the place
 * tells, elsewhere only the time can. */
bool keyring_is_before(const struct keyring_key *key, const struct seal *seal);
/* True if one comes to `to` by changes from `from`. */
bool keyring_leads(const struct keyring *ring, size_t from, size_t to);

#endif
