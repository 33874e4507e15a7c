/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/proof.h"
#include "evidence/base.h"
#include "evidence/base64.h"
#include "responder/memory.h"
#include <inttypes.h>
#include <string.h>

#define HEAD "c2sp.org/tlog-proof@v1"

void proof_write(FILE *out, const struct proof *p)
{
	_cleanup_free_ char *extra = memory_zalloc(BASE64_LEN(p->payload_len) + 1);
	char hash[BASE64_LEN(TREE_HASH_LEN) + 1];

	base64_encode(p->payload, p->payload_len, extra);
	fprintf(out, HEAD "\nextra %s\nindex %" PRIu64 "\n", extra, p->index);
	for (size_t i = 0; i < p->hash_cnt; i++) {
		base64_encode(&p->hashes[i], TREE_HASH_LEN, hash);
		fprintf(out, "%s\n", hash);
	}
	fprintf(out, "\n%.*s", (int)p->checkpoint.len, p->checkpoint.at);
}

/* The line after the word and a space. */
static bool take_after(struct note_span *text, const char *word, struct note_span *ret)
{
	size_t len = strlen(word);

	if (!note_take_line(text, ret) || ret->len <= len || memcmp(ret->at, word, len) ||
	    ret->at[len] != ' ')
		return false;
	ret->at += len + 1;
	ret->len -= len + 1;
	return true;
}

static bool parse(struct note_span text, struct proof *p)
{
	struct note_span line;

	if (!note_take_line(&text, &line) || !note_span_is(line, HEAD) ||
	    !take_after(&text, "extra", &line))
		return false;
	p->payload = memory_zalloc(line.len / 4 * 3 + 1);
	if (!base64_decode(line.at, line.len, p->payload, &p->payload_len) ||
	    !take_after(&text, "index", &line) || !note_parse_number(line, &p->index))
		return false;
	while (note_take_line(&text, &line) && line.len) {
		if (p->hash_cnt == TREE_PROOF_MAX ||
		    !base64_decode_exactly(line.at, line.len, &p->hashes[p->hash_cnt++],
					   TREE_HASH_LEN))
			return false;
	}
	p->checkpoint = text;
	return text.len;
}

int proof_parse(const char *text, size_t len, struct proof *ret_proof)
{
	*ret_proof = (struct proof){};
	if (parse((struct note_span){text, len}, ret_proof))
		return 0;
	proof_fini(ret_proof);
	return -EINVAL;
}

void proof_fini(struct proof *p)
{
	free(p->payload);
	*p = (struct proof){};
}
