/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes, the seals in them, and keys. What is taken, written anew, is the same. */
#include "evidence/seal.h"
#include "evidence/base.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_seal(const struct seal *seal)
{
	char buf[NOTE_MAX];
	struct seal again;
	size_t len;

	if (seal_format(seal, buf, sizeof(buf), &len))
		return;
	if (seal_parse((struct note_span){buf, len}, &again) || again.size != seal->size ||
	    again.number != seal->number || again.count_cnt != seal->count_cnt ||
	    again.has_next != seal->has_next || again.final != seal->final)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of exactly that size: reading beyond its end is seen. */
	_cleanup_free_ char *text = malloc(size ? size : 1);
	char vkey[NOTE_VKEY_SIZE];
	struct note_key key;
	struct note note;
	struct seal seal;

	memcpy(text, data, size);
	if (!note_key_parse(text, size, &key)) {
		note_key_format(&key, vkey);
		if (strlen(vkey) != size || memcmp(vkey, text, size))
			abort();
	}
	if (!note_parse(text, size, &note) && !seal_parse(note.text, &seal))
		check_seal(&seal);
	if (!seal_parse((struct note_span){text, size}, &seal))
		check_seal(&seal);
	return 0;
}
