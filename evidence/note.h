/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed notes (c2sp.org/signed-note) with Ed25519 signatures, and the checkpoints in them
 * (c2sp.org/tlog-checkpoint). Pure. What is parsed points into the text it was parsed from.
 */
#ifndef VARVE_NOTE_H
#define VARVE_NOTE_H

#include "evidence/tree.h"
#include <openssl/evp.h>
#include <string.h>

#define NOTE_MAX       8192 /* bytes of a note with its signatures */
#define NOTE_NAME_MAX  800  /* a node's name has 255 bytes, each of which can be three */
#define NOTE_PUB_LEN   32
#define NOTE_SIG_LEN   64
#define NOTE_SIGS_MAX  8
#define NOTE_VKEY_SIZE (NOTE_NAME_MAX + 64) /* buffer for a key as text */

/* Who signs: a name and a public key. */
struct note_key {
	char name[NOTE_NAME_MAX + 1];
	uint8_t id[4]; /* of both: finds the signature */
	uint8_t pub[NOTE_PUB_LEN];
};

struct note_span {
	const char *at;
	size_t len;
};

/* The text without its NUL; of NULL: an empty one. */
static inline struct note_span note_span_of(const char *text)
{
	return (struct note_span){text ? text : "", text ? strlen(text) : 0};
}
static inline bool note_span_is(struct note_span span, const char *text)
{
	return span.len == strlen(text) && !memcmp(span.at, text, span.len);
}

struct note_signature {
	struct note_span name;
	uint8_t id[4];
	uint8_t bytes[NOTE_SIG_LEN];
	bool is_ed25519; /* else of a length that is another algorithm's */
};

struct note {
	struct note_span text; /* what is signed, with its last newline */
	struct note_signature sigs[NOTE_SIGS_MAX];
	size_t sig_cnt;
};

/* -EINVAL: no name for a key (empty, with a space or a plus, not UTF-8, too long). */
int note_key_init(struct note_key *key, const char *name, const uint8_t pub[NOTE_PUB_LEN]);
/* From "<name>+<id, 8 hex digits>+<base64 of 0x01 and the public key>", as Go's note package prints
 * it. -EINVAL. */
int note_key_parse(const char *text, size_t len, struct note_key *ret_key);
void note_key_format(const struct note_key *key, char ret_text[NOTE_VKEY_SIZE]);
bool note_key_equal(const struct note_key *a, const struct note_key *b);

/* Takes the next note off the text, where notes follow each other, empty lines between them. False:
 * no more, or no note. */
bool note_take_note(struct note_span *text, struct note_span *ret_note);
/* -EINVAL: not a signed note. */
int note_parse(const char *s, size_t len, struct note *ret_note);
/* It says that it is of that key; whether it holds note_verify() tells. */
bool note_signature_is_of(const struct note_signature *sig, const struct note_key *key);
/* It has a signature of that key, and it holds. */
bool note_verify(const struct note *note, const struct note_key *key);
/*
 * Signs the text, text_len bytes at buf that end in a newline. *len: what is in buf, at first
 * text_len; the signature goes behind it. -EMSGSIZE: it has no room there. -EIO: libcrypto refuses.
 */
int note_sign(char *buf, size_t size, size_t text_len, size_t *len, const struct note_key *key,
	      EVP_PKEY *private_key);

/* The text of a checkpoint. */
struct checkpoint {
	struct note_span origin;
	uint64_t size;
	struct tree_hash root;
	struct note_span extensions; /* whole lines; may be empty */
};
/* -EINVAL: the text is none. */
int checkpoint_parse(struct note_span text, struct checkpoint *ret_checkpoint);

/* Takes the next line off the text, without its newline. False: none, or one that does not end. */
bool note_take_line(struct note_span *text, struct note_span *ret_line);
/* A decimal number without leading zeroes. */
bool note_parse_number(struct note_span s, uint64_t *ret_number);

#endif
