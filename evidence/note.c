/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/note.h"
#include "evidence/base.h"
#include "evidence/base64.h"
#include "evidence/text.h"
#include <string.h>

#define ALG_ED25519 0x01
#define DASH	    "\xe2\x80\x94 " /* U+2014, a space: how a signature begins */
#define DASH_LEN    4
#define ID_LEN	    4

/* --- keys */

/* No Unicode space, and no plus, which parts the fields of a key. */
static bool is_name(const char *s, size_t len)
{
	if (!len || len > NOTE_NAME_MAX || !text_is_utf8(s, len))
		return false;
	for (size_t i = 0, n; i < len; i += n) {
		uint32_t cp;

		n = text_decode(s + i, len - i, &cp);
		if (cp == '+' || cp == ' ' || (cp >= 0x09 && cp <= 0x0d) || cp == 0x85 ||
		    cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 ||
		    cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x3000)
			return false;
	}
	return true;
}

static void make_id(struct note_key *key)
{
	uint8_t in[NOTE_NAME_MAX + 2 + NOTE_PUB_LEN], digest[TREE_HASH_LEN];
	size_t len = strlen(key->name);

	memcpy(in, key->name, len);
	in[len++] = '\n';
	in[len++] = ALG_ED25519;
	memcpy(in + len, key->pub, NOTE_PUB_LEN);
	EVP_Digest(in, len + NOTE_PUB_LEN, digest, NULL, EVP_sha256(), NULL);
	memcpy(key->id, digest, ID_LEN);
}

static int key_init(struct note_key *key, struct note_span name, const uint8_t *pub)
{
	if (!is_name(name.at, name.len))
		return -EINVAL;
	memcpy(key->name, name.at, name.len);
	key->name[name.len] = '\0';
	memcpy(key->pub, pub, NOTE_PUB_LEN);
	make_id(key);
	return 0;
}

int note_key_init(struct note_key *key, const char *name, const uint8_t pub[NOTE_PUB_LEN])
{
	return key_init(key, note_span_of(name), pub);
}

static void format_id(const uint8_t id[ID_LEN], char ret_hex[2 * ID_LEN + 1])
{
	sprintf(ret_hex, "%02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
}

int note_key_parse(const char *text, size_t len, struct note_key *ret_key)
{
	uint8_t bytes[1 + NOTE_PUB_LEN];
	const char *id, *b64, *end = text + len;
	char hex[2 * ID_LEN + 1];
	struct note_key key;

	id = memchr(text, '+', len);
	b64 = id ? memchr(id + 1, '+', end - id - 1) : NULL;
	if (!b64 || !base64_decode_exactly(b64 + 1, end - b64 - 1, bytes, sizeof(bytes)) ||
	    bytes[0] != ALG_ED25519 ||
	    key_init(&key, (struct note_span){text, id - text}, bytes + 1))
		return -EINVAL;
	format_id(key.id, hex);
	if (b64 - id - 1 != 2 * ID_LEN || memcmp(id + 1, hex, 2 * ID_LEN))
		return -EINVAL;
	*ret_key = key;
	return 0;
}

void note_key_format(const struct note_key *key, char ret_text[NOTE_VKEY_SIZE])
{
	uint8_t bytes[1 + NOTE_PUB_LEN] = {ALG_ED25519};
	char b64[BASE64_LEN(sizeof(bytes)) + 1], hex[2 * ID_LEN + 1];

	memcpy(bytes + 1, key->pub, NOTE_PUB_LEN);
	base64_encode(bytes, sizeof(bytes), b64);
	format_id(key->id, hex);
	snprintf(ret_text, NOTE_VKEY_SIZE, "%s+%s+%s", key->name, hex, b64);
}

bool note_key_equal(const struct note_key *a, const struct note_key *b)
{
	return !strcmp(a->name, b->name) && !memcmp(a->pub, b->pub, NOTE_PUB_LEN);
}

/* --- notes */

bool note_take_line(struct note_span *text, struct note_span *ret_line)
{
	const char *newline = memchr(text->at, '\n', text->len);

	if (!newline)
		return false;
	*ret_line = (struct note_span){text->at, newline - text->at};
	text->len -= ret_line->len + 1;
	text->at = newline + 1;
	return true;
}

bool note_parse_number(struct note_span s, uint64_t *ret_number)
{
	uint64_t n = 0;

	if (!s.len || (s.len > 1 && *s.at == '0'))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned int digit = s.at[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, digit, &n))
			return false;
	}
	*ret_number = n;
	return true;
}

static bool parse_signature(struct note_span line, struct note_signature *ret)
{
	uint8_t bytes[3 * 256];
	const char *space;
	size_t len, b64_len;

	if (line.len < DASH_LEN || memcmp(line.at, DASH, DASH_LEN))
		return false;
	line.at += DASH_LEN;
	line.len -= DASH_LEN;
	space = memchr(line.at, ' ', line.len);
	if (!space || !is_name(line.at, space - line.at))
		return false;
	ret->name = (struct note_span){line.at, space - line.at};
	b64_len = line.len - ret->name.len - 1;
	if (b64_len > sizeof(bytes) / 3 * 4 || !base64_decode(space + 1, b64_len, bytes, &len) ||
	    len <= ID_LEN)
		return false;
	memcpy(ret->id, bytes, ID_LEN);
	ret->is_ed25519 = len == ID_LEN + NOTE_SIG_LEN;
	if (ret->is_ed25519)
		memcpy(ret->bytes, bytes + ID_LEN, NOTE_SIG_LEN);
	return true;
}

/* The text ends with the last empty line. */
static const char *find_signatures(const char *s, size_t len)
{
	for (size_t i = len; i >= 2; i--)
		if (s[i - 1] == '\n' && s[i - 2] == '\n')
			return s + i;
	return NULL;
}

int note_parse(const char *s, size_t len, struct note *ret_note)
{
	const char *sigs = len <= NOTE_MAX && text_is_utf8(s, len) ? find_signatures(s, len) : NULL;
	struct note_span rest, line;

	if (!sigs)
		return -EINVAL;
	/* Of control characters a note has newlines only. */
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 && s[i] != '\n')
			return -EINVAL;
	ret_note->text = (struct note_span){s, sigs - s - 1};
	ret_note->sig_cnt = 0;
	rest = (struct note_span){sigs, s + len - sigs};
	while (rest.len) {
		if (ret_note->sig_cnt == NOTE_SIGS_MAX || !note_take_line(&rest, &line) ||
		    !parse_signature(line, &ret_note->sigs[ret_note->sig_cnt]))
			return -EINVAL;
		ret_note->sig_cnt++;
	}
	return ret_note->sig_cnt && ret_note->text.len ? 0 : -EINVAL;
}

static bool signature_holds(struct note_span text, const struct note_signature *sig,
			    const struct note_key *key)
{
	EVP_PKEY *pub = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->pub, NOTE_PUB_LEN);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool holds = pub && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pub) == 1 &&
		     EVP_DigestVerify(ctx, sig->bytes, NOTE_SIG_LEN, (const unsigned char *)text.at,
				      text.len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pub);
	return holds;
}

bool note_signature_is_of(const struct note_signature *sig, const struct note_key *key)
{
	return note_span_is(sig->name, key->name) && !memcmp(sig->id, key->id, ID_LEN);
}

bool note_verify(const struct note *note, const struct note_key *key)
{
	for (size_t i = 0; i < note->sig_cnt; i++) {
		const struct note_signature *sig = &note->sigs[i];

		/* Of two with the same name and id the first counts; no second try. */
		if (note_signature_is_of(sig, key))
			return sig->is_ed25519 && signature_holds(note->text, sig, key);
	}
	return false;
}

int note_sign(char *buf, size_t size, size_t text_len, size_t *len, const struct note_key *key,
	      EVP_PKEY *private_key)
{
	uint8_t bytes[ID_LEN + NOTE_SIG_LEN];
	char b64[BASE64_LEN(sizeof(bytes)) + 1];
	size_t sig_len = NOTE_SIG_LEN;
	EVP_MD_CTX *ctx;
	bool signed_;
	int n;

	ctx = EVP_MD_CTX_new();
	signed_ = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, private_key) == 1 &&
		  EVP_DigestSign(ctx, bytes + ID_LEN, &sig_len, (const unsigned char *)buf,
				 text_len) == 1 &&
		  sig_len == NOTE_SIG_LEN;
	EVP_MD_CTX_free(ctx);
	if (!signed_)
		return -EIO;
	memcpy(bytes, key->id, ID_LEN);
	base64_encode(bytes, sizeof(bytes), b64);
	n = snprintf(buf + *len, size - *len, "%s" DASH "%s %s\n", *len == text_len ? "\n" : "",
		     key->name, b64);
	if (n < 0 || (size_t)n >= size - *len)
		return -EMSGSIZE;
	*len += n;
	return 0;
}

bool note_take_note(struct note_span *text, struct note_span *ret_note)
{
	struct note_span line;
	bool signed_ = false;

	while (text->len && *text->at == '\n')
		text->at++, text->len--;
	ret_note->at = text->at;
	while (text->len) {
		bool is_signature = text->len >= DASH_LEN && !memcmp(text->at, DASH, DASH_LEN);

		if (signed_ && !is_signature)
			break;
		signed_ |= is_signature;
		if (!note_take_line(text, &line))
			return false;
	}
	ret_note->len = text->at - ret_note->at;
	return signed_;
}

/* --- checkpoints */

int checkpoint_parse(struct note_span text, struct checkpoint *ret_checkpoint)
{
	struct note_span size, root, rest, line;

	if (!note_take_line(&text, &ret_checkpoint->origin) || !ret_checkpoint->origin.len ||
	    !note_take_line(&text, &size) || !note_parse_number(size, &ret_checkpoint->size) ||
	    !note_take_line(&text, &root) ||
	    !base64_decode_exactly(root.at, root.len, &ret_checkpoint->root, TREE_HASH_LEN))
		return -EINVAL;
	for (rest = text; rest.len;)
		if (!note_take_line(&rest, &line) || !line.len)
			return -EINVAL;
	ret_checkpoint->extensions = text;
	return 0;
}
